import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

const sweepEveryMs = 5 * 60_000
const sweepRows = 1_000
/** How often it is looked whether a new key is due, which it is every few months. */
const lookEveryMs = 6 * 3_600_000

/** Forgets codes, tokens, sessions and pages of sign-ins that ran out, and counts of tries whose time is over. */
export function sweepSignins({ store }: WorkPorts): Work {
  async function sweep({ state }: Running): Promise<Outcome> {
    const swept = await store.signin.sweep(await store.nowMs(), sweepRows)
    return { is: 'wait', state, forMs: swept === sweepRows ? 0 : sweepEveryMs }
  }

  return { kind: 'SweepSignins', isRecurring: true, steps: { sweep } }
}

/** Adds a signing key when the newest one has signed for long; it begins to sign a day later. */
export function rotateKeys({ rotateKeyWhenDue, world }: WorkPorts): Work {
  async function rotate({ state }: Running): Promise<Outcome> {
    if (await rotateKeyWhenDue()) world.log({ level: 'info', event: 'signing-key-added' })
    return { is: 'wait', state, forMs: lookEveryMs }
  }

  return { kind: 'RotateKeys', isRecurring: true, steps: { rotate } }
}
