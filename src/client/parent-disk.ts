import type { World } from '../base/world.ts'
import { layout } from '../chunks/layout.ts'
import { parseNode } from '../chunks/node.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import { openDiskDigests } from './disk-digests.ts'
import type { Http } from './http.ts'

const { nodeChildren, leafNodesMax } = limits
const nodeHeadBytes = layout.node.headerBytes + layout.node.bitmapBytes

type Chunks = readonly (Digest | undefined)[]

/** A disk that the server has and whose digests we may know: what of ours is there already needs not be sent. */
export type ParentDisk = {
  /** The read SAS that says that we may. */
  readonly sasUrl: string
  readonly virtualSizeBytes: number
  /** Of these 16 MiB as a whole; undefined: zeros, or the parent is lost. */
  leafDigest(leaf: number): Digest | undefined
  /** Fetches what `placeOf` needs to know for this leaf. */
  learn(leaf: number, signal: AbortSignal): Promise<void>
  /** The number of a chunk with this content: behind `before`, at the same place `chunk`, or any that is known. */
  placeOf(digest: Digest, chunk: number, before: number | undefined): number | undefined
  /** It is gone, or we may not read it any more: nothing of it is there from now on. */
  lose(): void
}

/**
 * Asks for the digests of the parent's 16 MiB: 32 bytes each. Those of its chunks are asked for when first something
 * differs: of `parentChunksMax` chunks, wherever they lie, and beyond that only those of the leaf in question. So memory
 * does not grow with the disk. Undefined when it may not be read. Throws ClientError.
 */
export async function openParentDisk(parts: {
  readonly http: Http
  readonly world: Pick<World, 'sleep'>
  readonly sasUrl: string
  readonly signal: AbortSignal
}): Promise<ParentDisk | undefined> {
  const digests = openDiskDigests(parts)
  const found = await unlessLost(() => digests.leaves(parts.signal))
  if (found === undefined) return undefined
  const { virtualSizeBytes } = found
  let { leaves } = found
  let known = new Map<number, Chunks>()
  let places = new Map<Digest, number>()
  let learning: Promise<void> | undefined

  function lose(): void {
    leaves = new Map()
    known = new Map()
    places = new Map()
  }

  /** The nodes of leaves in [from, from + count), each proved by its digest. */
  async function fetch(from: number, count: number, signal: AbortSignal) {
    const wanted = [...leaves].filter(([leaf]) => leaf >= from && leaf < from + count)
    const bytes = await unlessLost(() => digests.nodes(from, count, signal))
    if (bytes === undefined) lose()
    else return wanted.map(([leaf, digest], at) => [leaf, chunksIn(bytes, at, digest)] as const)
    return []
  }

  async function learnMany(signal: AbortSignal): Promise<void> {
    let last = -1
    for (const leaf of leaves.keys()) last = leaf
    for (let from = 0; from <= last; from += leafNodesMax) {
      if (places.size + leafNodesMax * nodeChildren > clientLimits.parentChunksMax) return
      for (const [leaf, chunks] of await fetch(from, leafNodesMax, signal)) {
        known.set(leaf, chunks)
        for (const [at, digest] of chunks.entries()) {
          if (digest && !places.has(digest)) places.set(digest, leaf * nodeChildren + at)
        }
      }
    }
  }

  async function learn(leaf: number, signal: AbortSignal): Promise<void> {
    learning ??= learnMany(signal)
    await learning
    if (known.has(leaf) || !leaves.has(leaf)) return
    for (const [, chunks] of await fetch(leaf, 1, signal)) keepFew(leaf, chunks)
  }

  const few: number[] = []
  /** Beyond the bound: those that are worked at. */
  function keepFew(leaf: number, chunks: Chunks): void {
    known.set(leaf, chunks)
    few.push(leaf)
    const oldest = few.length > clientLimits.leavesAtOnce * 2 ? few.shift() : undefined
    if (oldest !== undefined) known.delete(oldest)
  }

  const digestAt = (chunk: number): Digest | undefined =>
    known.get(Math.floor(chunk / nodeChildren))?.[chunk % nodeChildren]

  function placeOf(digest: Digest, chunk: number, before: number | undefined): number | undefined {
    if (before !== undefined && digestAt(before + 1) === digest) return before + 1
    if (digestAt(chunk) === digest) return chunk
    return places.get(digest)
  }

  const leafDigest = (leaf: number): Digest | undefined => leaves.get(leaf)
  return { sasUrl: parts.sasUrl, virtualSizeBytes, leafDigest, learn, placeOf, lose }
}

/** Nodes lie one behind the other; each tells how many digests it has. Throws ClientError `BadAnswer`. */
function chunksIn(bytes: Buffer, number: number, digest: Digest): Chunks {
  let from = 0
  for (let at = 0; ; at++) {
    const head = bytes.subarray(from, from + nodeHeadBytes)
    const length = nodeHeadBytes + (head.length < 8 ? 0 : head.readUInt16LE(6)) * layout.digestBytes
    const node = bytes.subarray(from, from + length)
    from += length
    if (at < number) continue
    if (digestOf(node) === digest) return parseNode(node, 0).children
    throw new ClientError({
      code: 'BadAnswer',
      message: 'A list of digests is not what it should be.',
    })
  }
}

/** What was asked for, or undefined when it may not be read any more. */
async function unlessLost<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ClientError && isLost(error)) return undefined
    throw error
  }
}

/** A server without such lists is no reason to fail either. */
export function isLost({ status }: ClientError): boolean {
  return status !== undefined && status >= 400 && status < 500
}
