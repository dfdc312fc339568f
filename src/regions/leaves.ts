import type { CompressedPart, Leaf, LeafPart } from '../chunks/lane-protocol.ts'
import { layout } from '../chunks/layout.ts'
import type { CompressedRun } from '../domain/compressed-run.ts'
import type { Digest } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { extentsCutAt } from '../formats/cut-extents.ts'
import type { DiskExtent, DiskFile } from '../formats/disk-file.ts'
import type { Plane } from './plane.ts'
import { cutPiece, type PagePiece, resolvePages } from './resolve-pages.ts'
import { readRun, runParts } from './run-parts.ts'
import type { ImagePlace } from './sources.ts'
import { placeOfRuns } from './staging.ts'

/** Where the bytes of a disk file lie: a file that the lanes can open, or the pages of an upload. */
export type IngestSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'upload'; readonly upload: string; readonly space: SpaceId }

/** The 16 MiB pieces of a disk that are not holes, ascending, each with where its bytes lie. */
export async function* leavesOf(plane: Plane, order: LeavesOrder): AsyncGenerator<Leaf> {
  const partsOf = openParts(plane, order)
  let index = -1
  let parts: Leaf['parts'][number][] = []
  for await (const extent of extentsCutAt(order.disk, layout.leafBytes, order.signal)) {
    const at = Math.floor(extent.offsetBytes / layout.leafBytes)
    if (at !== index && parts.length > 0) yield { index, parts }
    if (at !== index) parts = []
    index = at
    if (extent.compressed) parts.push(await compressedPart(extent, extent.compressed, partsOf))
    else for (const part of await partsOf.parts(extent)) parts.push(part)
  }
  if (parts.length > 0) yield { index, parts }
}

type LeavesOrder = {
  readonly disk: DiskFile
  readonly source: IngestSource
  readonly signal: AbortSignal
}

type PartsOf = {
  parts(extent: DiskExtent): Promise<Leaf['parts']>
  /** The same, all of it as bytes somewhere. */
  bytes(extent: DiskExtent): Promise<readonly LeafPart[]>
}

async function compressedPart(
  { offsetBytes, lengthBytes, fileBytes }: DiskExtent,
  run: CompressedRun,
  partsOf: PartsOf,
): Promise<CompressedPart> {
  const pieces = await partsOf.bytes({ offsetBytes: 0, lengthBytes: run.storedBytes, fileBytes })
  return { offsetBytes, lengthBytes, run, pieces }
}

function openParts(plane: Plane, { source, disk, signal }: LeavesOrder): PartsOf {
  if (source.kind === 'upload') return uploadParts(plane, source.upload, { disk, signal })
  const bytes = async ({ offsetBytes, lengthBytes, fileBytes }: DiskExtent) => [
    { offsetBytes, lengthBytes, key: undefined, fromBytes: fileBytes },
  ]
  return { parts: bytes, bytes }
}

function uploadParts(
  plane: Plane,
  upload: string,
  { disk, signal }: Omit<LeavesOrder, 'source'>,
): PartsOf {
  const piecesIn = openPieces(plane, upload)
  const diskBytes = disk.virtualSizeBytes
  const places = new Map<Digest, Promise<ImagePlace>>()

  function placeOf(image: Digest): Promise<ImagePlace> {
    const place = places.get(image) ?? placeOfRuns(plane, upload, { image, signal })
    places.set(image, place)
    return place
  }

  /** The pieces of an extent, at their offsets on the disk. */
  async function placed({ offsetBytes, lengthBytes, fileBytes }: DiskExtent) {
    const pieces = await piecesIn(fileBytes, fileBytes + lengthBytes)
    const toDisk = offsetBytes - fileBytes
    return pieces.map((piece) => ({ ...piece, offsetBytes: piece.offsetBytes + toDisk }))
  }

  async function parts(extent: DiskExtent): Promise<Leaf['parts']> {
    const found: Leaf['parts'][number][] = []
    for (const run of await placed(extent)) {
      if (run.image === undefined) found.push(run)
      else found.push(...(await runParts(plane, await placeOf(run.image), { run, diskBytes })))
    }
    return found
  }

  async function bytes(extent: DiskExtent): Promise<LeafPart[]> {
    const found: LeafPart[] = []
    for (const run of await placed(extent)) {
      if (run.image === undefined) found.push(run)
      else {
        const { offsetBytes, lengthBytes } = run
        const read = await readRun(plane, await placeOf(run.image), run)
        found.push({ offsetBytes, lengthBytes, key: undefined, fromBytes: 0, bytes: read })
      }
    }
    return found
  }

  return { parts, bytes }
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
    return known.pieces.flatMap((piece) => cutPiece(piece, from, to))
  }
}
