import type { ByteRange } from '../../domain/byte-range.ts'
import type { SpaceId } from '../../domain/spaces.ts'
import { sectorBytes } from '../../formats/fields.ts'
import { fixedVhdFooter } from '../../formats/vhd-footer.ts'
import { dataRanges, readImage } from '../../regions/read-image.ts'
import { stagedReader } from '../../regions/staging.ts'
import type { DiskContent } from '../../resources/declaration.ts'
import { stagingOf } from '../../resources/pending-content.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'
import { formatOf, openFormatted } from './disk-format.ts'
import { keptContent } from './kept-content.ts'

/** The blob that a disk is: a file of the format asked for (a fixed VHD if none), or the pages of an upload so far. */
export type DiskBytes = {
  readonly sizeBytes: number
  readonly etag: string
  /** At most 4 MiB, inside the blob. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>
  dataRanges(fromBytes: number, toBytes: number): AsyncIterable<ByteRange>
}

/** What of a request on a disk's blob tells which bytes are meant. */
type Reading = Pick<BlobRequest, 'store' | 'plane' | 'raw' | 'url' | 'grant' | 'disk' | 'outputs'>

export async function openDiskBytes(request: Reading): Promise<DiskBytes> {
  const { signal } = request.raw
  const place = await keptContent(request.store, request.disk)
  const format = formatOf(request.url)
  if (!place) return uploadBytes(request, signal)
  if (format === 'vhd') return imageBytes(request, place, signal)
  const { sizeBytes, ...file } = await openFormatted(request, place, format)
  return {
    sizeBytes,
    etag: `"${request.disk.revision}-${place.image.slice(0, 16)}-${format}"`,
    read: (offsetBytes, lengthBytes) => file.read({ offsetBytes, lengthBytes }, signal),
    dataRanges: (from, to) => clipped(file.dataRanges?.(signal) ?? whole(to), from, to),
  }
}

/**
 * Pages go when the upload is closed or the disk deleted, and one that is gone looks like one that never was: every answer
 * is looked at again before it counts. Grants end, or the disk says so, before any page goes.
 */
function uploadBytes(request: Reading, signal: AbortSignal): DiskBytes {
  const { plane, disk, store, grant } = request
  const staging = stagingOf(disk)
  if (!staging) throw new BlobError('InvalidRange', 'This disk has no bytes yet.')
  const reader = stagedReader(plane, staging)

  async function mustBeThere(): Promise<void> {
    const isGranted = (await store.read.sas.get(grant.id)) !== undefined
    const now = isGranted ? await store.read.resources.get(disk.key) : undefined
    if (now && now.state !== 'Deleting') return
    throw new BlobError('AuthenticationFailed', 'The access was revoked while the disk was read.')
  }

  async function* ranges(from: number, to: number): AsyncIterable<ByteRange> {
    yield* clipped(reader.dataRanges?.(signal) ?? whole(to), from, to)
    await mustBeThere()
  }

  return {
    sizeBytes: reader.sizeBytes,
    etag: `"${staging.upload}"`,
    read: async (offsetBytes, lengthBytes) => {
      const bytes = await reader.read({ offsetBytes, lengthBytes }, signal)
      await mustBeThere()
      return bytes
    },
    dataRanges: ranges,
  }
}

function imageBytes(
  { plane, disk }: Reading,
  content: DiskContent & { readonly spaces: readonly SpaceId[] },
  signal: AbortSignal,
): DiskBytes {
  const { image, spaces, virtualSizeBytes } = content
  const footer = fixedVhdFooter({ virtualSizeBytes, id: image.slice(0, 32) })
  const place = { image, spaces, signal }

  async function read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const inDisk = Math.max(0, Math.min(lengthBytes, virtualSizeBytes - offsetBytes))
    if (inDisk === lengthBytes) return readImage(plane, { ...place, offsetBytes, lengthBytes })
    const from = Math.max(0, offsetBytes - virtualSizeBytes)
    const rest = footer.subarray(from, from + lengthBytes - inDisk)
    if (inDisk === 0) return rest
    const head = await readImage(plane, { ...place, offsetBytes, lengthBytes: inDisk })
    return Buffer.concat([head, rest])
  }

  async function* ranges(fromBytes: number, toBytes: number): AsyncIterable<ByteRange> {
    const diskEnd = Math.min(toBytes, virtualSizeBytes)
    if (fromBytes < diskEnd) yield* dataRanges(plane, { ...place, fromBytes, toBytes: diskEnd })
    const footerFrom = Math.max(fromBytes, virtualSizeBytes)
    if (footerFrom < toBytes) yield { offsetBytes: footerFrom, lengthBytes: toBytes - footerFrom }
  }

  const sizeBytes = virtualSizeBytes + sectorBytes
  return { sizeBytes, etag: `"${disk.revision}-${image.slice(0, 16)}"`, read, dataRanges: ranges }
}

/** What of the ranges lies in [from, to). */
export async function* clipped(ranges: AsyncIterable<ByteRange>, from: number, to: number) {
  for await (const range of ranges) {
    const offsetBytes = Math.max(from, range.offsetBytes)
    const end = Math.min(to, range.offsetBytes + range.lengthBytes)
    if (offsetBytes < end) yield { offsetBytes, lengthBytes: end - offsetBytes }
  }
}

export async function* whole(toBytes: number): AsyncIterable<ByteRange> {
  yield { offsetBytes: 0, lengthBytes: toBytes }
}
