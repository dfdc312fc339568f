import { release } from '../base/release.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { deflate } from './codec.ts'
import { openFrame } from './frames.ts'
import { type Codec, Damaged, kinds, layout } from './layout.ts'
import { type PackTrailer, parseTrailer } from './pack-format.ts'
import { openPackWriter, type Packable } from './pack-writer.ts'

const { chunkBytes } = limits
const pageChunksMax = limits.putPageBytesMax / chunkBytes
const { headerBytes, entryBytes, tailBytes } = layout.pack
const packedBytesMax =
  headerBytes + pageChunksMax * (chunkBytes + entryBytes) + tailBytes + entryBytes

/** A chunk as it is stored: `storedBytes` of it lie where the reader was told to put them. */
export type StoredChunk = {
  readonly digest: Digest
  readonly codec: Codec
  readonly storedBytes: number
}

/** What a chunk of zeros is named. */
export const zeroChunk = Buffer.alloc(chunkBytes)
export const zeroDigest = digestOf(zeroChunk)

/** True for what `packPage` made. */
export function isPackedPage(key: string): boolean {
  return namePattern.test(key)
}

/** The id of the pack, which proves its bytes, and their count: one read gets them all. */
const namePattern = /\/([0-9a-f]{64})\.(\d{1,8})\.pack$/

// Used for each page: to be put, its bytes are copied out.
let scratch: Buffer | undefined
let zeros: Packable | undefined

/**
 * Packs a page of whole chunks: slot n is the n-th chunk, also when it is zeros. Hashing and compressing are done with it:
 * an ingest copies the frames. `name` is the end of its key.
 */
export function packPage(plain: Uint8Array, salt: Uint8Array): { name: string; bytes: Uint8Array } {
  scratch ??= Buffer.allocUnsafeSlow(packedBytesMax)
  const writer = openPackWriter(scratch, salt)
  for (let at = 0; at < plain.length; at += chunkBytes) {
    const chunk = plain.subarray(at, at + chunkBytes)
    const isZero = zeroChunk.equals(chunk)
    if (isZero) zeros ??= { ...packable(chunk), stored: Uint8Array.from(deflate(chunk).stored) }
    writer.add(isZero && zeros ? zeros : packable(chunk))
  }
  const { pack, bytes } = writer.finish()
  return { name: `${pack}.${bytes.length}.pack`, bytes: Uint8Array.from(bytes) }
}

/** Good until the next call: what `deflate` answers is. */
function packable(chunk: Uint8Array): Packable {
  const digest = digestOf(chunk)
  return { kind: kinds.chunk, digest, plainBytes: chunk.length, ...deflate(chunk) }
}

type Page = { readonly bytes: Uint8Array; readonly trailer: PackTrailer }

/** The page whose leaf is read and its neighbours. */
const pagesKept = 4

/** Reads packed pages, each checked as a whole when it is fetched. Throws Damaged, BlobMissing, BlobShort, Unavailable. */
export function openPackedPages(blobs: Blobs) {
  const kept = new Map<string, Page>()

  async function pageAt(key: string, signal: AbortSignal): Promise<Page> {
    const known = kept.get(key)
    if (known) return known
    const page = await fetchPage(blobs, key, signal)
    kept.set(key, page)
    const [oldest] = kept
    if (oldest && kept.size > pagesKept) {
      kept.delete(oldest[0])
      release(oldest[1].bytes)
    }
    return page
  }

  /** The chunk that begins there, as it is stored, put into `into`. */
  async function chunk(
    key: string,
    fromBytes: number,
    { into, signal }: { readonly into: Buffer; readonly signal: AbortSignal },
  ): Promise<StoredChunk> {
    const { bytes, trailer } = await pageAt(key, signal)
    const frame = frameAt(trailer, Math.floor(fromBytes / chunkBytes))
    const { digest, codec, offsetBytes, storedBytes } = frame
    into.set(bytes.subarray(offsetBytes, offsetBytes + storedBytes))
    return { digest, codec, storedBytes }
  }

  /** Fills `into` with plain bytes. */
  async function read(
    key: string,
    fromBytes: number,
    { into, signal }: { readonly into: Buffer; readonly signal: AbortSignal },
  ): Promise<void> {
    const { bytes, trailer } = await pageAt(key, signal)
    const plain = Buffer.allocUnsafe(chunkBytes)
    for (let done = 0; done < into.length; ) {
      const slot = Math.floor((fromBytes + done) / chunkBytes)
      const skip = fromBytes + done - slot * chunkBytes
      const frame = frameAt(trailer, slot)
      const stored = bytes.subarray(frame.offsetBytes, frame.offsetBytes + frame.storedBytes)
      openFrame(frame, stored, plain)
      const count = Math.min(chunkBytes - skip, into.length - done)
      into.set(plain.subarray(skip, skip + count), done)
      done += count
    }
  }

  function close(): void {
    for (const { bytes } of kept.values()) release(bytes)
    kept.clear()
  }

  return { chunk, read, close }
}

async function fetchPage(blobs: Blobs, key: string, signal: AbortSignal): Promise<Page> {
  const [, pack, length] = namePattern.exec(key) ?? []
  const bytes = await blobs.read(key, { offsetBytes: 0, lengthBytes: Number(length) }, signal)
  if (digestOf(bytes) !== pack) throw new Damaged(`the page ${key} does not match its name`)
  return { bytes, trailer: parseTrailer(bytes, bytes.length) }
}

function frameAt(trailer: PackTrailer, slot: number) {
  if (slot >= trailer.count) throw new Damaged('the page is shorter than its row says')
  return trailer.frame(slot)
}
