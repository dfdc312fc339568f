import { invariant } from '../base/assert.ts'
import { compressedPlainBytesMax } from '../domain/compressed-run.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { inflateRun } from './inflate-run.ts'
import type {
  CompressedPart,
  KnownPart,
  Leaf,
  LeafPart,
  LeafResult,
  SessionHandlers,
} from './lane-protocol.ts'
import type { PackSession } from './lane-session.ts'
import type { SourceReader } from './lane-source.ts'
import { type Codec, kinds, layout } from './layout.ts'
import { encodeNode } from './node.ts'
import { rawPackable } from './pack-writer.ts'
import { type StoredChunk, zeroChunk, zeroDigest } from './packed-page.ts'

/** Chunks that are read, hashed and asked about at once. Two such windows are in hand: 4 MiB a lane. */
const windowChunks = 32
export const windowBytes = windowChunks * limits.chunkBytes

/** `bytes` are plain, or with a codec what is stored. */
type Chunk = {
  /** Its place in the window. */
  readonly at: number
  readonly digest: Digest
  readonly codec: Codec | undefined
  readonly bytes: Buffer
}

/** Chunks in hand, and the answer which of them must be packed. */
type Window = { readonly chunks: readonly Chunk[]; readonly wanted: Promise<Uint8Array> }

/**
 * Reads one leaf, packs the chunks that are new, and the leaf's node if that is new. While the answer for one window is on
 * its way, the next one is read and hashed.
 */
export async function ingestLeaf(
  leaf: Leaf,
  parts: {
    readonly source: SourceReader
    readonly session: PackSession
    readonly owner: SessionHandlers
    /** Two buffers of `windowBytes`. */
    readonly windows: readonly [Buffer, Buffer]
  },
): Promise<LeafResult> {
  const children = knownChildren(leaf)
  let last: Window | undefined
  let turn = 0
  for (const from of windowStarts(leaf)) {
    const buffer = parts.windows[turn++ % 2 === 0 ? 0 : 1]
    const chunks = chunksOf(buffer, await fill(buffer, { ...parts, from, leaf }))
    for (const { at, digest } of chunks) children[chunkOf(leaf, from) + at] = digest
    const next = chunks.length > 0 ? ask(chunks, parts.owner) : undefined
    if (last) await packWanted(last, parts.session)
    last = next
  }
  if (last) await packWanted(last, parts.session)
  return await packNode(children, parts)
}

/** The children of a leaf as far as they are known without its bytes. */
export function knownChildren(leaf: Leaf): (Digest | undefined)[] {
  const children: (Digest | undefined)[] = Array.from({ length: limits.nodeChildren })
  for (const part of leaf.parts) {
    if (!isKnown(part)) continue
    const first = chunkOf(leaf, part.offsetBytes)
    for (const [at, digest] of part.digests.entries()) children[first + at] = digest
  }
  return children
}

export function isKnown(part: Leaf['parts'][number]): part is KnownPart {
  return 'digests' in part
}

const chunkOf = (leaf: Leaf, offsetBytes: number): number =>
  (offsetBytes - leaf.index * layout.leafBytes) / limits.chunkBytes

/** Offsets on the disk of the windows that any part touches, ascending: holes cost nothing. */
function windowStarts(leaf: Leaf): number[] {
  const starts = new Set<number>()
  for (const part of leaf.parts) {
    if (isKnown(part)) continue
    const first = part.offsetBytes - (part.offsetBytes % windowBytes)
    for (let at = first; at < part.offsetBytes + part.lengthBytes; at += windowBytes) starts.add(at)
  }
  return [...starts]
}

type Filling = {
  readonly from: number
  readonly leaf: Leaf
  readonly source: SourceReader
  readonly session: PackSession
}

/** What lies at the place of a chunk: plain bytes, or the chunk as it is stored. */
type Filled = Map<number, StoredChunk | undefined>

/** Reads a window, zeros where no part is. Answers which of its chunks any part touches. */
async function fill(buffer: Buffer, { from, leaf, source, session }: Filling): Promise<Filled> {
  const filled: Filled = new Map()
  let filledTo = 0
  for (const part of leaf.parts) {
    if (isKnown(part)) continue
    const cut = 'run' in part ? wholeIn(part, from) : cutTo(part, from, from + windowBytes)
    if (cut === undefined) continue
    session.signal.throwIfAborted()
    const at = cut.offsetBytes - from
    buffer.fill(0, filledTo, at)
    filledTo = at + cut.lengthBytes
    const into = buffer.subarray(at, filledTo)
    if ('run' in cut) await unpack(cut, into, { source, signal: session.signal })
    else if (source.isPacked(cut)) {
      await fillPacked(buffer, cut, { from, source, session, filled })
      continue
    } else await source.read(cut, into, session.signal)
    const lastChunk = Math.floor((filledTo - 1) / limits.chunkBytes)
    for (let chunk = Math.floor(at / limits.chunkBytes); chunk <= lastChunk; chunk++)
      filled.set(chunk, undefined)
  }
  buffer.fill(0, filledTo)
  return filled
}

