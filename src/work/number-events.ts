import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

/** Whoever reads by cursor numbers what he finds waiting: this is for when nobody does. */
const numberEveryMs = 5_000
const numberRows = 500

/** Gives events their numbers once they are committed: one that commits late gets a higher one, and no cursor skips it. */
export function numberEvents({ store }: WorkPorts): Work {
  async function number({ state }: Running): Promise<Outcome> {
    if (!(await store.read.events.isBehind())) return { is: 'wait', state, forMs: numberEveryMs }
    const numbered = await store.write((rows) => rows.events.number(numberRows))
    return { is: 'wait', state, forMs: numbered === numberRows ? 0 : numberEveryMs }
  }

  return { kind: 'NumberEvents', isRecurring: true, steps: { number } }
}
