import { mapBounded } from '../base/bounded.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

const pageRows = 256
/** What one sweep deletes at most, in pages; the next one goes on. */
const pagesMax = 256
const deletesAtOnce = 8

/**
 * Deletes packs of a space that nobody references: condemned now, deleted once condemned for `holdMs`.
 * Answers the stored bytes that were freed. Repeatable. Throws Unavailable.
 */
export async function sweepSpace(
  plane: Plane,
  order: { readonly space: SpaceId; readonly holdMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const blobs = plane.blobsOf(order.space)
  let freedBytes = 0
  for (let page = 0; page < pagesMax; page++) {
    order.signal.throwIfAborted()
    const condemned = await plane.rows.sweep(order.space, order.holdMs, pageRows)
    if (condemned.length === 0) break
    await mapBounded(condemned, deletesAtOnce, ({ key }) => blobs.delete(key, order.signal))
    // Rows last: a crash in between deletes again what is gone.
    await plane.rows.forget(condemned.map(({ id }) => id))
    for (const { sizeBytes } of condemned) freedBytes += sizeBytes
    await forgetGone(
      plane,
      condemned.map(({ pack }) => pack),
    )
  }
  return freedBytes
}

/** Packs that lie in no space any more leave the index. */
async function forgetGone(
  plane: Plane,
  packs: Parameters<Plane['rows']['holdersOf']>[0],
): Promise<void> {
  const held = new Set((await plane.rows.holdersOf(packs)).map(({ pack }) => pack))
  for (const pack of packs) if (!held.has(pack)) plane.index.forget(pack)
}
