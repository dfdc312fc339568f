import { limits } from '../domain/limits.ts'
import { isFinal } from '../domain/rows.ts'
import { endOfLifeMs, isExpired, useOfVersion } from '../resources/end-of-life.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { findUse } from '../store/find-use.ts'
import type { WorkPorts } from './ports.ts'
import { endOfLifeLateMs, tellEndOfLife } from './tell.ts'

const everyMs = 300_000
const definitionType = 'Microsoft.Compute/galleries/images'

/**
 * Where the installation wants it, deletes definitions whose end of life has come and that nothing uses any more
 * (requirement 18). That the end of something has come, `FollowEvents` tells, or this when it is the first to notice.
 */
export function endOfLife({ store, world, settings }: WorkPorts): Work {
  async function look({ state, write }: Running): Promise<Outcome> {
    if (settings.lifecycle?.removeExpiredDefinitions !== 'on')
      return { is: 'wait', state: {}, forMs: everyMs }
    const after = typeof state.after === 'string' ? state.after : undefined
    const query = { type: definitionType, scopes: 'all', after, rowsMax: limits.pageRows } as const
    const page = await store.read.resources.list(query)
    const nowMs = await store.nowMs()
    for (const row of page.rows) {
      if (isExpired(row, nowMs)) await removeExpired(write, row.key, nowMs)
    }
    if (page.next !== undefined) return { is: 'wait', state: { after: page.next }, forMs: 0 }
    return { is: 'wait', state: {}, forMs: everyMs }
  }

  /** Judged again under the row's lock: who makes a version or a lock waits for it, or is seen. */
  async function removeExpired(write: Running['write'], key: string, nowMs: number): Promise<void> {
    const isRemoved = await write(async (rows) => {
      // Before the row, as all do who change it.
      if ((await rows.locks.against('delete', key)).length > 0) return false
      const row = await rows.resources.lock(key)
      if (!row || !isFinal(row.state) || !isExpired(row, nowMs)) return false
      if ((await findUse(rows, row, { nowMs, useOf: useOfVersion })) !== undefined) return false
      // What is being deleted is not looked at any more by who tells of it.
      const endMs = endOfLifeMs(row) ?? 0
      if (endMs > nowMs - endOfLifeLateMs) await tellEndOfLife(rows, row, endMs)
      const generation = row.generation + 1
      const { removalFailed: _, ...status } = row.status
      await rows.resources.update({ ...row, status, state: 'Deleting', generation })
      const removal = { kind: 'RemoveTree', subject: key, queue: 'control', generation, key }
      await rows.work.request([removal], nowMs)
      return true
    })
    if (isRemoved)
      world.log({ level: 'info', event: 'expired-definition-removed', definition: key })
  }

  return { kind: 'EndOfLife', isRecurring: true, steps: { look } }
}
