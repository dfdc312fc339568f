import { expect, it } from 'vitest'
import { type EventRow, eventIdOf } from '../../../src/domain/events.ts'
import { inserting, operationRow, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const group = '/subscriptions/s1/resourceGroups/G'

function event(atMs: number, row: Partial<EventRow> = {}): EventRow {
  return {
    ...{ id: eventIdOf('ended', atMs), atMs, subscription: 's1', kind: 'operation' },
    ...{ resourceId: group, action: 'Test/things/write', status: 'Succeeded', error: undefined },
    ...{ operationId: 'o', correlationId: 'c', principalId: 'p', name: 'n', tenantId: 't' },
    about: {},
    ...row,
  }
}

const asked = { action: 'Test/things/write', resourceId: `${group}/x`, name: 'n', tenantId: 't' }

export function eventPromises(open: OpenStore): void {
  const { store } = useStore(open)
  type Query = Parameters<ReturnType<typeof store>['read']['events']['list']>[0]
  const list = async (query: Partial<Query> = {}) => {
    const every = { subscription: 's1', sinceMs: 0, untilMs: 1_000, after: undefined, rowsMax: 9 }
    return await store().read.events.list({ ...every, ...query })
  }

  /** Numbers all; answers how many had none. */
  async function numbered(): Promise<number> {
    let all = 0
    for (;;) {
      const some = await store().write((rows) => rows.events.number(7))
      all += some
      if (some < 7) return all
    }
  }

  it('are listed newest first, in pages, of a time, and by what is asked of them', async () => {
    const rows = [
      event(1),
      event(2, { resourceId: `${group}/a`, correlationId: 'other' }),
      event(3, { resourceId: `${group}2`, action: 'Microsoft.Compute/disks/write' }),
      event(4, { status: 'Failed', error: { code: 'Bad', message: 'Because.' } }),
      event(5, { name: 'ann', about: { region: 'westeurope', list: [1, null] } }),
    ]
    const [one, two, three, four, five] = rows
    await store().write(({ events }) =>
      events.add([...rows, event(6, { subscription: 's2' }), event(1_000)]),
    )
    expect((await list()).rows).toEqual([five, four, three, two, one])
    const page = await list({ rowsMax: 2 })
    expect(page.rows).toEqual([five, four])
    const rest = await list({ after: page.next })
    expect(rest).toEqual({ rows: [three, two, one], next: undefined })
    expect((await list({ sinceMs: 2, untilMs: 4 })).rows).toEqual([three, two])
    const within = [group.toLowerCase()]
    expect((await list({ within, rowsMax: 4 })).rows).toEqual([five, four, two, one])
    expect((await list({ within: [] })).rows).toEqual([])
    expect((await list({ correlationId: 'other' })).rows).toEqual([two])
    expect((await list({ by: 'ann' })).rows).toEqual([five])
    expect((await list({ status: 'Failed' })).rows).toEqual([four])
    expect((await list({ provider: 'microsoft.compute' })).rows).toEqual([three])
  })

  it('an operation is told when it is accepted and once when it ends, by the name of who asked', async () => {
    const { row, operation } = { row: topRow('a'), operation: { id: 'op', asked } }
    const accepted = operationRow({ ...operation, key: row.key, startedMs: 5 })
    expect(await store().commit(inserting(row, { operation: accepted }))).toEqual({ is: 'done' })
    const error = { code: 'Conflict', message: 'It is so.' }
    const end = { status: 'Failed', error, output: undefined, endedMs: 9 } as const
    await store().write(({ operations }) => operations.finish('op', end))
    await store().write(({ operations }) => operations.finish('op', { ...end, endedMs: 10 }))
    const { rows } = await list()
    expect(rows.map(({ status, atMs }) => [status, atMs])).toEqual([
      ['Failed', 9],
      ['Accepted', 5],
    ])
    const told = { ...asked, operationId: 'op', correlationId: 'c1', principalId: 'p1' }
    expect(rows[0]).toMatchObject({ ...told, error, about: { verb: 'create' } })
    expect(rows[1]).toMatchObject({ ...told, error: undefined })
  })

  it('what does not happen is not told, and what is done at once is told once', async () => {
    const done = { asked, status: 'Succeeded', startedMs: 7, endedMs: 7 } as const
    const write = (id: string) =>
      inserting(topRow('b'), { operation: operationRow({ id, key: topRow('b').key, ...done }) })
    expect(await store().commit(write('o1'))).toEqual({ is: 'done' })
    expect(await store().commit(write('o2'))).toEqual({ is: 'raced' })
    const { rows } = await list()
    expect(rows.map(({ operationId, status }) => [operationId, status])).toEqual([
      ['o1', 'Succeeded'],
    ])
  })

  it('numbers are given after the commit: no reader of a cursor misses one of many writers', async () => {
    const writers = 12
    const each = 10
    const seen: number[] = []
    const told = new Set<string>()
    const written = new AbortController()
    const readAll = async () => {
      await numbered()
      const page = await store().read.events.after(seen.at(-1) ?? 0, 50)
      for (const { seq, id } of page) {
        seen.push(seq)
        told.add(id)
      }
      return page.length
    }
    const reading = (async () => {
      while (!written.signal.aborted) await readAll()
      while ((await readAll()) > 0);
    })()
    // Another one that numbers at the same time gives none twice.
    const another = (async () => {
      while (!written.signal.aborted) await numbered()
    })()
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let at = 0; at < each; at++) {
          const id = eventIdOf('ended', writer, at)
          await store().write(({ events }) => events.add([event(at, { id })]))
        }
      }),
    )
    written.abort()
    await Promise.all([reading, another])
    expect(told.size).toBe(writers * each)
    expect(seen).toEqual(Array.from({ length: writers * each }, (_, at) => at + 1))
    expect(await store().read.events.last()).toBe(writers * each)
    expect(await store().read.events.isBehind()).toBe(false)
  })

  it('of one millisecond what led to another is numbered before it', async () => {
    const operation = operationRow({ id: 'op', key: 'k', startedMs: 5, asked })
    await store().write(({ operations }) => operations.insert(operation))
    const end = { status: 'Succeeded', error: undefined, output: undefined, endedMs: 5 } as const
    await store().write(({ operations }) => operations.finish('op', end))
    expect(await store().read.events.isBehind()).toBe(true)
    expect(await numbered()).toBe(2)
    const read = await store().read.events.after(0, 9)
    expect(read.map(({ seq, status }) => [seq, status])).toEqual([
      [1, 'Accepted'],
      [2, 'Succeeded'],
    ])
  })

  it('old ones are forgotten a page at a time, none before it has its number, and numbers go on', async () => {
    await store().write(({ events }) => events.add([1, 2, 3, 9].map((atMs) => event(atMs))))
    const prune = () => store().write(({ events }) => events.prune(9, 2))
    expect(await prune()).toBe(0)
    expect(await numbered()).toBe(4)
    expect([await prune(), await store().read.events.forgotten()]).toEqual([2, 2])
    expect([await prune(), await prune()]).toEqual([1, 0])
    expect(await store().read.events.forgotten()).toBe(3)
    expect((await list()).rows).toEqual([event(9)])
    await store().write(({ events }) => events.add([event(10), event(10)]))
    expect(await numbered()).toBe(1)
    expect((await store().read.events.after(4, 9)).map(({ seq }) => seq)).toEqual([5])
  })
}
