import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { LogEvent } from '../../src/base/world.ts'
import { limits } from '../../src/domain/limits.ts'
import type { WorkRow } from '../../src/domain/rows.ts'
import { type RunnerOptions, runWork } from '../../src/runner/runner.ts'
import type { Running, Step, Work } from '../../src/runner/work.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'

/**
 * A store of its own for each test of a file, and runners on it that are stopped behind it. Their clock moves over every
 * rest at once, unless the test moves it; heartbeats come when the test says.
 */
export function useRunners({ movesOverRests }: { readonly movesOverRests: boolean }) {
  const clock = { nowMs: 1_000_000 }
  const logged: LogEvent[] = []
  const world = {
    now: () => new Date(clock.nowMs),
    id: () => crypto.randomUUID(),
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted()
      if (movesOverRests) clock.nowMs += ms
      await turn()
    },
    log: (event: LogEvent) => void logged.push(event),
  }
  const runners: { stop(): Promise<void> }[] = []
  let opened: Store | undefined

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    logged.length = 0
    opened = await openSqliteStore({ path: ':memory:', world })
  })
  afterEach(async () => {
    for (const runner of runners.splice(0)) await runner.stop()
    await opened?.close()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  function store(): Store {
    if (!opened) throw new Error('the store is opened before each test')
    return opened
  }

  function run(
    work: Work,
    options: {
      holder?: string
      atOnce?: number
      store?: Store
      others?: RunnerOptions['others']
    } = {},
  ) {
    const stopping = new AbortController()
    const { holder = 'one', atOnce = 1, others = [] } = options
    const using = options.store ?? store()
    const over = runWork(
      {
        store: using,
        world,
        kinds: [work],
        holder,
        hands: { queues: ['control'], atOnce },
        others,
      },
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
    await store().write((rows) => rows.work.request([request], clock.nowMs))
  }

  async function rowOf(subject = 'a'): Promise<WorkRow | undefined> {
    return (await store().read.work.unfinishedOf(subject))[0]
  }

  async function gone(subject = 'a'): Promise<void> {
    const isGone = async () => expect(await rowOf(subject)).toBeUndefined()
    await vi.waitFor(isGone, { timeout: 30_000 })
  }

  return { clock, logged, store, run, ask, rowOf, gone }
}

/** A kind of work whose ends are noted. */
export function workOf(steps: Record<string, Step>) {
  const ends: string[] = []
  const work: Work = {
    kind: 'Try',
    steps,
    failed: async (_rows, row, { problem }) =>
      void ends.push(`${row.subject} failed: ${problem.code} ${problem.message}`),
    stopped: async (_rows, row) => void ends.push(`${row.subject} stopped`),
  }
  return { work, ends }
}

/** A step that says when it began and goes on when it is let. */
export function gate() {
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

export async function heartbeat(): Promise<void> {
  await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
}
