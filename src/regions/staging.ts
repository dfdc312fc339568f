import { invariant } from '../base/assert.ts'
import { mapBounded } from '../base/bounded.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { ByteReader } from '../formats/disk-file.ts'
import type { Plane } from './plane.ts'
import { resolvePages } from './resolve-pages.ts'

/** An upload and the space where its pages lie. */
export type Staging = { readonly upload: string; readonly space: SpaceId }

/** What is asked of the rows at once when an upload is walked through. */
const walkBytes = 64 * sizes.mib
const dropRows = 256
const deletesAtOnce = 8
const deleteMs = 60_000

/**
 * Keeps one Put Page: durable once resolved. At most 4 MiB, offset and length multiples of 512. False: its `grant` was
 * revoked meanwhile, nothing is kept. Throws SpaceFull, Unavailable.
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
  const key = `${folderOf(page.upload)}${plane.world.id()}`
  const { upload, offsetBytes, grant } = page
  const blobs = plane.blobsOf(page.space)
  await blobs.put(key, page.bytes, page.signal)
  if (await plane.uploads.add(upload, { offsetBytes, lengthBytes, key }, grant)) {
    plane.moved.uploadedBytes += lengthBytes
    return true
  }
  // Nobody else would find it again; and whoever sent it may be gone.
  await blobs.delete(key, AbortSignal.timeout(deleteMs))
  return false
}

/** Makes a range read as zeros again. False: its `grant` was revoked meanwhile. */
export async function clearPages(
  plane: Plane,
  clear: Staging & ByteRange & { readonly grant?: string },
): Promise<boolean> {
  const { upload, offsetBytes, lengthBytes, grant } = clear
  return await plane.uploads.add(upload, { offsetBytes, lengthBytes, key: undefined }, grant)
}

/** The uploaded file as it is now: newest page wins, gaps are zeros; `dataRanges` are the ranges with pages. */
export function stagedReader(
  plane: Plane,
  { upload, space, sizeBytes }: Staging & { readonly sizeBytes: number },
): ByteReader {
  const piecesIn = async (from: number, to: number) =>
    resolvePages(await plane.uploads.touching(upload, from, to), from, to)

  async function read(range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(range.lengthBytes)
    const pieces = await piecesIn(range.offsetBytes, range.offsetBytes + range.lengthBytes)
    await mapBounded(pieces, 4, async ({ key, fromBytes, lengthBytes, offsetBytes }) => {
      const blobRange = { offsetBytes: fromBytes, lengthBytes }
      const bytes = await plane.blobsOf(space).read(key, blobRange, signal)
      out.set(bytes, offsetBytes - range.offsetBytes)
    })
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

/** Its pages have a folder of their own: one that a crash left without a row is found there. */
function folderOf(upload: string): string {
  return `uploads/${upload}/`
}

/** Deletes every page of the upload, blobs first. Repeatable. */
export async function dropStaged(
  plane: Plane,
  { upload, space, signal }: Staging & { readonly signal: AbortSignal },
): Promise<void> {
  const blobs = plane.blobsOf(space)
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
