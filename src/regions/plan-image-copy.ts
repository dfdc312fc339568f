import type { PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { followSpace } from './follow.ts'
import { needsOf, type SpaceNeeds } from './needs.ts'
import type { Plane } from './plane.ts'
import { openPresence } from './presence.ts'
import type { ImagePlace } from './sources.ts'

/** What one target space lacks of an image, and how it will get it. */
export type SpacePlan = {
  readonly space: SpaceId
  /** Packs that it has and the image needs. */
  readonly present: readonly PackId[]
  /** Packs to be copied byte for byte. */
  readonly whole: readonly PackId[]
  /** Stored bytes of frames to be read out of other packs and packed anew. */
  readonly repackedBytes: number
  /** Stored bytes that will be written there. */
  readonly movedBytes: number
}

/** The copy as it would be made now, for progress, price and what-if; changes nothing. Throws as `readImage`. */
export async function planImageCopy(
  plane: Plane,
  order: Omit<ImagePlace, 'spaces'> & {
    readonly from: readonly SpaceId[]
    readonly to: readonly SpaceId[]
  },
): Promise<readonly SpacePlan[]> {
  for (const space of order.to) await followSpace(plane, space, order.signal)
  const presence = openPresence(plane, { owner: undefined, spaces: order.to })
  const place = { ...order, spaces: order.from }
  const all = await needsOf(plane, place, { targets: order.to, presence })
  return all.map(planOf)
}

export function planOf({ space, present, whole, repack }: SpaceNeeds): SpacePlan {
  const wholeBytes = whole.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const repackedBytes = repack.reduce((sum, { neededBytes }) => sum + neededBytes, 0)
  return {
    space,
    present: [...present.keys()],
    whole: whole.map(({ pack }) => pack),
    repackedBytes,
    movedBytes: wholeBytes + repackedBytes,
  }
}