/** A compressed part lies in one window: it begins at a multiple of its own length, which is at most a window's. */
function wholeIn(part: CompressedPart, from: number): CompressedPart | undefined {
  const isInside = part.offsetBytes >= from && part.offsetBytes < from + windowBytes
  invariant(
    !isInside || part.offsetBytes + part.lengthBytes <= from + windowBytes,
    'a compressed part lies in one window',
  )
  return isInside ? part : undefined
}

/** Where compressed bytes are put together, one run at a time; it grows to the longest. */
let gathered = Buffer.alloc(0)

async function unpack(
  { run, pieces }: CompressedPart,
  into: Buffer,
  { source, signal }: { readonly source: SourceReader; readonly signal: AbortSignal },
): Promise<void> {
  // A stream longer than twice its plain bytes is none that any program wrote.
  invariant(run.storedBytes <= 2 * compressedPlainBytesMax, 'a compressed run is bounded')
  // Taken for the time of the reads: another session of this lane gets one of its own.
  const mine = gathered.length >= run.storedBytes ? gathered : Buffer.alloc(run.storedBytes)
  gathered = Buffer.alloc(0)
  const stored = mine.subarray(0, run.storedBytes)
  let filledTo = 0
  for (const piece of pieces) {
    stored.fill(0, filledTo, piece.offsetBytes)
    filledTo = piece.offsetBytes + piece.lengthBytes
    await source.read(piece, stored.subarray(piece.offsetBytes, filledTo), signal)
  }
  stored.fill(0, filledTo)
  inflateRun(run, stored, into)
  gathered = mine
}

/** Takes whole chunks as they are stored, into their places; the rest is unpacked. */
async function fillPacked(
  buffer: Buffer,
  cut: LeafPart,
  { from, source, session, filled }: Omit<Filling, 'leaf'> & { readonly filled: Filled },
): Promise<void> {
  const end = cut.offsetBytes + cut.lengthBytes
  for (let offset = cut.offsetBytes; offset < end; ) {
    const chunk = Math.floor((offset - from) / limits.chunkBytes)
    const part = cutTo(cut, offset, from + (chunk + 1) * limits.chunkBytes)
    if (part === undefined) break
    const at = offset - from
    const into = buffer.subarray(at, at + part.lengthBytes)
    const isWhole =
      part.lengthBytes === limits.chunkBytes && part.fromBytes % limits.chunkBytes === 0
    if (isWhole) filled.set(chunk, await source.stored(part, into, session.signal))
    else {
      await source.read(part, into, session.signal)
      filled.set(chunk, undefined)
    }
    offset += part.lengthBytes
  }
}

function cutTo(part: LeafPart, from: number, to: number): LeafPart | undefined {
  const start = Math.max(part.offsetBytes, from)
  const end = Math.min(part.offsetBytes + part.lengthBytes, to)
  if (start >= end) return undefined
  return {
    ...part,
    offsetBytes: start,
    lengthBytes: end - start,
    fromBytes: part.fromBytes + (start - part.offsetBytes),
  }
}

/** The chunks of a window that are not zeros; plain ones are hashed. */
function chunksOf(buffer: Buffer, filled: Filled): Chunk[] {
  return [...filled].flatMap(([at, stored]): Chunk[] => {
    const place = buffer.subarray(at * limits.chunkBytes, (at + 1) * limits.chunkBytes)
    if (stored) {
      const { digest, codec, storedBytes } = stored
      return digest === zeroDigest
        ? []
        : [{ at, digest, codec, bytes: place.subarray(0, storedBytes) }]
    }
    if (place.equals(zeroChunk)) return []
    return [{ at, digest: digestOf(place), codec: undefined, bytes: place }]
  })
}

function ask(chunks: Window['chunks'], owner: SessionHandlers): Window {
  const digests = packed(chunks.map((chunk) => chunk.digest))
  const wanted = owner.wanted({ kind: kinds.chunk, digests })
  // Met when the window is packed; until then it is no stray rejection.
  wanted.catch(() => undefined)
  return { chunks, wanted }
}

async function packWanted({ chunks, wanted }: Window, session: PackSession): Promise<void> {
  const bitmap = await wanted
  for (const [at, { digest, codec, bytes }] of chunks.entries()) {
    if (bitmap[at] !== 1) continue
    if (codec === undefined) await session.addChunk(digest, bytes)
    else {
      const { chunkBytes } = limits
      await session.add({ kind: kinds.chunk, digest, codec, plainBytes: chunkBytes, stored: bytes })
    }
  }
}

async function packNode(
  children: readonly (Digest | undefined)[],
  { session, owner }: { session: PackSession; owner: SessionHandlers },
): Promise<LeafResult> {
  const chunkCount = children.filter((child) => child !== undefined).length
  if (chunkCount === 0) return { digest: undefined, chunkCount }
  const bytes = encodeNode({ level: 0, children })
  const digest = digestOf(bytes)
  const [wanted] = await owner.wanted({ kind: kinds.node, digests: packed([digest]) })
  if (wanted === 1) await session.add(rawPackable(kinds.node, digest, bytes))
  return { digest, chunkCount }
}

/** Digests as bytes, 32 each: cheap to send to another thread, and in a buffer of their own, since all of it is sent. */
function packed(digests: readonly Digest[]): Uint8Array {
  return new Uint8Array(Buffer.from(digests.join(''), 'hex'))
}
