import { setImmediate as nextTurn } from 'node:timers/promises'
import { depthOf, type Kind, kinds } from '../chunks/layout.ts'
import type { Digest } from '../domain/digest.ts'
import { imageOwner, type PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceUse } from '../domain/space-use.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { cover } from './follow.ts'
import type { Plane } from './plane.ts'
import { openSlotSet, type SlotSet } from './slot-set.ts'
import { goodNowhere, type ImagePlace, locate } from './sources.ts'
import { manifestOf, nodeOf } from './tree.ts'

export type SpaceUseOrder = {
  readonly space: SpaceId
  /** Those that are counted; each lies complete in the space. */
  readonly images: readonly Digest[]
  /** Of them, those that somebody else keeps there besides: all of such an image is shared. */
  readonly keptBesides: ReadonlySet<Digest>
  /** Every other image in the space that has a pack with one of them in common. */
  readonly others: readonly Digest[]
  readonly signal: AbortSignal
}

/** Nodes of other images that are remembered, so that equal subtrees are walked once: beyond that they cost time. */
const seenMax = 200_000

type Slots = Map<PackId, SlotSet>

/** A count under way. */
type Count = {
  readonly plane: Plane
  readonly order: SpaceUseOrder
  /** The packs of the images that are counted. */
  readonly packs: ReadonlySet<PackId>
  /** Nodes of these images. */
  readonly mine: Set<Digest>
  /** Of these, those that another image has too, and so all below them. */
  readonly common: Set<Digest>
  readonly needed: Slots
  readonly shared: Slots
}

/**
 * Counts what images take up in a space, and how much of it nobody else needs: chunk by chunk, exactly. It walks the tree of each
 * image that is counted twice, its nodes and then its chunks; of other images it reads the nodes that the first have not, each of them once. Memory
 * goes with packs and nodes, not with chunks. Throws as `readImage`.
 */
export async function spaceUse(plane: Plane, order: SpaceUseOrder): Promise<SpaceUse> {
  const packs = new Set<PackId>()
  for (const image of order.images) {
    const holdings = await plane.rows.heldBy(imageOwner(order.space, image))
    await cover(plane, holdings)
    for (const { pack } of holdings) packs.add(pack)
  }
  const sets = { mine: new Set<Digest>(), common: new Set<Digest>() }
  const slots = { needed: new Map<PackId, SlotSet>(), shared: new Map<PackId, SlotSet>() }
  const count: Count = { plane, order, packs, ...sets, ...slots }
  for (const image of order.images) await learnNodes(count, image)
  for (const image of order.others) await noteCommon(count, image)
  let chunks = 0
  for (const image of order.images) chunks += await noteNeeded(count, image)
  return await summed(count, chunks * limits.chunkBytes)
}

type Visit = { readonly digest: Digest; readonly level: number }

const placeOf = ({ order }: Count, image: Digest): ImagePlace => ({
  image,
  spaces: [order.space],
  signal: order.signal,
})

async function rootOf(count: Count, image: Digest) {
  const { manifest } = await manifestOf(count.plane, placeOf(count, image))
  const level = depthOf(manifest.virtualSizeBytes) - 1
  const root = manifest.root === undefined ? undefined : { digest: manifest.root, level }
  return { root, chunkCount: manifest.chunkCount }
}

async function childrenOf(count: Count, image: Digest, at: Visit): Promise<readonly Digest[]> {
  count.order.signal.throwIfAborted()
  // Look-ups of a warm index and of kept nodes never wait: others get their turn.
  await nextTurn()
  const node = await nodeOf(count.plane, placeOf(count, image), { ...at, offsetBytes: 0 })
  return node.children.filter((child) => child !== undefined)
}

async function learnNodes(count: Count, image: Digest): Promise<void> {
  const below = async (at: Visit): Promise<void> => {
    if (count.mine.has(at.digest)) return
    count.mine.add(at.digest)
    if (at.level === 0) return
    for (const digest of await childrenOf(count, image, at))
      await below({ digest, level: at.level - 1 })
  }
  const { root } = await rootOf(count, image)
  if (root) await below(root)
}

async function noteCommon(count: Count, image: Digest): Promise<void> {
  const seen = new Set<Digest>()
  const below = async (at: Visit): Promise<void> => {
    if (count.mine.has(at.digest)) return void count.common.add(at.digest)
    if (seen.has(at.digest)) return
    if (seen.size < seenMax) seen.add(at.digest)
    const children = await childrenOf(count, image, at)
    for (const digest of children) {
      if (at.level === 0) await note(count, count.shared, { kind: kinds.chunk, digest })
      else await below({ digest, level: at.level - 1 })
    }
  }
  const { root } = await rootOf(count, image)
  if (root) await below(root)
}

/** Answers how many chunks its disk has. */
async function noteNeeded(count: Count, image: Digest): Promise<number> {
  const done = new Map<Digest, boolean>()
  const below = async (at: Visit, inherited: boolean): Promise<void> => {
    const isShared = inherited || count.common.has(at.digest)
    // Met again it says nothing new, unless it is under something shared now.
    if (done.has(at.digest) && (done.get(at.digest) || !isShared)) return
    done.set(at.digest, isShared)
    await noteMine(kinds.node, at.digest, isShared)
    for (const digest of await childrenOf(count, image, at)) {
      if (at.level === 0) await noteMine(kinds.chunk, digest, isShared)
      else await below({ digest, level: at.level - 1 }, isShared)
    }
  }
  const noteMine = async (kind: Kind, digest: Digest, isShared: boolean): Promise<void> => {
    const want = { kind, digest, offsetBytes: undefined }
    if (!(await note(count, count.needed, want))) throw goodNowhere(placeOf(count, image), want, [])
    if (isShared) await note(count, count.shared, { kind, digest })
  }
  const isShared = count.order.keptBesides.has(image)
  const { root, chunkCount } = await rootOf(count, image)
  await noteMine(kinds.manifest, image, isShared)
  if (root) await below(root, isShared)
  return chunkCount
}

/** The same slot for the same digest, however often it lies in these packs. False: it lies in none. */
async function note(
  { plane, packs }: Count,
  slots: Slots,
  want: { readonly kind: Kind; readonly digest: Digest },
): Promise<boolean> {
  const places = (await locate(plane, want)).filter(({ pack }) => packs.has(pack))
  const [first] = places.sort((one, other) => (one.pack < other.pack ? -1 : 1))
  if (first === undefined) return false
  const set = slots.get(first.pack) ?? openSlotSet()
  slots.set(first.pack, set)
  set.add(first.slot)
  return true
}

async function summed({ plane, needed, shared }: Count, occupiedBytes: number): Promise<SpaceUse> {
  const plain = { unique: 0, shared: 0 }
  const stored = { unique: 0, shared: 0 }
  for (const [pack, slots] of needed) {
    const trailer = await plane.trailers.of(pack, () => plane.rows.holdersOf([pack]))
    for (const slot of slots.all()) {
      const frame = trailer?.frame(slot)
      if (frame === undefined) continue
      const whose = shared.get(pack)?.has(slot) ? 'shared' : 'unique'
      stored[whose] += frame.storedBytes
      if (frame.kind === kinds.chunk) plain[whose] += frame.plainBytes
    }
  }
  return {
    plain: { occupiedBytes, uniqueBytes: plain.unique, sharedBytes: plain.shared },
    stored: {
      occupiedBytes: stored.unique + stored.shared,
      uniqueBytes: stored.unique,
      sharedBytes: stored.shared,
    },
  }
}
