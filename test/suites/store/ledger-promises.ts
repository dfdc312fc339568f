import { expect, it } from 'vitest'
import type { Existing, Interval } from '../../../src/domain/ledger.ts'
import { regionName } from '../../../src/domain/regions.ts'
import { inserting, replicaRow, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const versionId = '/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/galleries/g'
const subject = {
  ...{ versionId, versionKey: versionId.toLowerCase() },
  region: regionName('eastus'),
}
const one: Existing = { storageType: 'Standard_LRS', replicas: 1, occupiedBytes: 10 }
const two: Existing = { ...one, replicas: 2 }

export function ledgerPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const record = (now: Existing | undefined, atMs: number, of = subject) =>
    store().write(({ ledger }) => ledger.record(of, now, atMs))
  const times = { fromMs: 0, untilMs: 1_000, after: undefined, rowsMax: 9 }
  const intervals = (query: object = {}) =>
    store().read.ledger.intervals({ scopeKey: '/subscriptions/s', ...times, ...query })
  const told = async (query: object = {}) =>
    (await intervals(query)).map(({ replicas, sinceMs, untilMs }) => [replicas, sinceMs, untilMs])

  it('what exists goes on until it changes; said again it is the same', async () => {
    expect(await record(one, 10)).toBeUndefined()
    expect(await record(one, 20)).toEqual(expect.objectContaining(one))
    expect(await record(two, 30)).toEqual(expect.objectContaining(one))
    expect(await record(undefined, 40)).toEqual(expect.objectContaining(two))
    expect(await record(undefined, 50)).toBeUndefined()
    await record(one, 60)
    expect(await told()).toEqual([
      [1, 10, 30],
      [2, 30, 40],
      [1, 60, undefined],
    ])
  })

  it('times never go back, and what was there for no time is not told', async () => {
    await record(one, 100)
    await record(two, 50)
    await record(undefined, 80)
    await record(one, 90)
    await record(undefined, 120)
    await record(two, 110)
    expect(await told()).toEqual([
      [1, 90, 120],
      [2, 120, undefined],
    ])
  })

  it('all of a version ends at once', async () => {
    await record(one, 10)
    await record(two, 20, { ...subject, region: regionName('westus') })
    await store().write(({ ledger }) => ledger.endAll(subject.versionKey, 30))
    expect(await told()).toEqual([
      [1, 10, 30],
      [2, 20, 30],
    ])
  })

  it('is told in pages, of what touches a time, at and below a key', async () => {
    const below = { ...subject, versionId: `${versionId}/x`, versionKey: `${subject.versionKey}/x` }
    const beside = { ...subject, versionKey: `${subject.versionKey}2` }
    await record(one, 10)
    await record(undefined, 20)
    await record(one, 30)
    await record(two, 10, below)
    await record(two, 10, beside)
    const scopeKey = subject.versionKey
    expect(await told({ scopeKey })).toHaveLength(3)
    expect(await told({ scopeKey, untilMs: 30 })).toEqual([
      [1, 10, 20],
      [2, 10, undefined],
    ])
    expect(await told({ scopeKey, fromMs: 20 })).toEqual([
      [1, 30, undefined],
      [2, 10, undefined],
    ])
    const all: Interval[] = []
    for (let after: Interval | undefined; all.length < 9; after = all.at(-1)) {
      const page = await intervals({ after, rowsMax: 1 })
      all.push(...page)
      if (page.length === 0) break
    }
    expect(all).toEqual(await intervals())
    expect(all).toHaveLength(4)
  })

  it('what moved in an hour is added up', async () => {
    const hour = 3_600_000
    const move = { ...subject, from: regionName('westeurope'), atMs: hour + 5, tookMs: 3 }
    await store().write(async ({ ledger }) => {
      await ledger.addMove({ ...move, billedBytes: 10, movedBytes: 0 })
      await ledger.addMove({ ...move, billedBytes: 0, movedBytes: 7, atMs: 2 * hour - 1 })
      await ledger.addMove({ ...move, billedBytes: 0, movedBytes: 9, atMs: 2 * hour })
    })
    const query = { scopeKey: subject.versionKey, ...times }
    const moves = await store().read.ledger.moves({ ...query, untilMs: 3 * hour })
    expect(moves).toEqual([
      { ...move, atMs: hour, billedBytes: 10, movedBytes: 7, tookMs: 6 },
      { ...move, atMs: 2 * hour, billedBytes: 0, movedBytes: 9 },
    ])
    const [, second] = moves
    const after = moves[0]
    expect(await store().read.ledger.moves({ ...query, untilMs: 3 * hour, after })).toEqual([
      second,
    ])
    expect(await store().read.ledger.moves({ ...query, untilMs: 2 * hour })).toHaveLength(1)
  })

  it('a usable replica that is not written down is found', async () => {
    const row = topRow('v')
    await store().commit(inserting(row))
    await store().write(async ({ replicas, ledger }) => {
      await replicas.put(replicaRow(row.key, 'eastus', { usable: true }))
      await replicas.put(replicaRow(row.key, 'northeurope', { usable: false }))
      await replicas.put(replicaRow(row.key, 'westus', { usable: true }))
      const above = row.key.slice(0, row.key.lastIndexOf('/'))
      expect([...(await replicas.usableRegionsBelow(above))].sort()).toEqual(['eastus', 'westus'])
      expect(await replicas.usableRegionsBelow(row.key)).toEqual([])
      await ledger.record({ ...subject, versionKey: row.key }, one, 1)
    })
    const from = { versionKey: '', region: '' }
    const found = await store().read.ledger.unwritten(from, 9)
    expect(found).toMatchObject([{ versionKey: row.key, region: 'westus' }])
    expect(await store().read.ledger.unwritten(found[0] ?? from, 9)).toEqual([])
  })
}
