import { setImmediate as nextTurn } from 'node:timers/promises'
import { depthOf, type Kind, kinds } from '../chunks/layout.ts'
import type { Digest } from '../domain/digest.ts'
import { type Holding, imageOwner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { cover } from './follow.ts'
import type { Plane } from './plane.ts'
import { openSlotSet } from './slot-set.ts'
import { GoodNowhere, locate } from './sources.ts'
import { manifestOf, nodeOf } from './tree.ts'

/** A pack of which less is needed is written anew. */
const thinShare = 0.5
/** Nodes that are remembered, so that equal subtrees are walked once: beyond that they cost time. */
const seenMax = 200_000

/**
 * Of some packs in a space, those of which less than half is needed, in stored bytes. `images` are all that have a reference on one of
 * them. Walks each distinct node of these images once; memory goes with the packs. Packs of an image whose tree is good
 * nowhere are left out: what it needs of them nobody knows. Throws Unavailable, the signal's reason.
 */
export async function thinPacks(
  plane: Plane,
  order: {
    readonly space: SpaceId
    readonly packs: readonly Holding[]
    readonly images: Iterable<Digest>
    readonly signal: AbortSignal
  },
): Promise<readonly Holding[]> {
  const { space, packs, signal } = order
  const needed = new Map(packs.map(({ pack }) => [pack, openSlotSet()]))
  const seen = new Set<Digest>()
  const unjudged = new Set<number>()
  await cover(plane, packs)

  async function note(kind: Kind, digest: Digest): Promise<void> {
    for (const { pack, slot } of await locate(plane, { kind, digest })) needed.get(pack)?.add(slot)
  }

  for (const image of order.images) {
    const place = { image, spaces: [space], signal }
    const below = async (digest: Digest, level: number): Promise<void> => {
      if (seen.has(digest)) return
      if (seen.size < seenMax) seen.add(digest)
      signal.throwIfAborted()
      // Look-ups of a warm index never wait: others get their turn.
      await nextTurn()
      await note(kinds.node, digest)
      const { children } = await nodeOf(plane, place, { digest, level, offsetBytes: 0 })
      for (const child of children) {
        if (child === undefined) continue
        if (level === 0) await note(kinds.chunk, child)
        else await below(child, level - 1)
      }
    }
    try {
      const { manifest } = await manifestOf(plane, place)
      await note(kinds.manifest, image)
      if (manifest.root !== undefined) {
        await below(manifest.root, depthOf(manifest.virtualSizeBytes) - 1)
      }
    } catch (error) {
      if (!(error instanceof GoodNowhere)) throw error
      for (const { id } of await plane.rows.heldBy(imageOwner(space, image))) unjudged.add(id)
    }
  }

  const thin: Holding[] = []
  for (const holding of packs) {
    if (unjudged.has(holding.id)) continue
    const trailer = await plane.trailers.of(holding.pack, async () => [holding])
    if (trailer === undefined) continue
    const slots = needed.get(holding.pack)?.all() ?? []
    const neededBytes = slots.reduce((sum, slot) => sum + trailer.frame(slot).storedBytes, 0)
    if (neededBytes < trailer.framesBytes * thinShare) thin.push(holding)
  }
  return thin
}
