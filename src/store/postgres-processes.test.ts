import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inTurns } from '../../test/support/in-turns.ts'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { inserting, topRow, workRequest } from '../../test/support/store-rows.ts'
import type { Committed } from './change.ts'
import { openPostgresStore } from './postgres.ts'
import type { Store } from './store.ts'

const world = {
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}
const many = (count: number) => Array.from({ length: count }, (_, index) => index)
const queues = ['control', 'region:a', 'region:b']

let one: Store
let other: Store

beforeEach(async () => {
  const url = await freshDatabase()
  one = await openPostgresStore({ url, poolMax: 8, world })
  other = await openPostgresStore({ url, poolMax: 8, world })
})

afterEach(async () => {
  await one.close()
  await other.close()
})

function claim(store: Store, nowMs: number, leaseMs = 60_000) {
  return store.write(({ work }) => work.claim({ queues, holder: 'h', leaseMs, nowMs }))
}

it('workers of two processes claim each row once, and leave none that is due', async () => {
  const requests = many(300).map((index) =>
    workRequest({ kind: 'Converge', subject: `s${index}`, queue: queues[index % 3] ?? '' }),
  )
  await one.write(({ work }) => work.request(requests, 1))
  const nowMs = await one.nowMs()
  const claimed: string[] = []
  const worker = async (store: Store) => {
    for (let row = await claim(store, nowMs); row; row = await claim(store, nowMs)) {
      claimed.push(row.subject)
    }
  }
  await Promise.all([one, other].flatMap((store) => many(6).map(() => worker(store))))
  // A worker may find all heads taken by others and rest; what is left then is found by the next claim.
  await worker(one)
  expect(claimed).toHaveLength(300)
  expect(new Set(claimed).size).toBe(300)
})

it('200 creators of two processes under a limit of 50: exactly 50 rows, counted 50', async () => {
  const counts = [{ scope: 's1', name: 'things', by: 1, limit: 50 }]
  const ends: Committed[] = []
  // More than both have connections; nobody waits for one for as long as a pool lets wait.
  await inTurns(many(200), 40, async (index) => {
    const store = index % 2 === 0 ? one : other
    ends.push(await store.commit(inserting(topRow(`n${index}`), { counts })))
  })
  expect(ends.filter((end) => end.is === 'done')).toHaveLength(50)
  expect(ends.filter((end) => end.is === 'full')).toHaveLength(150)
  const query = { type: 'Test/things', scopes: 'all', after: undefined, rowsMax: 1_000 } as const
  expect((await other.read.resources.list(query)).rows).toHaveLength(50)
  expect(await other.read.counters.of('s1')).toEqual([{ name: 'things', value: 50 }])
})

it('work that one process asks for wakes a worker that rests in another', async () => {
  const resting = other.untilWork(3_600_000, new AbortController().signal)
  await one.write(({ work }) => work.request([workRequest({ kind: 'Converge', subject: 'a' })], 1))
  await resting
  const again = one.untilWork(3_600_000, new AbortController().signal)
  const work = [workRequest({ kind: 'Converge', subject: 'b' })]
  await other.commit(inserting(topRow('b'), { work }))
  await again
})

it('a row whose holder is writing is passed over; once its lease ran out the holder writes no more', async () => {
  await one.write(({ work }) => work.request([workRequest({ kind: 'Converge', subject: 'a' })], 1))
  const nowMs = await one.nowMs()
  const held = await claim(one, nowMs, 10)
  if (!held) throw new Error('it is due')
  await one.write(async ({ work }) => {
    expect((await work.lock(held.id))?.fence).toBe(held.fence)
    expect(await claim(other, nowMs + 60_000)).toBeUndefined()
  })
  const taken = await claim(other, nowMs + 60_000)
  expect(taken?.fence).toBe(held.fence + 1)
  await one.write(async ({ work }) => {
    expect((await work.lock(held.id))?.fence).not.toBe(held.fence)
    expect(await work.finish(held.id, held.fence, 9, nowMs)).toBe(false)
  })
})

it('a request that comes while the work ends is not lost', async () => {
  const request = (generation: number) =>
    workRequest({ kind: 'Converge', subject: 'a', generation })
  for (const round of many(20)) {
    await one.write(({ work }) => work.request([request(1)], 1))
    const row = await claim(one, await one.nowMs())
    if (!row) throw new Error('it is due')
    await Promise.all([
      one.write(({ work }) => work.finish(row.id, row.fence, 1, 1)),
      other.write(({ work }) => work.request([request(2)], 1)),
    ])
    const left = await claim(one, await one.nowMs())
    expect([round, left?.generation]).toEqual([round, 2])
    await one.write(({ work }) => work.finish(left?.id ?? '', left?.fence ?? 0, 2, 1))
  }
})

it('of a parent that goes and a child that comes at once, one wins', async () => {
  for (const round of many(20)) {
    const parent = topRow(`p${round}`)
    const key = `${parent.key}/child`
    const child = { ...topRow('child'), key, id: key, parentKey: parent.key }
    await one.commit(inserting(parent))
    const ends = await Promise.all([
      one.commit({
        ...inserting(parent),
        resource: { is: 'delete', key: parent.key, expectRevision: 1 },
      }),
      other.commit(inserting(child, { guards: [parent.key] })),
    ])
    expect(ends.map((end) => end.is).sort()).toEqual(['done', 'raced'])
  }
})
