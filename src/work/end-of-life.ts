import { limits } from '../domain/limits.ts'
import { sameType } from '../domain/resource-id.ts'
import { isFinal, type ResourceRow } from '../domain/rows.ts'
import { endOfLifeMs, endsOfLife, isExpired, useOfVersion } from '../resources/end-of-life.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { findUse } from '../store/find-use.ts'
import type { WorkPorts } from './ports.ts'
import { tellEndOfLife } from './tell.ts'

const everyMs = 300_000
const definitionType = 'Microsoft.Compute/galleries/images'

type Look = { readonly sinceMs: number; readonly nowMs: number }

/**
 * Notices that the end of life of something has come: tells it once, and, where the installation wants that, deletes
 * definitions whose end has come and that nothing uses any more (requirement 18).
 */
export function endOfLife({ store, world, settings }: WorkPorts): Work {
  async function look(running: Running): Promise<Outcome> {
    const { state, signal } = running
    const nowMs = await store.nowMs()
    // What was over before the first look is no news.
    const sinceMs = typeof state.seenMs === 'number' ? state.seenMs : nowMs
    for (const type of Object.keys(endsOfLife)) {
      let after: string | undefined
      do {
        signal.throwIfAborted()
        const query = { type, scopes: 'all', after, rowsMax: limits.pageRows } as const
        const page = await store.read.resources.list(query)
        for (const row of page.rows) await judge(running, row, { sinceMs, nowMs })
        after = page.next
      } while (after !== undefined)
    }
    return { is: 'wait', state: { seenMs: nowMs }, forMs: everyMs }
  }

  async function judge(running: Running, row: ResourceRow, { sinceMs, nowMs }: Look) {
    const endMs = endOfLifeMs(row)
    if (endMs === undefined || endMs > nowMs) return
    if (endMs > sinceMs) await running.write((rows) => tellEndOfLife(rows, row, endMs))
    const removes = settings.lifecycle?.removeExpiredDefinitions === 'on'
    if (removes && sameType(row.type, definitionType)) await removeExpired(running, row.key, nowMs)
  }

  /** Judged again under the row's lock: who makes a version or a lock waits for it, or is seen. */
  async function removeExpired({ write }: Running, key: string, nowMs: number): Promise<void> {
    const isRemoved = await write(async (rows) => {
      // Before the row, as all do who change it.
      if ((await rows.locks.against('delete', key)).length > 0) return false
      const row = await rows.resources.lock(key)
      if (!row || !isFinal(row.state) || !isExpired(row, nowMs)) return false
      if ((await findUse(rows, row, { nowMs, useOf: useOfVersion })) !== undefined) return false
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
