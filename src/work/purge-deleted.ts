import { limits } from '../domain/limits.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

const everyMs = 60_000

/** Deletes for good what was deleted softly for long enough. What could not be deleted is asked for again with each round. */
export function purgeDeleted({ store, findType, world }: WorkPorts): Work {
  async function look({ state, write }: Running): Promise<Outcome> {
    const nowMs = await store.nowMs()
    const beforeMs = nowMs - limits.softDeletedKeptMs
    const after = placeIn(state)
    const page = await store.read.resources.deletedBefore(beforeMs, after, limits.pageRows)
    for (const { key } of page) {
      await write(async (rows) => {
        // Before the row, as all do who change it.
        if ((await rows.locks.against('delete', key)).length > 0) return
        const resource = await rows.resources.lock(key)
        if (resource?.deletedMs === undefined || resource.deletedMs >= beforeMs) return
        if ((await rows.work.unfinishedOf(key)).length > 0) return
        const type = findType(resource.type)
        // The row was stored by this type's own schema.
        const stored = resource as unknown as Parameters<
          NonNullable<NonNullable<typeof type>['remove']>
        >[0]
        const { removalFailed: _, ...status } = resource.status
        // Raised, so that a restore that was planned before is planned again.
        await rows.resources.update({ ...resource, status, generation: resource.generation + 1 })
        await rows.work.request(type?.remove?.(stored) ?? [], nowMs)
        world.log({ level: 'info', event: 'soft-deleted-purged', resource: key })
      })
    }
    const last = page.length === limits.pageRows ? page.at(-1) : undefined
    if (last?.deletedMs === undefined) return { is: 'wait', state: {}, forMs: everyMs }
    const { deletedMs, key } = last
    return { is: 'wait', state: { deletedMs, key }, forMs: 0 }
  }

  return { kind: 'PurgeDeleted', isRecurring: true, steps: { look } }
}

function placeIn({ deletedMs, key }: JsonObject) {
  if (typeof deletedMs !== 'number' || typeof key !== 'string') return undefined
  return { deletedMs, key }
}
