import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { useRunners, workOf } from '../../test/support/use-runners.ts'
import { ArmError, RegionAway, SpaceFull, Unavailable } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Store } from '../store/store.ts'
import type { Step } from './work.ts'

const { clock, logged, store, run, ask, rowOf, gone } = useRunners({ movesOverRests: true })

describe('steps', () => {
  it('run in their order, each with what the one before returned, and the row ends with the last', async () => {
    const seen: unknown[] = []
    const { work, ends } = workOf({
      first: async ({ state }) => ({ is: 'next', state: { ...state, first: 1 } }),
      second: async ({ row, state }) => {
        seen.push([row.step, (await store().read.work.get(row.id))?.step, state])
        return { is: 'next', state: {} }
      },
    })
    await ask()
    run(work)
    await gone()
    expect(seen).toEqual([['second', 'second', { first: 1 }]])
    expect(ends).toEqual([])
  })

  it('wait for as long as they say, in the same step, and may end the row early', async () => {
    const atMs: number[] = []
    const { work } = workOf({
      only: async ({ state }) => {
        atMs.push(clock.nowMs)
        if (state.again === 'no') return { is: 'done' }
        return { is: 'wait', state: { again: 'no' }, forMs: 5_000 }
      },
      never: () => Promise.reject(new Error('after done comes nothing')),
    })
    await ask()
    run(work)
    await gone()
    expect(atMs).toHaveLength(2)
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThanOrEqual(5_000)
  })

  it('begin again from the first when the subject was asked for anew meanwhile', async () => {
    const generations: number[] = []
    const { work } = workOf({
      only: async ({ row }) => {
        generations.push(row.generation)
        if (row.generation === 1) await ask('a', 2)
        return { is: 'done' }
      },
    })
    await ask()
    run(work)
    await gone()
    expect(generations).toEqual([1, 2])
  })
})

