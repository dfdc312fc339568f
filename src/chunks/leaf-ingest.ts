import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import type { Leaf, LeafPart, LeafResult, SessionHandlers } from './lane-protocol.ts'
import type { PackSession } from './lane-session.ts'
import type { SourceReader } from './lane-source.ts'
import { kinds, layout } from './layout.ts'
import { encodeNode } from './node.ts'
import { rawPackable } from './pack-writer.ts'

/** Chunks that are read, hashed and asked about at once. Two such windows are in hand: 4 MiB a lane. */
const windowChunks = 32
export const windowBytes = windowChunks * limits.chunkBytes

const zeroChunk = Buffer.alloc(limits.chunkBytes)

/** Plain chunks in hand, and the answer which of them must be packed. */
type Window = {
  readonly chunks: readonly { readonly digest: Digest; readonly plain: Buffer }[]
  readonly wanted: Promise<Uint8Array>
}

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
  const children: (Digest | undefined)[] = Array.from({ length: limits.nodeChildren })
  let last: Window | undefined
  let turn = 0
  for (const from of windowStarts(leaf)) {
    const buffer = parts.windows[turn++ % 2 === 0 ? 0 : 1]
    const touched = await fill(buffer, { ...parts, from, leaf })
    const chunks = hashChunks(buffer, touched)
    for (const { at, digest } of chunks) children[chunkOf(leaf, from) + at] = digest
    const next = chunks.length > 0 ? ask(chunks, parts.owner) : undefined
    if (last) await packWanted(last, parts.session)
    last = next
  }
  if (last) await packWanted(last, parts.session)
  return await packNode(children, parts)
}

const chunkOf = (leaf: Leaf, offsetBytes: number): number =>
  (offsetBytes - leaf.index * layout.leafBytes) / limits.chunkBytes

/** Offsets on the disk of the windows that any part touches, ascending: holes cost nothing. */
function windowStarts(leaf: Leaf): number[] {
  const starts = new Set<number>()
  for (const part of leaf.parts) {
    const first = part.offsetBytes - (part.offsetBytes % windowBytes)
    for (let at = first; at < part.offsetBytes + part.lengthBytes; at += windowBytes) starts.add(at)
  }
  return [...starts]
}

/** Reads a window, zeros where no part is. Answers which of its chunks any part touches. */
async function fill(
  buffer: Buffer,
  {
    from,
    leaf,
    source,
    session,
  }: { from: number; leaf: Leaf; source: SourceReader; session: PackSession },
): Promise<Set<number>> {
  const touched = new Set<number>()
  let filledTo = 0
  for (const part of leaf.parts) {
    const cut = cutTo(part, from, from + windowBytes)
    if (cut === undefined) continue
    session.signal.throwIfAborted()
    const at = cut.offsetBytes - from
    buffer.fill(0, filledTo, at)
    filledTo = at + cut.lengthBytes
    await source.read(cut, buffer.subarray(at, filledTo), session.signal)
    const lastChunk = Math.floor((filledTo - 1) / limits.chunkBytes)
    for (let chunk = Math.floor(at / limits.chunkBytes); chunk <= lastChunk; chunk++)
      touched.add(chunk)
  }
  buffer.fill(0, filledTo)
  return touched
}

function cutTo(part: LeafPart, from: number, to: number): LeafPart | undefined {
  const start = Math.max(part.offsetBytes, from)
  const end = Math.min(part.offsetBytes + part.lengthBytes, to)
  if (start >= end) return undefined
  return {
    key: part.key,
    offsetBytes: start,
    lengthBytes: end - start,
    fromBytes: part.fromBytes + (start - part.offsetBytes),
  }
}

function hashChunks(buffer: Buffer, touched: ReadonlySet<number>) {
  return [...touched].flatMap((at) => {
    const plain = buffer.subarray(at * limits.chunkBytes, (at + 1) * limits.chunkBytes)
    return plain.equals(zeroChunk) ? [] : [{ at, plain, digest: digestOf(plain) }]
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
  for (const [at, { digest, plain }] of chunks.entries()) {
    if (bitmap[at] === 1) await session.addChunk(digest, plain)
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
