import type { JsonObject } from '../domain/rows.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { recordReplicas } from './ledger.ts'
import type { WorkPorts } from './ports.ts'

const pageRows = 100
const everyMs = 24 * 3_600_000

/**
 * Begins what is usable and not written down: replicas of an installation that is older than the ledger, and those of restored spaces. They
 * count from when they were last completed, and nobody pays for their way here.
 */
export function beginLedger({ store }: WorkPorts): Work {
  async function begin({ state, write }: Running): Promise<Outcome> {
    const page = await store.read.ledger.unwritten(afterIn(state), pageRows)
    for (const { versionKey, region, updatedMs } of page) {
      await write(async (rows) => {
        const version = await rows.resources.lock(versionKey)
        if (version) await recordReplicas(rows, version, { region, atMs: updatedMs, isCopy: false })
      })
    }
    const last = page.at(-1)
    if (!last || page.length < pageRows) return { is: 'wait', state: {}, forMs: everyMs }
    const after = { versionKey: last.versionKey, region: last.region }
    return { is: 'wait', state: { after }, forMs: 0 }
  }

  return { kind: 'Ledger', isRecurring: true, steps: { begin } }
}

function afterIn({ after }: JsonObject) {
  const { versionKey, region } = Object(after)
  return { versionKey: String(versionKey ?? ''), region: String(region ?? '') }
}
