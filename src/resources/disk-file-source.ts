import { admitUrl, withoutQuery } from '../domain/import-hosts.ts'
import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import { diskSpace } from '../domain/spaces.ts'
import { type BlobName, blobOfUri } from './blob-uri.ts'
import type { Effects, Fact, Need, Settings } from './declaration.ts'
import { type ContentSource, type SourceBytes, sourcesStatus } from './pending-content.ts'

/** A disk file (a VHD, as Azure takes them, or any format that is read) that a body names by its URL. */
export type DiskFileSource = {
  readonly uri: string
  /** The id of the storage account here that has it; without it the URL alone tells. */
  readonly account: string | undefined
  /** Where the body says so. */
  readonly path: string
}

export const blobAction = 'Microsoft.Storage/storageAccounts/listKeys/action'
/** A VHD of the largest disk has its footer besides. */
const footerBytes = 512

export function diskFileNeed(
  { uri, account }: DiskFileSource,
  { ownUrls }: Settings,
): Need | undefined {
  const blob = blobOfUri(uri, account, ownUrls)
  return blob && { blob, linked: blobAction }
}

type Asking = {
  readonly location: string
  readonly settings: Settings
  /** What a file that is too large is called. */
  readonly tooLarge?: Problem['code']
}

/** Every reason why nothing can be made of the file. */
export function diskFileProblems(
  source: DiskFileSource,
  fact: Fact | undefined,
  asking: Asking,
): readonly Problem[] {
  const { uri, account, path: target } = source
  const shown = withoutQuery(uri)
  if (account === undefined && !fact?.row) {
    const admitted = admitUrl(asking.settings.imports.hosts, uri, 'imports.hosts')
    if (!('refused' in admitted)) return []
    const message = `'${shown}' cannot be imported. ${admitted.refused}`
    return [{ code: 'InvalidParameter', message, target }]
  }
  if (account !== undefined && !blobOfUri(uri, account, asking.settings.ownUrls)) {
    const named = blobOfUri(uri, undefined, asking.settings.ownUrls)?.account
    const message = `'${shown}' is not the URL of a blob of the storage account '${account}'${cureOf(named)}`
    return [{ code: 'InvalidParameter', message, target }]
  }
  if (!fact?.row) {
    const message = `The storage account '${account}' was not found. Leave it out to import a file of another host.`
    return [{ code: 'NotFound', message, target }]
  }
  return blobProblems(shown, fact, { ...asking, target })
}

/** `named`: the account that the URL itself names, where it is one of ours. */
function cureOf(named: string | undefined): string {
  return named === undefined
    ? '. Use its primaryEndpoints.blob, or leave the account out to import a file of another host.'
    : `, but of '${named}'. Give the id of '${named}' as storageAccountId (az disk create: --source-storage-account-id; without it az makes an account up from the URL's host).`
}

function blobProblems(
  shown: string,
  { row, blob }: Fact,
  { location, settings, target, tooLarge }: Asking & { readonly target: string },
): readonly Problem[] {
  const here = regionName(location)
  const max = settings.quotas.diskBytesMax
  const elsewhere = unless(
    row?.region === here,
    'InvalidParameter',
    target,
    `The storage account of '${shown}' is in region '${row?.region}'; what is made of its blobs is in the same region, not in '${here}'.`,
  )
  if (elsewhere.length > 0) return elsewhere
  if (!blob) return [{ code: 'NotFound', message: `The blob '${shown}' was not found.`, target }]
  return unless(
    blob.sizeBytes <= max + footerBytes,
    tooLarge ?? 'InvalidParameter',
    target,
    `The blob '${shown}' has ${blob.sizeBytes} bytes; a disk has at most ${max}.`,
  )
}

/** Where its bytes are found: in a blob here, or elsewhere and fetched into the pages of `upload`. */
export function diskFileBytes(
  { uri, account }: DiskFileSource,
  fact: Fact | undefined,
  to: { readonly location: string; readonly upload: string; readonly settings: Settings },
): SourceBytes {
  const name = blobOfUri(uri, account, to.settings.ownUrls)
  if (fact?.row && fact.blob && name)
    return blobBytes({ ...name, account: fact.row.key }, fact.blob)
  return { is: 'url', url: uri, upload: to.upload, space: diskSpace(regionName(to.location)).id }
}

export function blobBytes(blob: BlobName, found: NonNullable<Fact['blob']>): SourceBytes {
  const { upload, space, sizeBytes } = found
  return { is: 'blob', blob, upload, space, sizeBytes }
}

/** The upload of one of several files that are fetched for a resource. */
export function uploadFor(freshId: string, lun: number | undefined): string {
  return lun === undefined ? freshId : `${freshId}-${lun}`
}

/** What a resource that is to be made of these asks of the commit. */
export function pendingEffects(
  sources: readonly ContentSource[],
): Required<Pick<Effects, 'status' | 'reads'>> {
  const uploads = sources.flatMap(({ from }) => (from.is === 'blob' ? [from.upload] : []))
  return {
    status: sourcesStatus(sources),
    reads: [...new Set(uploads)].map((upload) => ({ upload })),
  }
}

/** A URL as GET shows it: what comes after the path may be a signature. */
export function shownUri(uri: string): string {
  return withoutQuery(uri)
}

/** Neither what GET showed of the stored URL nor another signature of the same file changes anything. */
export function keptUri(sent: string | undefined, stored: string | undefined): string | undefined {
  const isSame = sent !== undefined && stored !== undefined && shownUri(sent) === shownUri(stored)
  return isSame ? stored : sent
}