describe('faults', () => {
  const failing = (error: () => Error) => {
    let attempts = 0
    const made = workOf({
      only: async () => {
        attempts += 1
        throw error()
      },
    })
    return { ...made, attempts: () => attempts }
  }

  it('of the caller are final at once', async () => {
    const { work, ends, attempts } = failing(() => new ArmError('InvalidDisk', 'no disk'))
    await ask()
    run(work)
    await gone()
    expect(attempts()).toBe(1)
    expect(ends).toEqual(['a failed: InvalidDisk no disk'])
  })

  it('never end a duty: it rests, is told, and begins again', async () => {
    for (const error of [
      new ArmError('ImageDamaged', 'bad'),
      new Unavailable('x is away'),
      new TypeError('ours'),
    ]) {
      const subject = error.message
      const { work, ends, attempts } = failing(() => error)
      await ask(subject)
      const { stop } = run({ ...work, isRecurring: true })
      const told = () =>
        logged.filter((one) => one.event === 'duty-failed' && one.subject === subject)
      await vi.waitFor(() => expect(told().length).toBeGreaterThan(1), { timeout: 30_000 })
      await stop()
      expect(attempts()).toBeGreaterThan(1)
      expect(await rowOf(subject)).toMatchObject({ step: '' })
      expect(ends).toEqual([])
    }
  })

  it('of the world are tried again for ten minutes, then failed once with its own words', async () => {
    const { work, ends, attempts } = failing(() => new Unavailable('x is away'))
    const startMs = clock.nowMs
    await ask()
    run(work)
    await gone()
    expect(attempts()).toBe(limits.stepAttemptsMax)
    expect(clock.nowMs - startMs).toBeGreaterThan(600_000)
    expect(ends).toEqual([
      expect.stringMatching(/^a failed: ServiceUnavailable A part that is needed is away/),
    ])
  })

  it('of a full space are tried a few times, and told soon', async () => {
    const { work, ends, attempts } = failing(() => new SpaceFull('/data/x is full'))
    await ask()
    run(work)
    await gone()
    expect(attempts()).toBe(limits.fullAttemptsMax)
    expect(ends).toEqual([
      expect.stringMatching(/^a failed: StorageFull There is no room left in a/),
    ])
  })

  it('of our own are tried fewer times, then failed with the number that finds them in the log', async () => {
    const { work, ends, attempts } = failing(() => new TypeError('not a function'))
    await ask()
    const { id } = (await rowOf()) ?? {}
    run(work)
    await gone()
    expect(attempts()).toBe(limits.ownFaultAttemptsMax)
    expect(ends).toHaveLength(1)
    expect(ends[0]).toContain(`InternalServerError`)
    expect(ends[0]).toContain(`work ${id}`)
    const told = logged.filter(({ event, work: at }) => event === 'step-failed' && at === id)
    expect(told).toHaveLength(limits.ownFaultAttemptsMax)
  })

  it('count from nothing again after a step that went well', async () => {
    let attempts = 0
    const faulty: Step = async () => {
      attempts += 1
      if (attempts % 3 !== 0) throw new TypeError('now and then')
      return { is: 'next', state: {} }
    }
    const { work, ends } = workOf({
      first: faulty,
      second: faulty,
    })
    await ask()
    run(work)
    await gone()
    expect(attempts).toBe(6)
    expect(ends).toEqual([])
  })

  it('that a step returns end the row with that problem', async () => {
    const problem = { code: 'Conflict', message: 'does not fit' } as const
    const { work, ends } = workOf({ only: async () => ({ is: 'failed', problem }) })
    await ask()
    run(work)
    await gone()
    expect(ends).toEqual(['a failed: Conflict does not fit'])
  })

  it('of another release, a step that is not known, stay for its workers', async () => {
    const { work, ends } = workOf({ only: async () => ({ is: 'done' }) })
    await ask()
    await store().write(async (rows) => {
      const claim = { queues: ['control'], holder: 'x', leaseMs: 1, nowMs: clock.nowMs }
      const { id = '', fence = 0 } = (await rows.work.claim(claim)) ?? {}
      const to = { step: 'from-the-future', state: {}, wakeMs: clock.nowMs, attempts: 0 }
      await rows.work.advance(id, fence, to)
    })
    const old = run(work)
    const left = () => logged.filter(({ event }) => event === 'work-of-another-release')
    await vi.waitUntil(() => left().length > 30, { timeout: 30_000 })
    await old.stop()
    expect(ends).toEqual([])
    run({ ...work, steps: { 'from-the-future': async () => ({ is: 'done' }) } })
    await gone()
  })

  it('of a region that is away are no attempts: it waits, and says so, until the region returns', async () => {
    let tries = 0
    const { work, ends } = workOf({
      only: async () => {
        tries += 1
        if (tries > 3 * limits.stepAttemptsMax) return { is: 'done' }
        throw new RegionAway('west is out of reach')
      },
    })
    let waits = 0
    await ask()
    run({
      ...work,
      waits: async () => {
        waits += 1
      },
    })
    await gone()
    expect(ends).toEqual([])
    expect(waits).toBe(3 * limits.stepAttemptsMax)
  })

  it('of another release, a kind that is not known, stay for its workers', async () => {
    const { work } = workOf({ only: async () => ({ is: 'done' }) })
    await ask()
    const sent = run({ ...work, kind: 'Later' })
    const left = () => logged.filter(({ event }) => event === 'work-of-another-release')
    await vi.waitUntil(() => left().length > 2, { timeout: 30_000 })
    await sent.stop()
    expect(await rowOf()).toBeDefined()
    run(work)
    await gone()
  })

  it('of the database leave the row to its lease, and the runner goes on', async () => {
    const disk: { isBroken: boolean } = { isBroken: false }
    const flaky: Store = {
      ...store(),
      write: (act) => {
        if (disk.isBroken) return Promise.reject(new Error('disk I/O error'))
        return store().write(act)
      },
    }
    let runs = 0
    const { work, ends } = workOf({
      only: async () => {
        runs += 1
        if (runs > 1) return { is: 'done' }
        disk.isBroken = true
        throw new SpaceFull('and its failure cannot be written down')
      },
    })
    await ask()
    run(work, { store: flaky })
    const isDropped = () => expect(logged.some(({ event }) => event === 'work-dropped')).toBe(true)
    await vi.waitFor(isDropped, { timeout: 30_000 })
    disk.isBroken = false
    await gone()
    expect(runs).toBe(2)
    expect(ends).toEqual([])
  })
})

it('two runners never have one row in hand at the same time', async () => {
  const running = new Set<string>()
  const overlaps: string[] = []
  const runs = new Map<string, number>()
  const { work } = workOf({
    only: async ({ row }) => {
      if (running.has(row.subject)) overlaps.push(row.subject)
      running.add(row.subject)
      for (let turns = 0; turns < 3; turns++) await turn()
      running.delete(row.subject)
      const times = (runs.get(row.subject) ?? 0) + 1
      runs.set(row.subject, times)
      return times < 3 ? { is: 'wait', state: {}, forMs: 10 } : { is: 'done' }
    },
  })
  const subjects = Array.from({ length: 40 }, (_, index) => `s${index}`)
  for (const subject of subjects) await ask(subject)
  run(work, { holder: 'first', atOnce: 4 })
  run(work, { holder: 'second', atOnce: 4 })
  for (const subject of subjects) await gone(subject)
  expect(overlaps).toEqual([])
  expect([...runs.values()]).toEqual(subjects.map(() => 3))
})
