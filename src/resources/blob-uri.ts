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
 * The blob that a URL names: `https://any-host[:port]/{account}/{container}/{blob}`, as accounts here tell it, or
 * `https://{account}.blob.…/{container}/{blob}`, as Azure does. `account` is the account's id where the client sent one.
 * Undefined for a URL of no such form, or of another account than that. A query (a SAS) does not count.
 */
export function blobOfUri(uri: string, account: string | undefined): BlobName | undefined {
  const url = URL.parse(uri)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined
  const id = account === undefined ? undefined : parseResourceId(account)
  if (account !== undefined && !id) return undefined
  const parts = partsOf(url)
  if (!parts || (id && id.name.toLowerCase() !== parts.account)) return undefined
  return { ...parts, account: id?.key ?? parts.account }
}

function partsOf({ hostname, pathname }: URL): BlobName | undefined {
  const [inHost] = /^[a-z\d]{3,24}(?=\.blob\.)/.exec(hostname) ?? []
  const path = inHost === undefined ? pathname : `/${inHost}${pathname}`
  const [, account, container, encoded] = /^\/([a-z\d]{3,24})\/([^/]+)\/(.+)$/.exec(path) ?? []
  if (account === undefined || container === undefined || encoded === undefined) return undefined
  try {
    return { account, container, name: decodeURIComponent(encoded) }
  } catch {
    return undefined
  }
}
