import { ownBlobUrl } from '../domain/own-blob-url.ts'
import { parseResourceId } from '../domain/resource-id.ts'

/** A blob of a storage account of this installation. */
export type BlobName = {
  /** Key of the account; or, where only the URL tells of it, its name: that is unique here. */
  readonly account: string
  readonly container: string
  readonly name: string
}

/** What account names are claimed under, so that each is there once in an installation. */
export function accountClaim(name: string): string {
  return `storage-account|${name.toLowerCase()}`
}

/**
 * The blob that a URL names: `{own origin}/{account}/{container}/{blob}`, as accounts here tell it, or
 * `https://{account}.blob.…/{container}/{blob}`, as `ownBlobUrl` takes it. `account` is the account's id where the client
 * sent one. Undefined for a URL of another host, of no such form, or of another account than that. A query (a SAS) does
 * not count.
 */
export function blobOfUri(
  uri: string,
  account: string | undefined,
  ownUrls: readonly string[] = [],
): BlobName | undefined {
  const id = account === undefined ? undefined : parseResourceId(account)
  if (account !== undefined && !id) return undefined
  const named = id?.name.toLowerCase()
  const url = ownBlobUrl(uri, ownUrls, named)
  const parts = url && partsOf(url)
  if (!parts || (named !== undefined && named !== parts.account)) return undefined
  return { ...parts, account: id?.key ?? parts.account }
}

function partsOf({ pathname }: URL): BlobName | undefined {
  const [, account, container, encoded] = /^\/([a-z\d]{3,24})\/([^/]+)\/(.+)$/.exec(pathname) ?? []
  if (account === undefined || container === undefined || encoded === undefined) return undefined
  try {
    return { account, container, name: decodeURIComponent(encoded) }
  } catch {
    return undefined
  }
}
