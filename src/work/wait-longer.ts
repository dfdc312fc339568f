import type { JsonObject } from '../domain/rows.ts'
import type { Outcome } from '../runner/work.ts'

/** Until work looks first, and at last, whether what it waits for has ended: a region may be away for long. */
const waitsMs = { first: 100, last: 1_600, growth: 2 } as const

/** Waits, longer each time while `seen` (what the step waits for, in a word) stays the same. */
export function waitLonger(state: JsonObject, seen: string): Outcome {
  const { waitedMs } = state
  const again = state.seen === seen && typeof waitedMs === 'number'
  const forMs = again ? Math.min(waitedMs * waitsMs.growth, waitsMs.last) : waitsMs.first
  return { is: 'wait', state: { ...state, seen, waitedMs: forMs }, forMs }
}
