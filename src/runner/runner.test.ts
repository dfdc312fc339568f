import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogEvent } from '../base/world.ts'
import { ArmError, SpaceFull } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { WorkRow } from '../domain/rows.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { runWork } from './runner.ts'
import { LeaseLost, type Running, type Step, type Work } from './work.ts'

/** Moves over every rest of a runner at once, unless the test moves it. */
const clock: { nowMs: number; movesOverRests: boolean } = {
  nowMs: 1_000_000,
  movesOverRests: true,
}
const logged: LogEvent[] = []
const world = {
  now: () => new Date(clock.nowMs),
  id: () => crypto.randomUUID(),
  sleep: async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted()
    if (clock.movesOverRests) clock.nowMs += ms
    await turn()
  },
  log: (event: LogEvent) => void logged.push(event),
}

let store: Store
const runners: { stop(): Promise<void> }[] = []

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  logged.length = 0
  clock.movesOverRests = true
  store = await openSqliteStore({ path: ':memory:', world })
})
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop()
  await store.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A kind of work whose ends are noted. */
function workOf(steps: Record<string, Step>) {
  const ends: string[] = []
  const work: Work = {
    kind: 'Try',
    steps,
    failed: async (_rows, row, problem: Problem) =>
      void ends.push(`${row.subject} failed: ${problem.code} ${problem.message}`),
    stopped: async (_rows, row) => void ends.push(`${row.subject} stopped`),
  }
  return { work, ends }
}

function run(work: Work, options: { holder?: string; atOnce?: number; store?: Store } = {}) {
  const stopping = new AbortController()
  const { holder = 'one', atOnce = 1 } = options
  const using = options.store ?? store
  const over = runWork(
    { store: using, world, kinds: [work], holder, queues: ['control'], atOnce },
    stopping.signal,
  )
  const stop = async () => {
    stopping.abort(new Error('shutdown'))
    await over
  }
  runners.push({ stop })
  return { stop }
}

async function ask(subject = 'a', generation = 1): Promise<void> {
  const request = { kind: 'Try', subject, queue: 'control', generation, key: subject }
  await store.write((rows) => rows.work.request([request], clock.nowMs))
}

async function rowOf(subject = 'a'): Promise<WorkRow | undefined> {
  return (await store.read.work.unfinishedOf(subject))[0]
}

async function gone(subject = 'a'): Promise<void> {
  await vi.waitFor(async () => expect(await rowOf(subject)).toBeUndefined())
}

/** A step that says when it began and goes on when it is let. */
function gate() {
  const begun = Promise.withResolvers<Running>()
  const open = Promise.withResolvers<void>()
  return {
    begun: begun.promise,
    open: () => open.resolve(),
    pass: async (running: Running): Promise<void> => {
      begun.resolve(running)
      await open.promise
    },
  }
}

async function heartbeat(): Promise<void> {
  await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
}

