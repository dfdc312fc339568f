import { invariant } from '../base/assert.ts'
import type { CompressedPart, Leaf, LeafPart } from '../chunks/lane-protocol.ts'
import { layout } from '../chunks/layout.ts'
import type { CompressedRun } from '../domain/compressed-run.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { DiskExtent, DiskFile } from '../formats/disk-file.ts'
import type { Plane } from './plane.ts'
import { type PagePiece, resolvePages } from './resolve-pages.ts'

/** Where the bytes of a disk file lie: a file that the lanes can open, or the pages of an upload. */
export type IngestSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'upload'; readonly upload: string; readonly space: SpaceId }

/** The 16 MiB pieces of a disk that are not holes, ascending, each with where its bytes lie. */
export async function* leavesOf(
  plane: Plane,
  order: { readonly disk: DiskFile; readonly source: IngestSource; readonly signal: AbortSignal },
): AsyncGenerator<Leaf> {
  const partsOf = openParts(plane, order.source)
  let index = -1
  let parts: (LeafPart | CompressedPart)[] = []
  for await (const extent of cutAtLeaves(order.disk, order.signal)) {
    const at = Math.floor(extent.offsetBytes / layout.leafBytes)
    if (at !== index && parts.length > 0) yield { index, parts }
    if (at !== index) parts = []
    index = at
    if (extent.compressed) parts.push(await compressedPart(extent, extent.compressed, partsOf))
    else for (const part of await partsOf(extent)) parts.push(part)
  }
  if (parts.length > 0) yield { index, parts }
}

async function* cutAtLeaves(disk: DiskFile, signal: AbortSignal): AsyncGenerator<DiskExtent> {
  let endBytes = 0
  for await (const extent of disk.extents(signal)) {
    invariant(extent.offsetBytes >= endBytes, 'extents ascend and do not overlap')
    endBytes = extent.offsetBytes + extent.lengthBytes
    invariant(endBytes <= disk.virtualSizeBytes, 'extents lie on the disk')
    if (extent.compressed) {
      const { plainBytes } = extent.compressed
      invariant(extent.offsetBytes % plainBytes === 0, 'a compressed run lies on its own grid')
      yield extent
      continue
    }
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

type PartsOf = (extent: DiskExtent) => Promise<readonly LeafPart[]>

async function compressedPart(
  { offsetBytes, lengthBytes, fileBytes }: DiskExtent,
  run: CompressedRun,
  partsOf: PartsOf,
): Promise<CompressedPart> {
  const pieces = await partsOf({ offsetBytes: 0, lengthBytes: run.storedBytes, fileBytes })
  return { offsetBytes, lengthBytes, run, pieces }
}

function openParts(plane: Plane, source: IngestSource): PartsOf {
  if (source.kind === 'file')
    return async (extent) => {
      const { offsetBytes, lengthBytes, fileBytes } = extent
      return [{ offsetBytes, lengthBytes, key: undefined, fromBytes: fileBytes }]
    }
  const piecesIn = openPieces(plane, source.upload)
  return async ({ offsetBytes, lengthBytes, fileBytes }) => {
    const pieces = await piecesIn(fileBytes, fileBytes + lengthBytes)
    return pieces.map((piece) => ({
      offsetBytes: offsetBytes + (piece.offsetBytes - fileBytes),
      lengthBytes: piece.lengthBytes,
      key: piece.key,
      fromBytes: piece.fromBytes,
    }))
  }
}

/** Rows are asked for this far ahead: compressed clusters are small and lie one behind the other. */
const aheadBytes = limits.putPageBytesMax

/** Where the bytes of [from, to) of an upload lie, ascending; neighbours come from one look at the rows. */
function openPieces(plane: Plane, upload: string) {
  let known: { from: number; to: number; pieces: readonly PagePiece[] } = {
    from: 0,
    to: 0,
    pieces: [],
  }
  return async (from: number, to: number): Promise<readonly PagePiece[]> => {
    if (from < known.from || to > known.to) {
      const end = Math.max(to, from + aheadBytes)
      const pages = await plane.uploads.touching(upload, from, end)
      known = { from, to: end, pieces: resolvePages(pages, from, end) }
    }
    return known.pieces.flatMap((piece) => {
      const start = Math.max(from, piece.offsetBytes)
      const end = Math.min(to, piece.offsetBytes + piece.lengthBytes)
      if (start >= end) return []
      const fromBytes = piece.fromBytes + (start - piece.offsetBytes)
      return [{ key: piece.key, offsetBytes: start, lengthBytes: end - start, fromBytes }]
    })
  }
}
