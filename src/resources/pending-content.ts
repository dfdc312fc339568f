import type { Digest } from '../domain/digest.ts'
import { isDigest } from '../domain/digest.ts'
import { sizes } from '../domain/limits.ts'
import { regionName } from '../domain/regions.ts'
import type { Json, JsonObject, ResourceRow, WorkRequest } from '../domain/rows.ts'
import { diskSpace, type SpaceId } from '../domain/spaces.ts'
import type { BlobName } from './blob-uri.ts'
import { contentOf, contentStatus } from './content.ts'
import type { DiskContent } from './declaration.ts'
import { isList, isObject, valueAt } from './paths.ts'

/**
 * Bytes that a resource is to be made of and that are no image of its region yet. Its status names them (`sources`) from
 * the commit that asks for the work `IngestDisk` on; that work makes an image of one after the other.
 */
export type ContentSource = {
  /** undefined: the OS disk, or the only one. */
  readonly lun: number | undefined
  readonly from: SourceBytes
}

export type SourceBytes =
  /** Pages of its own: dropped once they are an image. */
  | ({ readonly is: 'upload' } & StagedFile)
  /** Pages of a blob in a storage account, which stay its own. */
  | ({ readonly is: 'blob'; readonly blob: BlobName } & StagedFile)
  /** A file elsewhere, fetched into pages of its own. */
  | { readonly is: 'url'; readonly url: string; readonly upload: string; readonly space: SpaceId }
  /** An image that lies in other regions. */
  | { readonly is: 'image'; readonly image: Digest; readonly sizeBytes: number }
  /** A disk without data. */
  | { readonly is: 'empty'; readonly sizeBytes: number }

export type StagedFile = {
  readonly upload: string
  readonly space: SpaceId
  readonly sizeBytes: number
}

/** What asks for the work, beside the sources in the status. */
export function ingestRequest({
  key,
  region,
  generation,
}: Pick<ResourceRow, 'key' | 'generation'> & { readonly region: string }): WorkRequest {
  const queue = `region:${regionName(region)}`
  return { kind: 'IngestDisk', subject: key, queue, generation, key }
}

/** The sources as a member of status. */
export function sourcesStatus(sources: readonly ContentSource[]): { readonly sources: Json } {
  return {
    sources: sources.map(({ lun, from }) => ({ ...(lun !== undefined && { lun }), from })),
  }
}

type Made = Pick<ResourceRow, 'doc' | 'region' | 'status'>

/** Everything that the resource is made of and that is not cleaned away yet. */
function sourcesOf(row: Made): readonly ContentSource[] {
  const { sources } = row.status
  if (isList(sources)) return sources.flatMap((one) => (isObject(one) ? sourceFrom(one) : []))
  const from = bornOf(row)
  return from ? [{ lun: undefined, from }] : []
}

/** What is still to be made into an image, OS disk first. */
export function pendingOf(row: Made): readonly ContentSource[] {
  const made = contentOf(row.status)
  return sourcesOf(row).filter(({ lun }) => !made.some((disk) => disk.lun === lun))
}

/** Uploads whose pages belong to the resource; there may be pages of them. */
export function ownUploadsOf(row: Made): readonly Omit<StagedFile, 'sizeBytes'>[] {
  return sourcesOf(row).flatMap(({ from }) =>
    from.is === 'upload' || from.is === 'url' ? [{ upload: from.upload, space: from.space }] : [],
  )
}

/** Where clients write an upload, also after it became an image. Undefined for what takes none. */
export function stagingOf(row: ResourceRow): StagedFile | undefined {
  const from = bornOf(row)
  return from?.is === 'upload' ? from : undefined
}

/** What disks and snapshots say of themselves: nobody has to write it down. */
function bornOf(row: Made): SourceBytes | undefined {
  const { uniqueId } = row.status
  const option = valueAt(row.doc, 'properties.creationData.createOption')
  if (typeof uniqueId !== 'string') return undefined
  if (option === 'Upload') {
    const sizeBytes = Number(valueAt(row.doc, 'properties.creationData.uploadSizeBytes'))
    return { is: 'upload', upload: uniqueId, space: spaceOf(row), sizeBytes }
  }
  if (option !== 'Empty') return undefined
  return { is: 'empty', sizeBytes: Number(valueAt(row.doc, 'properties.diskSizeGB')) * sizes.gib }
}

/** The space of its region where the bytes of a resource are made into images. */
export function spaceOf(row: Pick<ResourceRow, 'region'>): SpaceId {
  return diskSpace(regionName(row.region ?? '')).id
}

export type MadeDisk = Omit<DiskContent, 'lun'>

/** The status once one more of its disks is an image; OS disk first, then by LUN. */
export function statusWith(row: ResourceRow, lun: number | undefined, made: MadeDisk): JsonObject {
  const { image, virtualSizeBytes, occupiedBytes, fileBytes } = made
  const others = contentOf(row.status).filter((disk) => disk.lun !== lun)
  const sizes = { virtualSizeBytes, occupiedBytes, ...(fileBytes !== undefined && { fileBytes }) }
  const disks = [...others, { lun, image, ...sizes }]
  const { copyCompletionError: _, diskState, completionPercent, ...status } = row.status
  return {
    ...status,
    ...(completionPercent !== undefined && { completionPercent: 100 }),
    ...contentStatus(disks.toSorted((one, other) => (one.lun ?? -1) - (other.lun ?? -1))),
    ...(diskState !== undefined && { diskState: 'Unattached' }),
  }
}

function sourceFrom({ lun, from }: JsonObject): ContentSource[] {
  const bytes = isObject(from) ? bytesFrom(from) : undefined
  return bytes ? [{ lun: typeof lun === 'number' ? lun : undefined, from: bytes }] : []
}

function bytesFrom(from: JsonObject): SourceBytes | undefined {
  const { is } = from
  const sizeBytes = Number(from.sizeBytes)
  // Written by `sourcesStatus`.
  const place = { upload: String(from.upload), space: String(from.space) as SpaceId }
  switch (is) {
    case 'upload':
      return { is, ...place, sizeBytes }
    case 'blob':
      return { is, blob: blobFrom(from.blob), ...place, sizeBytes }
    case 'url':
      return { is, url: String(from.url), ...place }
    case 'image':
      return isDigest(String(from.image))
        ? { is, image: String(from.image) as Digest, sizeBytes }
        : undefined
    case 'empty':
      return { is, sizeBytes }
    default:
      return undefined
  }
}

function blobFrom(blob: Json | undefined): BlobName {
  const of = (name: string) => String(valueAt(blob, name))
  return { account: of('account'), container: of('container'), name: of('name') }
}
