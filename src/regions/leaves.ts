import { invariant } from '../base/assert.ts'
import type { Leaf, LeafPart } from '../chunks/lane-protocol.ts'
import { layout } from '../chunks/layout.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { DiskExtent, DiskFile } from '../formats/disk-file.ts'
import type { Plane } from './plane.ts'
import { resolvePages } from './resolve-pages.ts'

/** Where the bytes of a disk file lie: a file that the lanes can open, or the pages of an upload. */
export type IngestSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'upload'; readonly upload: string; readonly space: SpaceId }

/** The 16 MiB pieces of a disk that are not holes, ascending, each with where its bytes lie. */
export async function* leavesOf(
  plane: Plane,
  order: { readonly disk: DiskFile; readonly source: IngestSource; readonly signal: AbortSignal },
): AsyncGenerator<Leaf> {
  let index = -1
  let parts: LeafPart[] = []
  for await (const extent of cutAtLeaves(order.disk, order.signal)) {
    const at = Math.floor(extent.offsetBytes / layout.leafBytes)
    if (at !== index && parts.length > 0) yield { index, parts }
    if (at !== index) parts = []
    index = at
    for (const part of await partsOf(plane, order.source, extent)) parts.push(part)
  }
  if (parts.length > 0) yield { index, parts }
}

async function* cutAtLeaves(disk: DiskFile, signal: AbortSignal): AsyncGenerator<DiskExtent> {
  let endBytes = 0
  for await (const extent of disk.extents(signal)) {
    invariant(extent.offsetBytes >= endBytes, 'extents ascend and do not overlap')
    endBytes = extent.offsetBytes + extent.lengthBytes
    invariant(endBytes <= disk.virtualSizeBytes, 'extents lie on the disk')
    for (let offsetBytes = extent.offsetBytes; offsetBytes < endBytes; ) {
      const leafEnd = (Math.floor(offsetBytes / layout.leafBytes) + 1) * layout.leafBytes
      const lengthBytes = Math.min(leafEnd, endBytes) - offsetBytes
      yield {
        offsetBytes,
        lengthBytes,
        fileBytes: extent.fileBytes + (offsetBytes - extent.offsetBytes),
      }
      offsetBytes += lengthBytes
    }
  }
}

async function partsOf(
  plane: Plane,
  source: IngestSource,
  extent: DiskExtent,
): Promise<readonly LeafPart[]> {
  if (source.kind === 'file') return [{ ...extent, key: undefined, fromBytes: extent.fileBytes }]
  const from = extent.fileBytes
  const to = from + extent.lengthBytes
  const pages = await plane.uploads.touching(source.upload, from, to)
  return resolvePages(pages, from, to).map((piece) => ({
    offsetBytes: extent.offsetBytes + (piece.offsetBytes - from),
    lengthBytes: piece.lengthBytes,
    key: piece.key,
    fromBytes: piece.fromBytes,
  }))
}
