import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

/**
 * Deletes packs of a space that nobody references: condemned now, deleted once condemned for `holdMs`.
 * Answers the stored bytes that were freed. Repeatable.
 */
export async function sweepSpace(
  plane: Plane,
  order: { readonly space: SpaceId; readonly holdMs: number; readonly signal: AbortSignal },
): Promise<number> {
  throw new Error(`unfinished ${String(plane)} ${order.space}`)
}
