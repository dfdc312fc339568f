import { expect, it } from 'vitest'
import { type PackId, workOwner } from '../../../src/domain/holdings.ts'
import type { SpaceId } from '../../../src/domain/spaces.ts'
import type { WatchRows } from '../../../src/store/store.ts'
import { inserting, operationRow, topRow, workRequest } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const one = 'westeurope/Standard_LRS/1' as SpaceId
const other = 'eastus/Standard_LRS/1' as SpaceId

type HoldingPage = Awaited<ReturnType<WatchRows['holdings']>>

export function watchPromises(open: OpenStore): void {
  const { store } = useStore(open)

  it('operations: the unfinished ones with the oldest start, the ended ones by status', async () => {
    await store().write(async ({ operations }) => {
      for (const [id, startedMs] of Object.entries({ a: 300, b: 200, c: 100, d: 50 })) {
        await operations.insert(operationRow({ id, key: id, startedMs }))
      }
      const end = { error: undefined, output: undefined }
      await operations.finish('c', { ...end, status: 'Failed', endedMs: 900 })
      await operations.finish('d', { ...end, status: 'Succeeded', endedMs: 400 })
    })
    expect(await store().watch.operations(500)).toEqual({
      unfinished: 2,
      oldestStartedMs: 200,
      ended: new Map([['Failed', 1]]),
    })
  })

  it('work: rows, held ones and the longest waiting due one by queue and kind', async () => {
    const claim = { queues: ['control'], holder: 'h', leaseMs: 1_000, nowMs: 100 }
    await store().write(async ({ work }) => {
      await work.request([workRequest({ kind: 'A', subject: '1' })], 10)
      await work.request([workRequest({ kind: 'A', subject: '2' })], 20)
      await work.request([workRequest({ kind: 'B', subject: '1', queue: 'region:x' })], 500)
      await work.claim(claim)
    })
    const seen = await store().watch.work(200)
    expect([...seen].sort((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual([
      { queue: 'control', kind: 'A', rows: 2, held: 1, oldestDueMs: 20 },
      { queue: 'region:x', kind: 'B', rows: 1, held: 0, oldestDueMs: undefined },
    ])
  })

  it('holdings: summed page by page, every one in exactly one page', async () => {
    const wanted = Array.from({ length: 7 }, (_, index) => ({
      space: index % 2 === 0 ? one : other,
      pack: `p${index}` as PackId,
      key: `packs/p${index}`,
      sizeBytes: 10 + index,
    }))
    await store().holdings.intend(workOwner('1'), wanted)
    const sums = new Map<string, number>()
    let packs = 0
    let after: number | undefined = 0
    while (after !== undefined) {
      const page: HoldingPage = await store().watch.holdings(after, 2)
      for (const { space, bytes, packs: some } of page.sums) {
        sums.set(space, (sums.get(space) ?? 0) + bytes)
        packs += some
      }
      after = page.next
    }
    expect([packs, Object.fromEntries(sums)]).toEqual([
      7,
      { [one]: 10 + 12 + 14 + 16, [other]: 11 + 13 + 15 },
    ])
  })

  it('an empty store is an empty look', async () => {
    expect(await store().watch.operations(0)).toMatchObject({ unfinished: 0, ended: new Map() })
    expect(await store().watch.work(1)).toEqual([])
    expect(await store().watch.holdings(0, 10)).toEqual({ sums: [], next: undefined })
    expect(await store().watch.spaces()).toEqual([])
  })

  it('counts its commits, and not what it threw away', async () => {
    const before = store().load().commits
    await store().commit(inserting(topRow('one')))
    await store()
      .write(() => Promise.reject(new Error('no')))
      .catch(() => undefined)
    const { commits, retries, connections } = store().load()
    expect([commits - before, retries, connections.inUse]).toEqual([1, 0, 0])
    expect(connections.max).toBeGreaterThan(0)
  })

  it('work carries the correlation id and trace of the request that asked for it', async () => {
    const request = workRequest({ kind: 'A', subject: '1', key: 'k' })
    const work = [request]
    const row = topRow('one')
    const operation = operationRow({ id: 'o', key: row.key, correlationId: 'from-client' })
    await store().commit(inserting(row, { work, operation, trace: '00-a-b-01' }))
    const [asked] = await store().read.work.unfinishedOf('k')
    expect(asked).toMatchObject({ correlationId: 'from-client', trace: '00-a-b-01' })
    await store().write((rows) => rows.work.request([{ ...request, generation: 2 }], 9))
    const [again] = await store().read.work.unfinishedOf('k')
    expect(again).toMatchObject({ generation: 2, correlationId: 'from-client', trace: '00-a-b-01' })
  })
}
