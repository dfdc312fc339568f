import { expect, it } from 'vitest'
import type { ResourceRow } from '../../../src/domain/rows.ts'
import {
  inserting,
  replicaRow,
  resourceRow,
  subscriptionKey,
  topRow,
  updating,
} from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

export function resourcePromises(open: OpenStore): void {
  const { store } = useStore(open)
  const insert = (...rows: readonly ResourceRow[]) =>
    store().write(async ({ resources }) => {
      for (const row of rows) await resources.insert(row)
    })

  it('a row reads back as it was written', async () => {
    const row = topRow('a', {
      id: `${subscriptionKey}/A`,
      region: undefined,
      doc: {
        location: 'x',
        tags: { "quo'te": 'ü€𝄞' },
        properties: { list: [1, null, { a: true }] },
      },
      status: { progress: 0.5 },
      createdBy: { name: 'app', kind: 'Application' },
      createdMs: 2 ** 45,
    })
    await insert(row)
    expect(await store().read.resources.get(row.key)).toEqual(row)
    expect(await store().read.resources.get(row.id)).toBeUndefined()
  })

  it('what is deleted softly is seen only by who asks for it, until it is restored', async () => {
    const parentKey = topRow('a').key
    const type = 'Test/things'
    const kept = resourceRow({ key: `${parentKey}/kept`, parentKey })
    const key = `${parentKey}/gone`
    const gone = resourceRow({ key, parentKey, state: 'Deleting', deletedMs: 7 })
    await insert(topRow('a'), kept, gone)
    const { resources } = store().read
    const page = { parentKey, type, after: undefined, rowsMax: 10 }
    const lists = async () => [
      await resources.getMany([key, kept.key]),
      (await resources.list({ ...page, scopes: [parentKey] })).rows,
      (await resources.listStamps({ ...page, scopes: [parentKey] })).rows,
      (await resources.children({ ...page, descending: true })).rows,
      (await resources.childStamps(page)).rows,
    ]
    const names = async () =>
      new Set((await lists()).flatMap((rows) => rows.map((row) => row.key)).filter(isChild))
    const isChild = (one: string) => one !== parentKey
    expect(await resources.get(key)).toBeUndefined()
    expect(await resources.stamp(key)).toBeUndefined()
    expect(await names()).toEqual(new Set([kept.key]))
    expect(await resources.getAny(key)).toEqual(gone)
    expect(await store().write((rows) => rows.resources.lock(key))).toEqual(gone)
    expect(await resources.getManyAny([key])).toEqual([gone])
    expect((await resources.below(parentKey, undefined, 9)).map((row) => row.key)).toContain(key)
    expect(await resources.deletedOf(page)).toEqual({ rows: [gone], next: undefined })
    expect(await resources.deletedBefore(8, undefined, 9)).toEqual([gone])
    expect(await resources.deletedBefore(7, undefined, 9)).toEqual([])
    expect(await resources.deletedBefore(8, { deletedMs: 7, key: parentKey }, 9)).toEqual([gone])
    expect(await resources.deletedBefore(8, { deletedMs: 7, key }, 9)).toEqual([])
    const { deletedMs: _, ...back } = { ...gone, state: 'Succeeded' as const }
    await store().write((rows) => rows.resources.update(back))
    expect(await resources.get(key)).toEqual(back)
    expect(await names()).toEqual(new Set([kept.key, key]))
    expect((await resources.deletedOf(page)).rows).toEqual([])
  })

  it('an update replaces document, status, state, generation, revision and the updater, nothing else', async () => {
    const row = topRow('a')
    await insert(row)
    const wanted = topRow('a', {
      id: 'other',
      name: 'other',
      region: 'eastus',
      createdMs: 99,
      state: 'Updating',
      generation: 2,
      revision: 3,
      doc: { properties: { next: 1 } },
      status: { told: 1 },
      updatedMs: 7,
      updatedBy: { name: 'next', kind: 'Application' },
    })
    await store().write(({ resources }) => resources.update(wanted))
    const { id, name, region, createdMs } = row
    expect(await store().read.resources.get(row.key)).toEqual({
      ...wanted,
      id,
      name,
      region,
      createdMs,
    })
  })

  it('setStatus touches status and state alone', async () => {
    const row = topRow('a', { state: 'Updating', status: { old: 1 } })
    await insert(row)
    await store().write(({ resources }) => resources.setStatus(row.key, { state: 'Succeeded' }))
    expect(await store().read.resources.get(row.key)).toEqual({ ...row, state: 'Succeeded' })
    await store().write(({ resources }) => resources.setStatus(row.key, { status: { fresh: 2 } }))
    expect(await store().read.resources.get(row.key)).toEqual({
      ...row,
      state: 'Succeeded',
      status: { fresh: 2 },
    })
  })

  it('each write of a row gives it a stamp that it never had, and reads give it none', async () => {
    const row = topRow('a')
    const { read, write, commit } = store()
    const writes: readonly (() => Promise<unknown>)[] = [
      () => insert(row),
      () => write(({ resources }) => resources.setStatus(row.key, { state: row.state })),
      () => write(({ resources }) => resources.setStatus(row.key, { status: { a: 1 } })),
      () => commit(updating({ ...row, revision: 2 })),
      () => write(({ resources }) => resources.update({ ...row, revision: 3 })),
      () => write(({ resources }) => resources.delete(row.key)),
      () => commit(inserting(row)),
    ]
    const seen = new Set<number | undefined>()
    for (const act of writes) {
      await act()
      const stamped = await read.resources.stamp(row.key)
      expect(await read.resources.stamp(row.key)).toEqual(stamped)
      const { parentKey, type } = row
      const page = { type, after: undefined, rowsMax: 10 }
      const rows = stamped ? [stamped] : []
      expect((await read.resources.childStamps({ ...page, parentKey })).rows).toMatchObject(rows)
      expect((await read.resources.listStamps({ ...page, scopes: 'all' })).rows).toMatchObject(rows)
      expect(Number.isSafeInteger(stamped?.stamp ?? 0)).toBe(true)
      seen.add(stamped?.stamp)
    }
    expect(seen.size).toBe(writes.length)
  })

  it('getMany answers those that exist, each once', async () => {
    await insert(topRow('a'), topRow('b'))
    const keys = ['b', 'a', 'b', 'gone'].map((name) => topRow(name).key)
    const found = await store().read.resources.getMany(keys)
    expect(found.map((row) => row.name).sort()).toEqual(['a', 'b'])
    expect(await store().read.resources.getMany([])).toEqual([])
  })

  it('a write that throws leaves nothing behind, and disturbs none that is committed with it', async () => {
    const writes = ['a', 'bad', 'c'].map((name) =>
      store().write(async ({ resources }) => {
        await resources.insert(topRow(name))
        if (name === 'bad') throw new Error('planned')
        return name
      }),
    )
    const ends = await Promise.allSettled(writes)
    expect(ends.map((end) => end.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const { rows } = await store().read.resources.list({
      type: 'Test/things',
      scopes: 'all',
      after: undefined,
      rowsMax: 10,
    })
    expect(rows.map((row) => row.name)).toEqual(['a', 'c'])
  })

  it('a write sees what it wrote; a reader does not until it is committed', async () => {
    const row = topRow('a')
    await store().write(async ({ resources }) => {
      await resources.insert(row)
      expect(await resources.get(row.key)).toEqual(row)
      expect(await resources.lock(row.key)).toEqual(row)
      expect(await store().read.resources.get(row.key)).toBeUndefined()
    })
    expect(await store().read.resources.get(row.key)).toEqual(row)
  })

  it('a row with children cannot go, a child needs its parent', async () => {
    const parent = topRow('a')
    const child = resourceRow({ key: `${parent.key}/b`, parentKey: parent.key })
    await expect(insert(child)).rejects.toThrow()
    await insert(parent, child)
    const remove = (key: string) => store().write(({ resources }) => resources.delete(key))
    await expect(remove(parent.key)).rejects.toThrow()
    await remove(child.key)
    await remove(parent.key)
    expect(await store().read.resources.get(parent.key)).toBeUndefined()
  })

  it('replicas and grants go with their row: one that comes back under the key has none', async () => {
    const row = topRow('a')
    await insert(row)
    await store().write(async ({ replicas, sas, resources }) => {
      await replicas.put(replicaRow(row.key, 'westeurope'))
      await sas.put({ id: 'g', key: row.key, access: 'Read', expiresMs: 1 })
      await resources.delete(row.key)
      await resources.insert(row)
    })
    expect(await store().read.replicas.of([row.key])).toEqual([])
    expect(await store().read.sas.get('g')).toBeUndefined()
  })

  it('a replica row is put, replaced and removed by version and region', async () => {
    await insert(topRow('a'), topRow('b'))
    const [a, b] = [topRow('a').key, topRow('b').key]
    const done = replicaRow(a, 'eastus', { state: 'Completed', usable: true, reason: 'because' })
    await store().write(async ({ replicas }) => {
      await replicas.put(replicaRow(a, 'eastus'))
      await replicas.put(replicaRow(b, 'eastus'))
      await replicas.put(replicaRow(b, 'westus'))
      await replicas.put(done)
      await replicas.remove(b, 'eastus')
    })
    expect(await store().read.replicas.of([a, b])).toEqual([done, replicaRow(b, 'westus')])
    expect(await store().read.replicas.of([])).toEqual([])
  })
}
