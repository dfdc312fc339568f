import { parseResourceId } from '../domain/resource-id.ts'
import type { ResourceRow, WorkRow } from '../domain/rows.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { regionsLeft, releases } from './release-region.ts'
import { failRemoval } from './settle.ts'
import { tellRemoved } from './tell.ts'
import { waitLonger } from './wait-longer.ts'

/**
 * Deletes a resource that keeps images: first each region lets go of its blobs (`ReleaseRegion`), durably, then the rows go.
 * A crash leaves all of it or garbage.
 */
export function remove(ports: WorkPorts): Work {
  const { store, settings } = ports

  /** Asked for twice, it may run again when another resource has the name already: that one is not meant. */
  async function isMeant(row: WorkRow): Promise<boolean> {
    return (await store.read.resources.getAny(row.subject))?.state === 'Deleting'
  }

  /** Waits for what it stopped, then for the regions, until nothing of the resource lies anywhere. */
  async function release({ row, state, write }: Running): Promise<Outcome> {
    if (!(await isMeant(row))) return { is: 'done' }
    const unfinished = await store.read.work.unfinishedOf(row.subject)
    const others = unfinished.filter((other) => other.id !== row.id)
    if (others.length > 0) return waitLonger(state, 'work')
    const regions = await regionsLeft(store, row.subject)
    if (regions.length === 0) return { is: 'next', state }
    const nowMs = await store.nowMs()
    await write((rows) => rows.work.request(releases(row, regions), nowMs))
    return waitLonger(state, 'work')
  }

  async function forget({ row, write }: Running): Promise<Outcome> {
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const resource = await rows.resources.lock(row.subject)
      if (resource?.state !== 'Deleting') return
      const type = ports.findType(resource.type)
      await forgetRow(rows, resource, { type, settings, nowMs })
      for (const operation of await rows.operations.unfinishedOf(row.subject)) {
        const end = { status: 'Succeeded', error: undefined, output: undefined } as const
        await rows.operations.finish(operation.id, { ...end, endedMs: nowMs })
      }
    })
    return { is: 'done' }
  }

  return {
    kind: 'Remove',
    steps: { release, forget },
    failed: failRemoval,
  }
}

/** The row and everything that hangs on it: images, replicas, grants, claims, counters. */
export async function forgetRow(
  rows: Rows,
  resource: ResourceRow,
  {
    type,
    settings,
    nowMs,
  }: {
    readonly type: ResourceType | undefined
    readonly settings: Settings
    readonly nowMs: number
  },
): Promise<void> {
  const { key } = resource
  await rows.ledger.endAll(key, nowMs)
  for (const placement of await rows.placements.ofKeepers([key])) {
    await rows.placements.drop(placement)
  }
  for (const replica of await rows.replicas.of([key]))
    await rows.replicas.remove(key, replica.region)
  await rows.sas.revokeOf(key)
  await rows.blobs.removeContainers(key)
  await rows.blobs.released(key)
  await rows.claims.releaseAllOf(key)
  await rows.resources.delete(key)
  await tellRemoved(rows, resource, nowMs)
  const id = parseResourceId(resource.id)
  if (!type?.counts || !id) return
  // The row was stored by this type's own schema.
  const doc = resource.doc as unknown as Parameters<typeof type.counts>[1]
  for (const count of type.counts(id, doc, settings)) {
    await rows.counters.add(count.scope, count.name, -count.by, count.limit)
  }
}
