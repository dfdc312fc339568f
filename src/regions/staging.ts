import { hash } from 'node:crypto'
import { invariant } from '../base/assert.ts'
import { mapBounded } from '../base/bounded.ts'
import { isPackedPage } from '../chunks/packed-page.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import type { Digest } from '../domain/digest.ts'
import { ArmError } from '../domain/errors.ts'
import type { RunsToStage } from '../domain/holdings.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { ByteReader } from '../formats/disk-file.ts'
import type { Plane } from './plane.ts'
import { type PagePiece, resolvePages } from './resolve-pages.ts'
import { readRun } from './run-parts.ts'
import type { ImagePlace } from './sources.ts'
import { isDamage } from './trailers.ts'

/** An upload and the space where its pages lie. */
export type Staging = { readonly upload: string; readonly space: SpaceId }

/** What is asked of the rows at once when an upload is walked through. */
const walkBytes = 64 * sizes.mib
const dropRows = 256
const deletesAtOnce = 8
const deleteMs = 60_000

/**
 * Keeps one Put Page: durable once resolved. At most 4 MiB, offset and length multiples of 512; `bytes` are not the
 * caller's any more. False: its `grant` was revoked meanwhile, nothing is kept. Throws SpaceFull, Unavailable.
 */
export async function stagePage(
  plane: Plane,
  page: Staging & {
    readonly offsetBytes: number
    readonly bytes: Uint8Array
    readonly grant?: string
    readonly signal: AbortSignal
  },
): Promise<boolean> {
  const lengthBytes = page.bytes.length
  invariant(lengthBytes > 0 && lengthBytes <= limits.putPageBytesMax, 'a page is at most 4 MiB')
  invariant((page.offsetBytes | lengthBytes) % 512 === 0, 'a page lies on sectors')
  const { upload, offsetBytes, grant } = page
  const key = await putPage(plane, page)
  if (await plane.uploads.add(upload, { offsetBytes, lengthBytes, key }, grant)) {
    plane.moved.uploadedBytes += lengthBytes
    return true
  }
  // Nobody else would find it again; and whoever sent it may be gone.
  await plane.blobsOf(page.space).delete(key, AbortSignal.timeout(deleteMs))
  return false
}

/**
 * Keeps bytes in the folder of an upload and answers their key, which no row names yet. Whole chunks are hashed and
 * compressed with it, other pages are kept as they are. At most 4 MiB; `bytes` are not the caller's any more.
 */
export async function putPage(
  plane: Plane,
  page: Staging & {
    readonly offsetBytes: number
    readonly bytes: Uint8Array
    readonly signal: AbortSignal
  },
): Promise<string> {
  const folder = folderOf(page.upload)
  if ((page.offsetBytes | page.bytes.length) % limits.chunkBytes !== 0) {
    const key = `${folder}${plane.world.id()}`
    await plane.blobsOf(page.space).put(key, page.bytes, page.signal)
    return key
  }
  const plain = alone(page.bytes)
  const salt = hash('sha256', plane.world.id(), 'buffer')
  const to = plane.addressOf(page.space)
  return await plane.lanes.call('page', { to, folder, salt, plain }, [plain.buffer])
}

/** In a buffer that holds nothing else, to change hands. */
function alone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
  return isAlone ? new Uint8Array(buffer) : Uint8Array.from(bytes)
}

/** Makes a range read as zeros again. False: its `grant` was revoked meanwhile. */
export async function clearPages(
  plane: Plane,
  clear: Staging & ByteRange & { readonly grant?: string },
): Promise<boolean> {
  const { upload, offsetBytes, lengthBytes, grant } = clear
  return await plane.uploads.add(upload, { offsetBytes, lengthBytes, key: undefined }, grant)
}

type RunsOrder = Staging & RunsToStage & { readonly grants: readonly string[] }

/**
 * Takes runs of an image as what stands in the upload: nothing moves. The image stays in the region until the upload is
 * dropped. False: it is not there any more, or a grant was revoked; nothing was kept.
 */
export async function stageRuns(plane: Plane, order: RunsOrder): Promise<boolean> {
  const { upload, image, spaces, grants } = order
  const runs = order.runs.flatMap(cutRun)
  return await plane.uploads.addRuns(upload, { image, spaces, runs }, grants)
}

function cutRun({ offsetBytes, lengthBytes, fromBytes }: RunsToStage['runs'][number]) {
  const { stagedRunBytesMax } = limits
  return Array.from({ length: Math.ceil(lengthBytes / stagedRunBytesMax) }, (_, at) => ({
    offsetBytes: offsetBytes + at * stagedRunBytesMax,
    lengthBytes: Math.min(stagedRunBytesMax, lengthBytes - at * stagedRunBytesMax),
    fromBytes: fromBytes + at * stagedRunBytesMax,
  }))
}

