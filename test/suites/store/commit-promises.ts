import { expect, it } from 'vitest'
import type { Change } from '../../../src/store/change.ts'
import type { Store } from '../../../src/store/store.ts'
import {
  changeOf,
  inserting,
  operationRow,
  replicaRow,
  resourceRow,
  topRow,
  updating,
  workRequest,
} from '../../support/store-rows.ts'
import { placed, placementOf } from './placed.ts'
import { type OpenStore, useStore } from './use-store.ts'

const parent = topRow('group')
const child = resourceRow({ key: `${parent.key}/child`, parentKey: parent.key })

/** Everything a change can do, for `child`. */
const whole = inserting(child, {
  guards: [parent.key],
  takes: ['name'],
  operation: operationRow({ id: 'op', key: child.key }),
  work: [workRequest({ kind: 'Publish', subject: child.key })],
  grant: { id: 'grant', key: child.key, access: 'Read', expiresMs: 9 },
  counts: [{ scope: 's1', name: 'children', by: 1, limit: 5 }],
})

/** What `whole` may have left behind. */
async function tracesOf({ read }: Store) {
  return {
    holder: await read.claims.holderOf('name'),
    operation: (await read.operations.get('op'))?.status,
    work: (await read.work.unfinishedOf(child.key)).map((row) => row.kind),
    grant: (await read.sas.get('grant'))?.key,
    counters: await read.counters.of('s1'),
  }
}

const nothing = {
  holder: undefined,
  operation: undefined,
  work: [],
  grant: undefined,
  counters: [],
}

