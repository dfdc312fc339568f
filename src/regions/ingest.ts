import { mapBounded } from '../base/bounded.ts'
import type { LaneSource, Leaf, LeafResult, SessionHandlers } from '../chunks/lane-protocol.ts'
import { Damaged, depthOf, kinds, layout } from '../chunks/layout.ts'
import { isKnown, knownChildren } from '../chunks/leaf-ingest.ts'
import { encodeManifest } from '../chunks/manifest.ts'
import { encodeNode } from '../chunks/node.ts'
import { openPackStream, type PackStream } from '../chunks/pack-stream.ts'
import { type Packable, rawPackable } from '../chunks/pack-writer.ts'
import { type BuiltNode, openTreeBuilder } from '../chunks/tree-builder.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { ArmError } from '../domain/errors.ts'
import type { Owner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { DiskFile } from '../formats/disk-file.ts'
import { followSpace } from './follow.ts'
import { haveKnown } from './known-chunks.ts'
import { type IngestSource, leavesOf } from './leaves.ts'
import type { Plane, Progress } from './plane.ts'
import type { ImagePlace } from './sources.ts'
import { placeOfRuns } from './staging.ts'
import { openWanted, type WantedChunks } from './wanted.ts'

export type IngestOrder = {
  readonly owner: Owner
  /** Where the packs go. */
  readonly space: SpaceId
  readonly source: IngestSource
  /** The same file, recognised: its extents point into `source`. */
  readonly disk: DiskFile
  readonly signal: AbortSignal
  /** Bytes of the virtual disk that are behind us, of all. */
  report?(progress: Progress): void
}

export type IngestedImage = {
  /** The digest of `manifest`: the disk image's identity. */
  readonly image: Digest
  /** 128 bytes. */
  readonly manifest: Uint8Array
  readonly virtualSizeBytes: number
  /** Plain bytes of the chunks that are not all zeros. */
  readonly occupiedBytes: number
  /** Stored bytes that this run wrote to the space. */
  readonly addedBytes: number
  /** Every holding of `space` that the image needs, referenced by `owner`: what a seal hands to the image. */
  readonly holdings: readonly number[]
}

/**
 * Stores a disk in a space, chunk by chunk, skipping what the space has. Repeatable: a second run with the same owner
 * hashes again and skips what the first one made durable. Throws SpaceFull, Unavailable, the signal's reason; what is
 * left behind then goes with `rows.release(owner)` and a sweep.
 */
export async function ingest(plane: Plane, order: IngestOrder): Promise<IngestedImage> {
  await followSpace(plane, order.space, order.signal)
  const wanted = openWanted(plane, order)
  const stream = openPackStream(plane, {
    targets: [plane.addressOf(order.space)],
    source: laneSource(plane, order.source),
    owner: wanted.handlers,
  })
  const stop = (): void => void stream.drop()
  order.signal.addEventListener('abort', stop, { once: true })
  try {
    return await store(plane, order, { stream, wanted })
  } catch (error) {
    order.signal.throwIfAborted()
    throw error
  } finally {
    order.signal.removeEventListener('abort', stop)
    await stream.drop()
  }
}

function laneSource(plane: Plane, source: IngestSource): LaneSource {
  if (source.kind === 'file') return source
  return { kind: 'blobs', address: plane.addressOf(source.space) }
}

async function store(
  plane: Plane,
  order: IngestOrder,
  { stream, wanted }: { stream: PackStream; wanted: WantedChunks },
): Promise<IngestedImage> {
  const { virtualSizeBytes } = order.disk
  const { root, chunkCount, nodes } = await storeLeaves(plane, order, { stream, wanted })
  const manifest = encodeManifest({ virtualSizeBytes, chunkCount, root })
  const image = digestOf(manifest)
  const last = rawPackable(kinds.manifest, image, manifest)
  await stream.finish(await onlyNew(wanted.handlers, [...nodes, last]))
  plane.moved.ingestedBytes += wanted.putBytes()
  return {
    image,
    manifest,
    virtualSizeBytes,
    occupiedBytes: chunkCount * limits.chunkBytes,
    addedBytes: wanted.putBytes(),
    holdings: wanted.holdings(),
  }
}

async function storeLeaves(
  plane: Plane,
  order: IngestOrder,
  { stream, wanted }: { stream: PackStream; wanted: WantedChunks },
) {
  let chunkCount = 0
  const { source, signal } = order
  const placeOf = (image: Digest): Promise<ImagePlace> =>
    source.kind === 'upload'
      ? placeOfRuns(plane, source.upload, { image, signal })
      : Promise.resolve({ image, spaces: [], signal })
  const built: BuiltNode[] = []
  const tree = openTreeBuilder(depthOf(order.disk.virtualSizeBytes), (node) => built.push(node))
  const inOrder = openOrder<{ leaf: number; digest: Digest | undefined }>(({ leaf, digest }) => {
    if (digest !== undefined) tree.add(leaf, digest)
    const bytesDone = Math.min((leaf + 1) * layout.leafBytes, order.disk.virtualSizeBytes)
    order.report?.({ bytesDone, bytesTotal: order.disk.virtualSizeBytes })
  })

  /** Nodes above the leaves, packed as soon as they are complete: they do not pile up. */
  const takeNodes = (): Packable[] =>
    built.splice(0).map(({ digest, bytes }) => rawPackable(kinds.node, digest, bytes))

  await mapBounded(leavesOf(plane, order), plane.lanes.count, async (leaf, turn) => {
    order.signal.throwIfAborted()
    await haveKnown(plane, { leaf, placeOf, stream, wanted })
    const result = await storeLeaf(leaf, { stream, handlers: wanted.handlers })
    chunkCount += result.chunkCount
    inOrder.put(turn, { leaf: leaf.index, digest: result.digest })
    const nodes = await onlyNew(wanted.handlers, takeNodes())
    if (nodes.length > 0) await stream.pack(nodes)
  })
  const root = tree.finish()
  return { root, chunkCount, nodes: takeNodes() }
}

/** A leaf of which every chunk is known needs no lane: its node is made of the digests. */
async function storeLeaf(
  leaf: Leaf,
  { stream, handlers }: { stream: PackStream; handlers: SessionHandlers },
): Promise<LeafResult> {
  if (leaf.parts.every(isKnown)) {
    const children = knownChildren(leaf)
    const chunkCount = children.filter((child) => child !== undefined).length
    if (chunkCount === 0) return { digest: undefined, chunkCount }
    const bytes = encodeNode({ level: 0, children })
    const digest = digestOf(bytes)
    const nodes = await onlyNew(handlers, [rawPackable(kinds.node, digest, bytes)])
    if (nodes.length > 0) await stream.pack(nodes)
    return { digest, chunkCount }
  }
  return await stream.leaf(leaf).catch((error: unknown) => {
    throw error instanceof Damaged ? damagedUpload(leaf, error) : error
  })
}

/** Pages lie in one place alone until they are ingested: nothing can be repaired from elsewhere. */
function damagedUpload({ index }: Leaf, { message }: Damaged): ArmError {
  const fromBytes = index * layout.leafBytes
  return new ArmError(
    'InvalidDisk',
    `Of the bytes that were uploaded, some in the 16 MiB from ${fromBytes} on are damaged where they lie (${message}). Write these again, or delete the disk and upload it anew.`,
  )
}

async function onlyNew(
  handlers: SessionHandlers,
  packables: readonly Packable[],
): Promise<Packable[]> {
  const wanted: Packable[] = []
  for (const packable of packables) {
    const digests = Buffer.from(packable.digest, 'hex')
    const [answer] = await handlers.wanted({ kind: packable.kind, digests })
    if (answer === 1) wanted.push(packable)
  }
  return wanted
}

/** Hands values on in the order of their turns, however they come: lanes overtake each other by a few leaves. */
function openOrder<Value>(hand: (value: Value) => void) {
  const early = new Map<number, Value>()
  let next = 0

  function put(turn: number, value: Value): void {
    early.set(turn, value)
    for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
      early.delete(next++)
      hand(ready)
    }
  }

  return { put }
}
