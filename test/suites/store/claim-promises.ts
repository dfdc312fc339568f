import { expect, it } from 'vitest'
import { operationRow, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

export function claimPromises(open: OpenStore): void {
  const { store } = useStore(open)

  it('a claim has one holder, who may take it again; only the holder releases it', async () => {
    await store().write(async ({ claims }) => {
      expect(await claims.take('n', 'one')).toBe(true)
      expect(await claims.take('n', 'one')).toBe(true)
      expect(await claims.take('n', 'two')).toBe(false)
      await claims.release('n', 'two')
      expect(await claims.holderOf('n')).toBe('one')
      await claims.release('n', 'one')
      expect(await claims.take('n', 'two')).toBe(true)
    })
    expect(await store().read.claims.holderOf('n')).toBe('two')
    expect(await store().read.claims.holderOf('unknown')).toBeUndefined()
  })

  it('releaseAllOf lets go of all of one holder', async () => {
    await store().write(async ({ claims }) => {
      for (const name of ['a', 'b']) await claims.take(name, 'one')
      await claims.take('c', 'two')
      await claims.releaseAllOf('one')
    })
    const holders = ['a', 'b', 'c'].map((name) => store().read.claims.holderOf(name))
    expect(await Promise.all(holders)).toEqual([undefined, undefined, 'two'])
  })

  it('a counter grows up to its limit, and shrinks whatever the limit has become', async () => {
    await store().write(async ({ counters }) => {
      expect(await counters.add('s', 'n', 4, 3)).toBe(false)
      expect(await counters.add('s', 'n', 3, 3)).toBe(true)
      expect(await counters.add('s', 'n', 1, 3)).toBe(false)
      expect(await counters.add('s', 'n', 0, 1)).toBe(true)
      expect(await counters.add('s', 'n', -1, 1)).toBe(true)
      expect(await counters.add('s', 'n', 1, 1)).toBe(false)
      expect(await counters.add('s', 'other', 1, 1)).toBe(true)
    })
    expect(await store().read.counters.of('s')).toEqual([
      { name: 'n', value: 2 },
      { name: 'other', value: 1 },
    ])
    expect(await store().read.counters.of('unknown')).toEqual([])
  })

  it('an operation is finished once; what came later changes nothing', async () => {
    const key = topRow('a').key
    const output = { accessSAS: 'x' }
    await store().write(async ({ operations }) => {
      await operations.insert(operationRow({ id: 'o1', key, startedMs: 2 }))
      await operations.insert(operationRow({ id: 'o2', key, startedMs: 1 }))
      await operations.insert(operationRow({ id: 'o3', key: 'other' }))
    })
    const unfinished = await store().read.operations.unfinishedOf(key)
    expect(unfinished.map((row) => row.id)).toEqual(['o2', 'o1'])
    await store().write(async ({ operations }) => {
      await operations.finish('o1', { status: 'Succeeded', error: undefined, output, endedMs: 5 })
      const error = { code: 'Conflict', message: 'late' }
      await operations.finish('o1', { status: 'Failed', error, output: undefined, endedMs: 6 })
    })
    expect(await store().read.operations.get('o1')).toEqual(
      operationRow({ id: 'o1', key, startedMs: 2, status: 'Succeeded', output, endedMs: 5 }),
    )
    expect(await store().read.operations.get('unknown')).toBeUndefined()
  })

  it('pruning forgets finished operations alone, the oldest first, in pages', async () => {
    await store().write(async ({ operations }) => {
      for (const endedMs of [undefined, 3, 1, 2, 9]) {
        const id = `o${endedMs}`
        await operations.insert(operationRow({ id, key: 'k', status: 'Succeeded', endedMs }))
      }
      expect(await operations.prune(9, 2)).toBe(2)
      expect(await operations.get('o3')).toBeDefined()
      expect(await operations.prune(9, 2)).toBe(1)
      expect(await operations.prune(9, 2)).toBe(0)
    })
    const left = ['oundefined', 'o1', 'o2', 'o3', 'o9'].map((id) => store().read.operations.get(id))
    const isLeft = (await Promise.all(left)).map((row) => row !== undefined)
    expect(isLeft).toEqual([true, false, false, false, true])
  })

  it('a grant reads back until it is revoked', async () => {
    const row = topRow('a')
    const grant = { id: 'g1', key: row.key, access: 'Write', expiresMs: 9 } as const
    await store().write(async ({ resources, sas }) => {
      await resources.insert(row)
      await sas.put({ ...grant, expiresMs: 1 })
      await sas.put(grant)
      await sas.put({ ...grant, id: 'g2' })
    })
    expect(await store().read.sas.get('g1')).toEqual(grant)
    await store().write(({ sas }) => sas.revokeOf(row.key))
    expect(await store().read.sas.get('g1')).toBeUndefined()
    expect(await store().read.sas.get('g2')).toBeUndefined()
  })

  it('the signed URLs of a resource are listed, and revoked one by one', async () => {
    const row = topRow('signed')
    const image = { format: 'qcow2', lun: 0, region: undefined, principalId: 'p', createdBy: 'n' }
    const grantAt = (createdMs: number) =>
      ({
        id: `s${createdMs}`,
        key: row.key,
        access: 'Read',
        expiresMs: 9,
        image: { ...image, createdMs },
      }) as const
    await store().write(async ({ resources, sas }) => {
      await resources.insert(row)
      await sas.put(grantAt(2))
      await sas.put(grantAt(1))
      await sas.put({ id: 'no-image', key: row.key, access: 'Read', expiresMs: 9 })
    })
    expect(await store().read.sas.imagesOf(row.key, 9)).toEqual([grantAt(1), grantAt(2)])
    expect(await store().read.sas.imagesOf(row.key, 1)).toEqual([grantAt(1)])
    const only = (some: { principalId?: string; endsAfterMs?: number }) =>
      store().read.sas.imagesOf(row.key, 9, some)
    expect(await only({ principalId: 'p', endsAfterMs: 8 })).toHaveLength(2)
    expect(await only({ principalId: 'q' })).toEqual([])
    expect(await only({ endsAfterMs: 9 })).toEqual([])
    const above = row.key.slice(0, row.key.lastIndexOf('/'))
    for (const key of [row.key, above]) {
      expect(await store().read.sas.liveImageWithin(key, 8)).toMatchObject({ key: row.key })
      expect(await store().read.sas.liveImageWithin(key, 9)).toBeUndefined()
    }
    expect(await store().read.sas.liveImageWithin(row.key.slice(0, -1), 8)).toBeUndefined()
    await store().write(async ({ sas }) => {
      expect(await sas.revokeImage('elsewhere', 's1')).toBe(false)
      expect(await sas.revokeImage(row.key, 'no-image')).toBe(false)
      expect(await sas.revokeImage(row.key, 's1')).toBe(true)
      expect(await sas.revokeImage(row.key, 's1')).toBe(false)
    })
    expect(await store().read.sas.get('s1')).toBeUndefined()
    expect(await store().read.sas.get('no-image')).toBeDefined()
  })

  it('grants that ran out are forgotten, a page at a time', async () => {
    const { key } = topRow('ran-out')
    await store().write(async ({ resources, sas }) => {
      await resources.insert(topRow('ran-out'))
      for (const expiresMs of [1, 2, 3, 9]) {
        await sas.put({ id: `ran-out-${expiresMs}`, key, access: 'Read', expiresMs })
      }
      expect(await sas.prune(9, 2)).toBe(2)
      expect(await sas.prune(9, 2)).toBe(1)
      expect(await sas.prune(9, 2)).toBe(0)
    })
    expect(await store().read.sas.get('ran-out-9')).toBeDefined()
  })
}