describe('steps', () => {
  it('run in their order, each with what the one before returned, and the row ends with the last', async () => {
    const seen: unknown[] = []
    const { work, ends } = workOf({
      first: async ({ state }) => ({ is: 'next', state: { ...state, first: 1 } }),
      second: async ({ row, state }) => {
        seen.push([row.step, (await store.read.work.get(row.id))?.step, state])
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

  it('of the world are tried again with growing pauses, then failed once with its own words', async () => {
    const { work, ends, attempts } = failing(() => new SpaceFull('no room left in x'))
    const startMs = clock.nowMs
    await ask()
    run(work)
    await gone()
    expect(attempts()).toBe(limits.stepAttemptsMax)
    expect(clock.nowMs - startMs).toBeGreaterThan(60_000)
    expect(ends).toEqual(['a failed: StorageFull no room left in x'])
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

  it('of another release, a step that is not known, fail with a reason', async () => {
    const { work, ends } = workOf({ only: async () => ({ is: 'done' }) })
    await ask()
    await store.write(async (rows) => {
      const claim = { queues: ['control'], holder: 'x', leaseMs: 1, nowMs: clock.nowMs }
      const { id = '', fence = 0 } = (await rows.work.claim(claim)) ?? {}
      const to = { step: 'from-the-future', state: {}, wakeMs: clock.nowMs, attempts: 0 }
      await rows.work.advance(id, fence, to)
    })
    run(work)
    await gone()
    expect(ends[0]).toContain("Try has no step 'from-the-future'")
  })

  it('of the database leave the row to its lease, and the runner goes on', async () => {
    const disk: { isBroken: boolean } = { isBroken: false }
    const flaky: Store = {
      ...store,
      write: (act) => {
        if (disk.isBroken) return Promise.reject(new Error('disk I/O error'))
        return store.write(act)
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
    await vi.waitFor(() => expect(logged.some(({ event }) => event === 'work-dropped')).toBe(true))
    disk.isBroken = false
    await gone()
    expect(runs).toBe(2)
    expect(ends).toEqual([])
  })
})

describe('rows are taken away', () => {
  beforeEach(() => {
    clock.movesOverRests = false
  })

  it('a cancel stops the step at the next heartbeat, and is told once', async () => {
    const { work, ends } = workOf({
      only: ({ signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve()
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    run(work)
    await begun.promise
    await store.write((rows) => rows.work.cancelOf('a', undefined, clock.nowMs))
    expect(ends).toEqual([])
    await heartbeat()
    await gone()
    expect(ends).toEqual(['a stopped'])
  })

  it('what was cancelled before it was claimed does not begin', async () => {
    let begun = 0
    const { work, ends } = workOf({
      only: async () => {
        begun += 1
        return { is: 'done' }
      },
    })
    await ask()
    await store.write((rows) => rows.work.cancelOf('a', undefined, clock.nowMs))
    run(work)
    await gone()
    expect([begun, ends]).toEqual([0, ['a stopped']])
  })

  it('a zombie whose lease ran out writes nothing and ends nothing', async () => {
    const [slow, quick] = [gate(), gate()]
    const gates = [slow, quick]
    const { work, ends } = workOf({
      only: async (running) => {
        const mine = gates.shift()
        await mine?.pass(running)
        if (mine === slow) throw new ArmError('Conflict', 'said by a zombie')
        return { is: 'next', state: { by: 'the second' } }
      },
      last: async ({ state }) => {
        await end.pass({ state } as Running)
        return { is: 'done' }
      },
    })
    const end = gate()
    await ask()
    run(work, { holder: 'first' })
    const zombie = await slow.begun
    clock.nowMs += limits.leaseMs + 1
    run(work, { holder: 'second' })
    const second = await quick.begun
    expect(second.row.fence).toBe(zombie.row.fence + 1)
    const late = zombie.write(({ claims }) => claims.take('by a zombie', 'zombie'))
    await expect(late).rejects.toThrow(LeaseLost)
    slow.open()
    await turn()
    quick.open()
    expect(await end.begun).toMatchObject({ state: { by: 'the second' } })
    end.open()
    await gone()
    expect(await store.read.claims.holderOf('by a zombie')).toBeUndefined()
    expect(ends).toEqual([])
  })

  it('a worker hears at its heartbeat that it lost the row', async () => {
    const reasons: unknown[] = []
    const { work } = workOf({
      only: ({ row, signal }) =>
        new Promise((resolve) => {
          if (row.fence > 1) return resolve({ is: 'done' })
          begun.resolve()
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            resolve({ is: 'done' })
          })
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    run(work, { holder: 'first' })
    await begun.promise
    clock.nowMs += limits.leaseMs + 1
    run(work, { holder: 'second' })
    await gone()
    await heartbeat()
    await vi.waitFor(() => expect(reasons).toHaveLength(1))
    expect(reasons[0]).toBeInstanceOf(LeaseLost)
  })

  it('heartbeats keep the row as long as its step runs', async () => {
    const slow = gate()
    let begun = 0
    const { work } = workOf({
      only: async (running) => {
        begun += 1
        await slow.pass(running)
        return { is: 'done' }
      },
    })
    await ask()
    run(work, { holder: 'first' })
    await slow.begun
    run(work, { holder: 'second' })
    for (let beats = 0; beats < 5; beats++) {
      clock.nowMs += limits.leaseMs / 2
      await heartbeat()
      await turn()
    }
    slow.open()
    await gone()
    expect(begun).toBe(1)
  })

  it('a shutdown gives the row back at once, at its step, with its attempts', async () => {
    const { work, ends } = workOf({
      first: async () => ({ is: 'next', state: { kept: true } }),
      second: ({ signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve()
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    })
    const begun = Promise.withResolvers<void>()
    await ask()
    const { stop } = run(work)
    await begun.promise
    await stop()
    expect(await rowOf()).toMatchObject({ step: 'second', state: { kept: true }, attempts: 0 })
    const claim = { queues: ['control'], holder: 'x', leaseMs: 1, nowMs: clock.nowMs }
    expect(await store.write((rows) => rows.work.claim(claim))).toMatchObject({ subject: 'a' })
    expect(ends).toEqual([])
  })

  it('a start frees what the same holder left leased, and nothing of others', async () => {
    const { work } = workOf({ only: async () => ({ is: 'done' }) })
    await ask('mine')
    await store.write((rows) =>
      rows.work.claim({ queues: ['control'], holder: 'one', leaseMs: 1e9, nowMs: clock.nowMs }),
    )
    await ask('theirs')
    await store.write((rows) =>
      rows.work.claim({ queues: ['control'], holder: 'two', leaseMs: 1e9, nowMs: clock.nowMs }),
    )
    run(work, { holder: 'one' })
    await gone('mine')
    expect(await rowOf('theirs')).toBeDefined()
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
