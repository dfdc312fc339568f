import { parseResourceId } from '../domain/resource-id.ts'
import type { JsonObject, ResourceRow, WorkRow } from '../domain/rows.ts'
import { removeRoot } from '../regions/roots.ts'
import { dropStaged } from '../regions/staging.ts'
import type { ResourceType, Settings } from '../resources/declaration.ts'
import { stagingOf } from '../resources/disk.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { finishResource } from './settle.ts'
import { distinctRoots, rootsIn, strayRoots } from './stray-roots.ts'

/** How often a removal looks whether the work that it stopped has ended. */
const waitMs = 100

/** Deletes a resource that keeps images: first its roots, durably, then its rows. A crash leaves all of it or garbage. */
export function remove(ports: WorkPorts): Work {
  const { store, plane, settings } = ports

  /** Asked for twice, it may run again when another resource has the name already: that one is not meant. */
  async function isMeant(row: WorkRow): Promise<boolean> {
    return (await store.read.resources.get(row.subject))?.state === 'Deleting'
  }

  async function waitForOthers({ row, state }: Running): Promise<Outcome> {
    if (!(await isMeant(row))) return { is: 'done' }
    const others = await othersOf(row)
    if (others > 0) return { is: 'wait', state, forMs: waitMs }
    return { is: 'next', state: await whatGoes(row.subject) }
  }

  async function othersOf(row: WorkRow): Promise<number> {
    const unfinished = await store.read.work.unfinishedOf(row.subject)
    return unfinished.filter((other) => other.id !== row.id).length
  }

  /** Durable before any of it is removed: who lost the row removes nothing that has the name later. */
  async function whatGoes(key: string): Promise<JsonObject> {
    const sealed = await store.read.placements.rootsOf(key)
    const stray = await strayRoots(store.read, key)
    const roots = [...sealed.map(({ space, root }) => ({ space, key: root })), ...stray]
    const resource = await store.read.resources.get(key)
    const staging = resource && stagingOf(resource)
    const staged = staging ? [{ space: staging.space, key: staging.upload }] : []
    return { roots: distinctRoots(roots), staged }
  }

  async function removeRoots({ state, signal }: Running): Promise<Outcome> {
    for (const root of rootsIn(state.roots)) await removeRoot(plane, { ...root, signal })
    for (const { space, key } of rootsIn(state.staged)) {
      await dropStaged(plane, { space, upload: key, signal })
    }
    return { is: 'next', state: {} }
  }

  async function forget({ row, write }: Running): Promise<Outcome> {
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const resource = await rows.resources.lock(row.subject)
      if (resource?.state !== 'Deleting') return
      await forgetRow(rows, resource, ports.findType(resource.type), settings)
      for (const operation of await rows.operations.unfinishedOf(row.subject)) {
        const end = { status: 'Succeeded', error: undefined, output: undefined } as const
        await rows.operations.finish(operation.id, { ...end, endedMs: nowMs })
      }
    })
    return { is: 'done' }
  }

  return {
    kind: 'Remove',
    steps: { waitForOthers, removeRoots, forget },
    failed: failRemoval,
  }
}

/** The resource stays, as Failed: the deletion can be asked for again. */
export const failRemoval: Failed = async (rows, row, { problem, nowMs }) => {
  const resource = await rows.resources.lock(row.subject)
  if (resource?.state !== 'Deleting') return
  const status = { ...resource.status, removalFailed: problem.message }
  await rows.resources.setStatus(resource.key, { status })
  await finishResource(rows, resource, problem, nowMs)
}

/** The row and everything that hangs on it: images, replicas, grants, claims, counters. */
export async function forgetRow(
  rows: Rows,
  resource: ResourceRow,
  type: ResourceType | undefined,
  settings: Settings,
): Promise<void> {
  const { key } = resource
  for (const placement of await rows.placements.ofKeepers([key])) {
    await rows.placements.drop(placement)
  }
  for (const replica of await rows.replicas.of([key]))
    await rows.replicas.remove(key, replica.region)
  await rows.sas.revokeOf(key)
  await rows.claims.releaseAllOf(key)
  await rows.resources.delete(key)
  const id = parseResourceId(resource.id)
  if (!type?.counts || !id) return
  // The row was stored by this type's own schema.
  const doc = resource.doc as unknown as Parameters<typeof type.counts>[1]
  for (const count of type.counts(id, doc, settings)) {
    await rows.counters.add(count.scope, count.name, -count.by, count.limit)
  }
}
