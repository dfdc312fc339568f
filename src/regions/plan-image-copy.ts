import type { Digest } from '../domain/digest.ts'
import type { PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

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

/** The copy as it would be made now, for progress, price and what-if; reads only. */
export async function planImageCopy(
  plane: Plane,
  order: {
    readonly image: Digest
    readonly from: readonly SpaceId[]
    readonly to: readonly SpaceId[]
    readonly signal: AbortSignal
  },
): Promise<readonly SpacePlan[]> {
  throw new Error(`unfinished ${String(plane)} ${order.image}`)
}
