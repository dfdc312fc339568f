import type { Digest } from '../domain/digest.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

export type Verified = {
  readonly chunkCount: number
  /** What is missing or bad in that space, at most 100 named. */
  readonly damaged: readonly {
    readonly digest: Digest
    readonly offsetBytes: number
    readonly why: string
  }[]
}

/** Reads all of an image in one space alone, and checks every byte. Repairs nothing. */
export async function verifyImage(
  plane: Plane,
  order: { readonly image: Digest; readonly space: SpaceId; readonly signal: AbortSignal },
): Promise<Verified> {
  throw new Error(`unfinished ${String(plane)} ${order.image}`)
}
