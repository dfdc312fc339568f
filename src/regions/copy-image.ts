import type { Digest } from '../domain/digest.ts'
import type { Owner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane, Progress } from './plane.ts'

export type CopyOrder = {
  readonly owner: Owner
  readonly image: Digest
  /** Spaces where the image lies complete, the one to read from first. */
  readonly from: readonly SpaceId[]
  /** Spaces of one region. One that is also in `from` costs nothing. */
  readonly to: readonly SpaceId[]
  readonly signal: AbortSignal
  /** Stored bytes moved, of those to move; each target space counts. */
  report?(progress: Progress): void
}

export type CopiedImage = {
  /** For each space of `to`: every holding that the image needs there, referenced by `owner`. */
  readonly holdings: ReadonlyMap<SpaceId, readonly number[]>
  /** Stored bytes that were written, all targets together. */
  readonly movedBytes: number
}

/**
 * Makes the image complete in every space of `to`, moving only what each lacks. Repeatable, like `ingest`.
 * Throws ArmError ImageDamaged when a chunk is good nowhere, SpaceFull, Unavailable, the signal's reason.
 */
export async function copyImage(plane: Plane, order: CopyOrder): Promise<CopiedImage> {
  throw new Error(`unfinished ${String(plane)} ${order.image}`)
}
