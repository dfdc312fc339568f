import { expect, it } from 'vitest'
import { type PackId, workOwner } from '../../../src/domain/holdings.ts'
import type { WorkRow } from '../../../src/domain/rows.ts'
import type { SpaceId } from '../../../src/domain/spaces.ts'
import type { WorkRows } from '../../../src/store/store.ts'
import { workRequest } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const request = (subject: string, row: Partial<WorkRow> = {}) =>
  workRequest({ kind: 'Converge', subject, ...row })

export function workPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const work = <Result>(act: (rows: WorkRows) => Promise<Result>) =>
    store().write((rows) => act(rows.work))
  const claim = (nowMs: number, queues: readonly string[] = ['control'], holder = 'h') =>
    work((rows) => rows.claim({ queues, holder, leaseMs: 100, nowMs }))

  async function claimed(nowMs: number): Promise<WorkRow> {
    const row = await claim(nowMs)
    if (!row) throw new Error('something was due')
    return row
  }

  const one = async () => {
    const [row] = await store().read.work.unfinishedOf('a')
    return row
  }

  it('a request is one row for its kind and subject; asked again it aims higher and is woken', async () => {
    await work((rows) => rows.request([request('a'), request('b')], 10))
    const row = await claimed(10)
    const to = { step: 'copy', state: { at: 1 }, wakeMs: 900, attempts: 3 }
    expect(await work((rows) => rows.advance(row.id, row.fence, to))).toBe(true)
    expect(await one()).toMatchObject({ ...to, id: row.id, generation: 1, createdMs: 10 })
    await work((rows) => rows.request([request('a', { generation: 4 })], 20))
    expect(await one()).toMatchObject({ id: row.id, generation: 4, wakeMs: 20, attempts: 0 })
    await work((rows) => rows.request([request('a', { generation: 2 })], 30))
    expect((await one())?.generation).toBe(4)
  })

  it('claims give each due row to exactly one holder', async () => {
    const subjects = Array.from({ length: 30 }, (_, index) => `s${index}`)
    await work((rows) =>
      rows.request(
        subjects.map((subject) => request(subject)),
        10,
      ),
    )
    const claims = await Promise.all(subjects.concat(subjects).map(() => claim(10)))
    const taken = claims.flatMap((row) => row?.subject ?? [])
    expect(taken).toHaveLength(subjects.length)
    expect(new Set(taken)).toEqual(new Set(subjects))
  })

  it('what waited longest is claimed first, never before its time, never from another queue', async () => {
    await work(async (rows) => {
      await rows.request([request('late')], 30)
      await rows.request([request('early', { queue: 'region:a' })], 20)
      await rows.request([request('foreign', { queue: 'region:b' })], 10)
    })
    const queues = ['control', 'region:a']
    expect(await claim(19, queues)).toBeUndefined()
    expect((await claim(30, queues))?.subject).toBe('early')
    expect((await claim(30, queues))?.subject).toBe('late')
    expect(await claim(30, queues)).toBeUndefined()
    expect(await claim(30, [])).toBeUndefined()
  })

  it('who works for very many regions finds what waited longest in any of them', async () => {
    const queues = Array.from({ length: 600 }, (_, at) => `region:${at}`)
    await work((rows) => rows.request([request('young', { queue: 'region:3' })], 20))
    await work((rows) => rows.request([request('old', { queue: 'region:599' })], 10))
    expect(await claim(20, queues)).toMatchObject({ subject: 'old' })
    expect(await claim(20, queues)).toMatchObject({ subject: 'young' })
    expect(await claim(20, queues)).toBeUndefined()
  })

  it('a lease that ran out is claimed by another, and the zombie is refused everywhere', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const zombie = await claimed(10)
    expect(await claim(110)).toBeUndefined()
    const next = await claimed(111)
    expect(next).toMatchObject({ id: zombie.id, fence: zombie.fence + 1 })
    const { id, fence } = zombie
    const to = { step: 'x', state: {}, wakeMs: 0, attempts: 0 }
    await work(async (rows) => {
      expect(await rows.heartbeat(id, fence, 9_999)).toBe('lost')
      expect(await rows.advance(id, fence, to)).toBe(false)
      expect(await rows.proceed(id, fence, to)).toBe(false)
      expect(await rows.finish(id, fence, 9, 120)).toBe(false)
    })
    expect(await store().read.work.get(id)).toEqual(next)
  })

  it('a heartbeat keeps the lease; who gave the row back has none to keep', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const { id, fence } = await claimed(10)
    expect(await work((rows) => rows.heartbeat(id, fence, 500))).toBe('ok')
    expect(await claim(400)).toBeUndefined()
    const to = { step: 'x', state: {}, wakeMs: 400, attempts: 0 }
    expect(await work((rows) => rows.advance(id, fence, to))).toBe(true)
    expect(await work((rows) => rows.heartbeat(id, fence, 9_999))).toBe('lost')
    expect((await claim(400))?.fence).toBe(fence + 1)
  })

  it('the leases of a holder that is known to be gone end now, and no others', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const mine = await claimed(10)
    await work((rows) => rows.request([request('b')], 11))
    const others = await claim(11, ['control'], 'other')
    await work((rows) => rows.abandon('h', 20))
    expect(await claim(20)).toMatchObject({ id: mine.id, fence: mine.fence + 1 })
    expect(await claim(20)).toBeUndefined()
    expect(await work((rows) => rows.heartbeat(mine.id, mine.fence, 500))).toBe('lost')
    expect(await work((rows) => rows.heartbeat(others?.id ?? '', 1, 500))).toBe('ok')
  })

  it('proceeding writes the next step and keeps the lease', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const { id, fence } = await claimed(10)
    const to = { step: 'seal', state: { holdings: [1] } }
    expect(await work((rows) => rows.proceed(id, fence, to))).toBe(true)
    expect(await store().read.work.get(id)).toMatchObject({ ...to, attempts: 0, fence })
    expect(await claim(110)).toBeUndefined()
  })

  it('a wake that comes while the row is held is not slept over', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const { id, fence } = await claimed(10)
    await work((rows) => rows.request([request('a', { generation: 2 })], 20))
    const to = { step: 'wait', state: {}, wakeMs: 9_000, attempts: 5 }
    await work((rows) => rows.advance(id, fence, to))
    expect(await claim(20)).toMatchObject({ step: 'wait', attempts: 0 })
    await work((rows) => rows.advance(id, fence + 1, to))
    expect(await claim(8_999)).toBeUndefined()
  })

  it('steps serve the generation that the first of them began for, whatever was asked since', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const first = await claimed(10)
    await work((rows) => rows.proceed(first.id, first.fence, { step: 'seal', state: {} }))
    await work((rows) => rows.request([request('a', { generation: 2 })], 20))
    // The process dies at `seal`, and the row is claimed again.
    const second = await claimed(200)
    expect(second).toMatchObject({ step: 'seal', generation: 1 })
    const { id, fence, generation } = second
    expect(await work((rows) => rows.finish(id, fence, generation, 210))).toBe(true)
    expect(await claimed(210)).toMatchObject({ step: '', generation: 2 })
  })

  it('work that ends lets go of what it references; a zombie makes it let go of nothing', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const { id, fence } = await claimed(10)
    const owner = workOwner(id)
    const { holdings } = store()
    const space = 'westeurope/Standard_LRS/1' as SpaceId
    const wanted = { space, pack: 'ab' as PackId, key: 'packs/ab/1', sizeBytes: 1 }
    const [holding] = await holdings.intend(owner, [wanted])
    await holdings.landed([holding?.id ?? 0])
    expect(await work((rows) => rows.finish(id, fence - 1, 1, 20))).toBe(false)
    expect(await holdings.heldBy(owner)).toHaveLength(1)
    await work((rows) => rows.request([request('a', { generation: 2 })], 20))
    expect(await work((rows) => rows.finish(id, fence, 1, 20))).toBe(true)
    expect(await holdings.heldBy(owner)).toEqual([])
  })

  it('finished work goes; asked for again meanwhile it starts over', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const first = await claimed(10)
    await work((rows) => rows.proceed(first.id, first.fence, { step: 'seal', state: { a: 1 } }))
    await work((rows) => rows.request([request('a', { generation: 2 })], 20))
    expect(await work((rows) => rows.finish(first.id, first.fence, 1, 30))).toBe(true)
    const again = await claimed(30)
    expect(again).toMatchObject({ id: first.id, step: '', state: {}, generation: 2, cancel: false })
    expect(await work((rows) => rows.finish(again.id, again.fence, 2, 40))).toBe(true)
    expect(await one()).toBeUndefined()
    await work((rows) => rows.request([request('a')], 50))
    expect((await one())?.id).not.toBe(first.id)
  })

  it('a cancel reaches all work of the resource but the excepted kind, and wakes it', async () => {
    await work((rows) =>
      rows.request(
        [request('a'), request('a', { kind: 'Remove' }), request('b', { key: 'b' })],
        10,
      ),
    )
    const held = await claimed(10)
    await work((rows) => rows.advance(held.id, held.fence, { ...held, wakeMs: 900 }))
    await work((rows) => rows.cancelOf('a', 'Remove', 20))
    const all = await store().read.work.unfinishedOf('a')
    expect(all.map((row) => [row.kind, row.cancel])).toEqual([
      ['Converge', true],
      ['Remove', false],
    ])
    expect((await store().read.work.unfinishedOf('b'))[0]?.cancel).toBe(false)
    expect(all[0]?.wakeMs).toBe(20)
  })

  it('a cancelled holder hears it at its heartbeat; a newer request takes the cancel back', async () => {
    await work((rows) => rows.request([request('a')], 10))
    const { id, fence } = await claimed(10)
    await work((rows) => rows.cancelOf('a', undefined, 20))
    expect(await work((rows) => rows.heartbeat(id, fence, 500))).toBe('cancel')
    await work((rows) => rows.request([request('a')], 30))
    expect(await work((rows) => rows.heartbeat(id, fence, 500))).toBe('cancel')
    await work((rows) => rows.request([request('a', { generation: 2 })], 30))
    expect(await work((rows) => rows.heartbeat(id, fence, 500))).toBe('ok')
  })

  it('the next wake is when the first row of these queues becomes claimable', async () => {
    const next = (...queues: string[]) => store().read.work.nextWakeMs(queues)
    expect(await next('control')).toBeUndefined()
    await work((rows) => rows.request([request('a'), request('b', { queue: 'q' })], 10))
    expect(await next('control', 'q')).toBe(10)
    const held = await claimed(10)
    expect(await next('control')).toBe(111)
    await work((rows) => rows.advance(held.id, held.fence, { ...held, wakeMs: 700 }))
    expect(await next('control')).toBe(700)
    expect(await next('control', 'q')).toBe(10)
  })

  it('a resting worker is woken by a request, and by its signal', async () => {
    const ever = 3_600_000
    const resting = store().untilWork(ever, new AbortController().signal)
    await work((rows) => rows.request([request('a')], 10))
    await resting
    const stop = new AbortController()
    const stopped = store().untilWork(ever, stop.signal)
    stop.abort()
    await stopped
    await store().untilWork(1, new AbortController().signal)
  })
}
