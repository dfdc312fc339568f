import type { Holding } from '../domain/holdings.ts'
import type { Plane } from './plane.ts'
import type { Repaired } from './repair.ts'
import { isDamage } from './trailers.ts'

export type Scrubbed = {
  /** Stored bytes that were read. */
  readonly bytes: number
  /** What was bad, and what came of its repair. */
  readonly bad: readonly { readonly holding: Holding; readonly repaired: Repaired }[]
}

/**
 * Reads packs whole, one after another, compares each with its id and keeps in its row what was found, unless others found
 * it bad meanwhile; a bad one is put right from any space that has it good. Ends early when `signal` fires: what was read is kept. Throws Unavailable.
 */
export async function scrub(
  plane: Plane,
  { holdings, signal }: { readonly holdings: readonly Holding[]; readonly signal: AbortSignal },
): Promise<Scrubbed> {
  const good: number[] = []
  const bad: { holding: Holding; repaired: Repaired }[] = []
  let bytes = 0
  const before = await plane.rows.timesBad(holdings.map(({ id }) => id))
  try {
    for (const holding of holdings) {
      if (signal.aborted) break
      const why = await damageOf(plane, holding)
      bytes += holding.sizeBytes
      plane.moved.scrubbedBytes += holding.sizeBytes
      if (why === undefined) good.push(holding.id)
      else bad.push({ holding, repaired: await plane.repair(holding, { why, again: true }) })
    }
  } finally {
    if (good.length > 0) await plane.rows.foundGood(good, before)
  }
  return { bytes, bad: bad.filter(({ repaired }) => repaired !== 'gone') }
}

/** Why its bytes are not what its id says; undefined when they are. */
export async function damageOf(
  plane: Plane,
  { space, key, pack, sizeBytes }: Holding,
): Promise<string | undefined> {
  try {
    const from = { address: plane.addressOf(space), key }
    await plane.lanes.call('check', { from, pack, sizeBytes })
    return undefined
  } catch (error) {
    if (isDamage(error)) return error.message
    throw error
  }
}