export function commitPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const commit = (change: Change) => store().commit(change)
  const insert = (...rows: readonly Parameters<typeof inserting>[0][]) =>
    store().write(async ({ resources }) => {
      for (const row of rows) await resources.insert(row)
    })

  it('a change is all there: row, claim, operation, work, grant, counter', async () => {
    await insert(parent)
    expect(await commit(whole)).toEqual({ is: 'done' })
    expect(await store().read.resources.get(child.key)).toEqual(child)
    expect(await tracesOf(store())).toEqual({
      holder: child.key,
      operation: 'InProgress',
      work: ['Publish'],
      grant: child.key,
      counters: [{ name: 'children', value: 1 }],
    })
  })

  it.each<[string, Partial<Change>, Awaited<ReturnType<Store['commit']>>]>([
    ['a guard that is gone', { guards: [parent.key, topRow('gone').key] }, { is: 'raced' }],
    ['a guard that is being deleted', { guards: [topRow('dying').key] }, { is: 'raced' }],
    ['a key that exists', { resource: { is: 'insert', row: parent } }, { is: 'raced' }],
    ['an image that is not there', { keeps: [placementOf(child.key)] }, { is: 'raced' }],
    ['a claim of another', { takes: ['name', 'held'] }, { is: 'taken', claim: 'held' }],
    [
      'a counter at its limit',
      {
        counts: [
          { scope: 's1', name: 'a', by: 1, limit: 5 },
          { scope: 's1', name: 'b', by: 6, limit: 5 },
        ],
      },
      { is: 'full', scope: 's1', name: 'b' },
    ],
  ])('%s: the change is refused and leaves nothing behind', async (_, part, answer) => {
    await insert(parent, topRow('dying', { state: 'Deleting' }))
    await store().write(({ claims }) => claims.take('held', 'another'))
    expect(await commit({ ...whole, ...part })).toEqual(answer)
    expect(await store().read.resources.get(child.key)).toBeUndefined()
    expect(await tracesOf(store())).toEqual(nothing)
  })

  it.each([
    ['revision', { revision: 2 }],
    ['generation', { generation: 2 }],
  ])('an update planned on another %s is refused', async (_, stored) => {
    await insert(topRow('a', stored))
    const row = topRow('a', { doc: { properties: { mine: true } } })
    expect(await commit(updating(row))).toEqual({ is: 'raced' })
    expect(await store().read.resources.get(row.key)).toEqual(topRow('a', stored))
  })

  it('an update of a row that is gone is refused', async () => {
    expect(await commit(updating(topRow('a')))).toEqual({ is: 'raced' })
  })

  it('an update lays its patch over the status that work has written meanwhile', async () => {
    await insert(topRow('a', { status: { planned: 1, patched: 1 } }))
    const { key } = topRow('a')
    const status = { planned: 1, patched: 1, progress: 0.5 }
    await store().write(({ resources }) => resources.setStatus(key, { status }))
    const row = topRow('a', { revision: 2, status: { planned: 1, patched: 1 } })
    const resource = {
      is: 'update',
      row,
      statusPatch: { patched: 2 },
      expectRevision: 1,
      expectGeneration: 1,
    } as const
    expect(await commit(changeOf({ resource }))).toEqual({ is: 'done' })
    expect(await store().read.resources.get(key)).toEqual({
      ...row,
      status: { ...status, patched: 2 },
    })
  })

  it('a state that work has ended meanwhile is not written over, unless work is asked for again', async () => {
    await insert(topRow('a', { state: 'Succeeded' }))
    const row = topRow('a', { state: 'Updating', revision: 2 })
    expect(await commit(updating(row))).toEqual({ is: 'raced' })
    expect(await commit(updating({ ...row, generation: 2 }))).toEqual({ is: 'raced' })
    const work = [workRequest({ kind: 'Publish', subject: row.key })]
    expect(await commit(updating(row, { work }))).toEqual({ is: 'done' })
    expect((await store().read.resources.get(row.key))?.state).toBe('Updating')
  })

  it('a delete is refused while there are children, or when the revision moved', async () => {
    await insert(parent, child)
    const remove = (key: string, expectRevision: number) =>
      commit(changeOf({ resource: { is: 'delete', key, expectRevision } }))
    expect(await remove(parent.key, 1)).toEqual({ is: 'raced' })
    expect(await remove(child.key, 2)).toEqual({ is: 'raced' })
    expect(await remove(child.key, 1)).toEqual({ is: 'done' })
    expect(await remove(parent.key, 1)).toEqual({ is: 'done' })
    expect(await remove(parent.key, 1)).toEqual({ is: 'raced' })
  })

  it('a delete takes claims, keeps, replicas and grants with it', async () => {
    await insert(parent)
    await placed(store(), 'another')
    const { key } = child
    expect(await commit({ ...whole, keeps: [placementOf(key)] })).toEqual({ is: 'done' })
    await store().write(({ replicas }) => replicas.put(replicaRow(key, 'eastus')))
    await commit(changeOf({ resource: { is: 'delete', key, expectRevision: 1 } }))
    const { read } = store()
    expect(await read.claims.holderOf('name')).toBeUndefined()
    expect(await read.placements.ofKeepers([key])).toEqual([])
    expect(await read.replicas.of([key])).toEqual([])
    expect(await read.sas.get('grant')).toBeUndefined()
  })

  it('a claim moves with the change: the old name is free, the new one taken', async () => {
    await commit(inserting(topRow('a'), { takes: ['old'] }))
    const row = topRow('a', { revision: 2 })
    expect(await commit(updating(row, { releases: ['old'], takes: ['new'] }))).toEqual({
      is: 'done',
    })
    expect(await store().read.claims.holderOf('old')).toBeUndefined()
    expect(await store().read.claims.holderOf('new')).toBe(row.key)
  })

  it('preempting ends the operations, and stops all work but what the change asks for', async () => {
    await insert(parent)
    const { key } = child
    const work = ['Publish', 'Converge', 'Remove'].map((kind) =>
      workRequest({ kind, subject: key }),
    )
    await commit({ ...whole, work })
    const row = { ...child, state: 'Deleting', generation: 2 } as const
    const removal = updating(row, {
      preempts: true,
      operation: operationRow({ id: 'removal', key, verb: 'delete', generation: 2 }),
      work: [workRequest({ kind: 'Remove', subject: key, generation: 2 })],
    })
    expect(await commit(removal)).toEqual({ is: 'done' })
    const { read } = store()
    const [ended, removing] = [
      await read.operations.get('op'),
      await read.operations.get('removal'),
    ]
    expect(ended).toMatchObject({ status: 'Canceled', error: { code: 'OperationPreempted' } })
    expect(ended?.endedMs).toBe(removal.nowMs)
    expect(removing?.status).toBe('InProgress')
    const unfinished = await read.work.unfinishedOf(key)
    expect(Object.fromEntries(unfinished.map((each) => [each.kind, each.cancel]))).toEqual({
      Publish: true,
      Converge: true,
      Remove: false,
    })
  })

  it('revoking drops the grants of the resource before the new one is given', async () => {
    await commit(inserting(topRow('a')))
    const grant = (id: string) =>
      ({ id, key: topRow('a').key, access: 'Read', expiresMs: 9 }) as const
    const again = (change: Partial<Change>) => commit(updating(topRow('a'), change))
    await again({ grant: grant('first') })
    await again({ revokesGrants: true, grant: grant('second') })
    expect(await store().read.sas.get('first')).toBeUndefined()
    expect(await store().read.sas.get('second')).toEqual(grant('second'))
  })
}
