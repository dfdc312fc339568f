import type { Digest } from '../domain/digest.ts'
import type { LostPart } from '../domain/health.ts'
import type { Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { copyImage } from './copy-image.ts'
import { lostParts } from './lost-parts.ts'
import type { Plane } from './plane.ts'
import { GoodNowhere } from './sources.ts'

export type HealedImage =
  /** Every holding that the image needs in the space, referenced by the order's owner: for `reseat`. */
  | { readonly is: 'whole'; readonly holdings: readonly number[] }
  | { readonly is: 'lost'; readonly parts: readonly LostPart[] }

/**
 * Makes an image complete again in a space where it lies in packs that are known to be bad and that no other space has
 * whole: what it needs of them is taken chunk by chunk from wherever it is good, and packed anew. Repeatable.
 * Throws SpaceFull, Unavailable, the signal's reason.
 */
export async function healImage(
  plane: Plane,
  order: {
    readonly owner: Owner
    readonly image: Digest
    readonly space: SpaceId
    /** Others where it lies. */
    readonly others: readonly SpaceId[]
    readonly signal: AbortSignal
  },
): Promise<HealedImage> {
  const { owner, image, space, others, signal } = order
  const from = [...others.filter((other) => other !== space), space]
  try {
    // Known to be bad, a pack does not count as present.
    const copied = await copyImage(plane, { owner, image, from, to: [space], signal })
    return { is: 'whole', holdings: copied.holdings.get(space) ?? [] }
  } catch (error) {
    if (!(error instanceof GoodNowhere)) throw error
    const parts = await lostParts(plane, { image, spaces: from, signal })
    return { is: 'lost', parts }
  }
}
