import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'
import { failRemoval } from './settle.ts'
import { waitLonger } from './wait-longer.ts'

/**
 * Deletes a version softly: what ran for it has stopped, then it is out of sight in one transaction. Its replicas, counts and
 * roles stay, so that it comes back as it was; what it claims of others is given back.
 */
export function removeSoftly({ store }: WorkPorts): Work {
  async function hide({ row, state, write }: Running): Promise<Outcome> {
    const { subject } = row
    const others = (await store.read.work.unfinishedOf(subject)).filter(({ id }) => id !== row.id)
    // Asked for meanwhile: it goes for good.
    if (others.some(({ kind }) => kind === 'Remove')) return { is: 'done' }
    if (others.length > 0) return waitLonger(state, 'work')
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const resource = await rows.resources.lock(subject)
      if (resource?.state !== 'Deleting' || resource.deletedMs !== undefined) return
      await rows.claims.releaseAllOf(subject)
      await rows.resources.update({ ...resource, deletedMs: nowMs })
      for (const { id } of await rows.operations.unfinishedOf(subject)) {
        const end = { status: 'Succeeded', error: undefined, output: undefined } as const
        await rows.operations.finish(id, { ...end, endedMs: nowMs })
      }
    })
    return { is: 'done' }
  }

  return { kind: 'RemoveSoftly', steps: { hide }, failed: failRemoval }
}