/** Where an image is read whose runs stand in an upload: where it is kept for it. */
export async function placeOfRuns(
  plane: Plane,
  upload: string,
  { image, signal }: { readonly image: Digest; readonly signal: AbortSignal },
): Promise<ImagePlace> {
  const kept = await plane.uploads.kept(upload)
  const spaces = kept.filter((one) => one.image === image).map(({ space }) => space)
  return { image, spaces, signal }
}

type Use = (bytes: Uint8Array, offsetBytes: number) => void

/** The uploaded file as it is now: newest page wins, gaps are zeros; `dataRanges` are the ranges with pages. Throws ArmError ImageDamaged. */
export function stagedReader(
  plane: Plane,
  { upload, space, sizeBytes }: Staging & { readonly sizeBytes: number },
): ByteReader {
  /** At most 4 MiB of an image at once. */
  async function readPiece(piece: PagePiece, signal: AbortSignal, use: Use): Promise<void> {
    const { key, image, offsetBytes, lengthBytes, fromBytes } = piece
    if (key !== undefined) {
      const range = { offsetBytes: fromBytes, lengthBytes }
      const from = { address: plane.addressOf(space), key }
      try {
        const bytes = isPackedPage(key)
          ? await plane.lanes.call('pagePart', { from, range })
          : await plane.blobsOf(space).read(key, range, signal)
        use(bytes, offsetBytes)
      } catch (error) {
        throw isDamage(error) ? pageLost(space, offsetBytes) : error
      }
      return
    }
    const place = await placeOfRuns(plane, upload, { image, signal })
    for (let done = 0; done < lengthBytes; done += limits.putPageBytesMax) {
      const part = Math.min(limits.putPageBytesMax, lengthBytes - done)
      const range = { fromBytes: fromBytes + done, lengthBytes: part }
      use(await readRun(plane, place, range), offsetBytes + done)
    }
  }

  const piecesIn = async (from: number, to: number) =>
    resolvePages(await plane.uploads.touching(upload, from, to), from, to)

  async function read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(range.lengthBytes)
    const pieces = await piecesIn(range.offsetBytes, range.offsetBytes + range.lengthBytes)
    await mapBounded(pieces, 4, (piece) =>
      readPiece(piece, signal, (bytes, at) => out.set(bytes, at - range.offsetBytes)),
    )
    return out
  }

  async function* dataRanges(signal: AbortSignal): AsyncGenerator<ByteRange> {
    let run: { from: number; to: number } | undefined
    for (let from = 0; from < sizeBytes; from += walkBytes) {
      signal.throwIfAborted()
      for (const piece of await piecesIn(from, Math.min(from + walkBytes, sizeBytes))) {
        if (run?.to === piece.offsetBytes) {
          run.to += piece.lengthBytes
          continue
        }
        if (run) yield { offsetBytes: run.from, lengthBytes: run.to - run.from }
        run = { from: piece.offsetBytes, to: piece.offsetBytes + piece.lengthBytes }
      }
    }
    if (run) yield { offsetBytes: run.from, lengthBytes: run.to - run.from }
  }

  return { sizeBytes, read, dataRanges }
}

/** Pages have one copy. */
function pageLost(space: SpaceId, offsetBytes: number): ArmError {
  const message = `What was written at offset ${offsetBytes} is damaged or missing in ${space}, and no other copy is left. Write it again.`
  return new ArmError('ImageDamaged', message)
}

/** Its pages have a folder of their own: one that a crash left without a row is found there. */
function folderOf(upload: string): string {
  return `uploads/${upload}/`
}

/** Deletes every page of the upload, blobs first, and lets go of what it kept. Repeatable. */
export async function dropStaged(
  plane: Plane,
  { upload, space, signal }: Staging & { readonly signal: AbortSignal },
): Promise<void> {
  const blobs = plane.blobsOf(space)
  // First, while rows still lead here.
  await plane.uploads.release(upload)
  for (;;) {
    signal.throwIfAborted()
    const pages = await plane.uploads.keys(upload, dropRows)
    if (pages.length === 0) break
    await mapBounded(pages, deletesAtOnce, async ({ key }) => {
      if (key !== undefined) await blobs.delete(key, signal)
    })
    await plane.uploads.drop(
      upload,
      pages.map(({ seq }) => seq),
    )
  }
  // A list that comes late leaves garbage, nothing worse.
  await mapBounded(blobs.list(folderOf(upload), signal), deletesAtOnce, (key) =>
    blobs.delete(key, signal),
  )
}
