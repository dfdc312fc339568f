import { mapBounded } from '../base/bounded.ts'
import type { World } from '../base/world.ts'
import { ArmError, RegionAway, SpaceFull, Unavailable } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Problem } from '../domain/problem.ts'
import type { WorkRow } from '../domain/rows.ts'
import type { Rows, Store } from '../store/store.ts'
import { openWakes } from '../store/wakes.ts'
import { LeaseLost, type Outcome, type Running, type Work } from './work.ts'

export type RunnerOptions = {
  readonly store: Store
  readonly world: World
  readonly kinds: readonly Work[]
  /** The name under which rows are leased. A fixed one says that no other process uses it: its old leases end at start. */
  readonly holder: string
  readonly hands: Hands
  /** Of work that `elsewhere` hands on: what comes from other processes is seen with the next heartbeat. */
  readonly others?: readonly Hands[]
}

type Hands = {
  /** Which rows they may claim: `control`, `region:westeurope`, … */
  readonly queues: readonly string[]
  /** Rows in hand at the same time. */
  readonly atOnce: number
}

/** What the functions of a running runner are given. */
type Runner = RunnerOptions & {
  /** A row was handed on. */
  handedOn(): void
}

/** Between two looks whether a region has returned. */
const regionAwayMs = 10_000

/** How long work that this release does not know is left to others, each time. */
const otherReleaseMs = 10_000

/** How long a duty rests that would have ended badly. */
const dutyRestMs = 10 * 60_000

/** Why the step's signal fired. */
const stop = { cancel: new Error('told to stop'), lost: new LeaseLost('lease lost') }

/**
 * Claims rows and runs their steps until `signal` fires; resolves when the steps in hand have ended. A row that is dropped
 * halfway (crash, kill) is claimed again by anyone when its lease has run out, and repeats its step.
 */
export async function runWork(options: RunnerOptions, signal: AbortSignal): Promise<void> {
  const { store, world, holder, hands, others = [] } = options
  const kinds = new Map(options.kinds.map((work) => [work.kind, work]))
  const wakes = openWakes(world)
  const runner: Runner = { ...options, handedOn: wakes.wake }

  async function loop(queues: Hands['queues'], rest: Store['untilWork']): Promise<void> {
    while (!signal.aborted) {
      const claimed = await claimOrRest(queues, rest)
      if (claimed) await runOrDrop(claimed)
    }
  }

  /** When not even a failure can be written down, the row is left to its lease: this runner goes on. */
  async function runOrDrop(row: WorkRow): Promise<void> {
    try {
      const work = kinds.get(row.kind)
      await (work ? runRow(runner, work, row, signal) : leaveToOthers(runner, row))
    } catch (error) {
      const told = { ...nameOf(row), error: String(error) }
      world.log({ level: 'error', event: 'work-dropped', ...told })
      await world.sleep(1_000, signal).catch(() => undefined)
    }
  }

  async function claimOrRest(
    queues: Hands['queues'],
    rest: Store['untilWork'],
  ): Promise<WorkRow | undefined> {
    try {
      const nowMs = await store.nowMs()
      const row = await store.write((rows) =>
        rows.work.claim({ queues, holder, leaseMs: limits.leaseMs, nowMs }),
      )
      if (row) return row
      const wakeMs = await store.read.work.nextWakeMs(queues)
      const restMs = Math.max(1, Math.min((wakeMs ?? Infinity) - nowMs, limits.heartbeatMs))
      await rest(restMs, signal)
    } catch (error) {
      if (signal.aborted) return undefined
      world.log({ level: 'error', event: 'claim-failed', error: String(error) })
      await world.sleep(1_000, signal).catch(() => undefined)
    }
    return undefined
  }

  const startedMs = await store.nowMs()
  await store.write((rows) => rows.work.abandon(holder, startedMs))
  const loops = [hands, ...others].flatMap(({ queues, atOnce }, at) =>
    Array.from(
      { length: atOnce },
      () => () => loop(queues, at === 0 ? store.untilWork : wakes.until),
    ),
  )
  await mapBounded(loops, loops.length, (run) => run())
}

/** Runs the steps of a claimed row, one after another, until it ends, waits, fails or is taken away. */
async function runRow(
  options: Runner,
  work: Work,
  claimed: WorkRow,
  shutdown: AbortSignal,
): Promise<void> {
  let row: WorkRow | undefined = claimed
  while (row && !shutdown.aborted) row = await runStep(options, work, row, shutdown)
  if (row) await giveBack(options, row)
}

/** The row as the next step finds it; undefined when it is out of our hands. */
async function runStep(
  options: Runner,
  work: Work,
  row: WorkRow,
  shutdown: AbortSignal,
): Promise<WorkRow | undefined> {
  const { store, world } = options
  const names = Object.keys(work.steps)
  const name = row.step === '' ? names[0] : row.step
  const step = name === undefined ? undefined : work.steps[name]
  if (!step || name === undefined) return leaveToOthers(options, row)
  const halt = new AbortController()
  const heart = beat(options, row, halt)
  const signal = AbortSignal.any([halt.signal, shutdown])
  try {
    if (row.cancel) throw stop.cancel
    const outcome = await step({ row, state: row.state, signal, write: fenced(store, row) })
    return await settleOutcome(options, work, { ...row, step: name }, outcome, names)
  } catch (error) {
    if (shutdown.aborted && !halt.signal.aborted) return row
    const cause = halt.signal.aborted ? halt.signal.reason : error
    if (cause instanceof LeaseLost) {
      world.log({ level: 'warn', event: 'lease-lost', ...nameOf(row) })
      return undefined
    }
    if (cause === stop.cancel) return endStopped(options, work, row)
    return afterFault(options, work, { ...row, step: name }, error)
  } finally {
    heart.stop()
  }
}

async function settleOutcome(
  options: Runner,
  work: Work,
  row: WorkRow,
  outcome: Outcome,
  names: readonly string[],
): Promise<WorkRow | undefined> {
  switch (outcome.is) {
    case 'failed':
      return endBadly(options, work, row, outcome.problem)
    case 'done':
      return end(options, row)
    case 'wait': {
      const wakeMs = (await options.store.nowMs()) + outcome.forMs
      await advance(options, row, { step: row.step, state: outcome.state, wakeMs, attempts: 0 })
      return undefined
    }
    case 'elsewhere': {
      const { queue, state } = outcome
      const wakeMs = await options.store.nowMs()
      await advance(options, row, { step: row.step, state, wakeMs, attempts: 0, queue })
      options.handedOn()
      return undefined
    }
    case 'next': {
      const next = names[names.indexOf(row.step) + 1]
      if (next === undefined) return end(options, row)
      return keepGoing(options, row, { step: next, state: outcome.state })
    }
  }
}

/** Writes the next step before it starts: what a step returned is durable from here on. */
async function keepGoing(
  { store }: RunnerOptions,
  row: WorkRow,
  to: Pick<WorkRow, 'step' | 'state'>,
): Promise<WorkRow | undefined> {
  const kept = await store.write((rows) => rows.work.proceed(row.id, row.fence, to))
  return kept ? { ...row, ...to, attempts: 0 } : undefined
}

type Advance = Parameters<Rows['work']['advance']>[2]

function advance({ store }: RunnerOptions, row: WorkRow, to: Advance): Promise<boolean> {
  return store.write((rows) => rows.work.advance(row.id, row.fence, to))
}

/** A kind or step that only another release knows: its workers take it. Without an end, since nobody here knows how to end it. */
async function leaveToOthers(options: RunnerOptions, row: WorkRow): Promise<undefined> {
  options.world.log({ level: 'warn', event: 'work-of-another-release', ...nameOf(row) })
  const { step, state, attempts } = row
  const wakeMs = (await options.store.nowMs()) + otherReleaseMs
  await advance(options, row, { step, state, wakeMs, attempts })
}

/** Stopping for a shutdown: the row is claimable at once, at the step it is in. */
async function giveBack(options: RunnerOptions, row: WorkRow): Promise<void> {
  const { step, state, attempts } = row
  const wakeMs = await options.store.nowMs()
  await advance(options, row, { step, state, wakeMs, attempts })
}

async function end({ store }: RunnerOptions, row: WorkRow): Promise<undefined> {
  const nowMs = await store.nowMs()
  await store.write((rows) => rows.work.finish(row.id, row.fence, row.generation, nowMs))
}

async function endStopped({ store }: RunnerOptions, work: Work, row: WorkRow): Promise<undefined> {
  const nowMs = await store.nowMs()
  await store.write(async (rows) => {
    if (await rows.work.finish(row.id, row.fence, row.generation, nowMs)) {
      await work.stopped?.(rows, row)
    }
  })
}

async function endBadly(
  { store, world }: RunnerOptions,
  work: Work,
  row: WorkRow,
  problem: Problem,
): Promise<undefined> {
  const { isRecurring } = work
  world.log({
    level: isRecurring ? 'error' : 'warn',
    event: isRecurring ? 'duty-failed' : 'work-failed',
    ...nameOf(row),
    code: problem.code,
    message: problem.message,
  })
  const nowMs = await store.nowMs()
  if (isRecurring) {
    const rested = { step: '', state: {}, wakeMs: nowMs + dutyRestMs, attempts: 0 }
    await store.write((rows) => rows.work.advance(row.id, row.fence, rested))
    return
  }
  await store.write(async (rows) => {
    if (await rows.work.finish(row.id, row.fence, row.generation, nowMs)) {
      await work.failed?.(rows, row, { problem, nowMs })
    }
  })
}

/** How log lines name a row, and the request that asked for it. */
function nameOf({ id, kind, subject, correlationId }: WorkRow) {
  return { work: id, kind, subject, correlationId }
}

/** Three faults, three fates: the caller's is final, the world's is tried again, ours too but fewer times. */
async function afterFault(
  options: RunnerOptions,
  work: Work,
  row: WorkRow,
  error: unknown,
): Promise<undefined> {
  if (error instanceof ArmError) {
    const { code, message, target } = error
    return endBadly(options, work, row, { code, message, ...(target && { target }) })
  }
  const worlds = error instanceof Unavailable
  // A region may be away for hours, and is shown as such meanwhile: nobody counts how often it was looked for.
  const attempts = error instanceof RegionAway ? row.attempts : row.attempts + 1
  options.world.log({
    level: worlds ? 'warn' : 'error',
    event: 'step-failed',
    ...nameOf(row),
    step: row.step,
    attempts,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
  if (attempts >= attemptsMax(error)) {
    return endBadly(options, work, row, finalProblem(error, row))
  }
  const nowMs = await options.store.nowMs()
  const { step, state } = row
  const restMs = error instanceof RegionAway ? regionAwayMs : backoffMs(attempts)
  const to = { step, state, wakeMs: nowMs + restMs, attempts }
  await options.store.write(async (rows) => {
    const isOurs = await rows.work.advance(row.id, row.fence, to)
    if (isOurs && error instanceof Unavailable) await work.waits?.(rows, row, error)
  })
}

function attemptsMax(error: unknown): number {
  if (error instanceof SpaceFull) return limits.fullAttemptsMax
  return error instanceof Unavailable ? limits.stepAttemptsMax : limits.ownFaultAttemptsMax
}

function finalProblem(error: unknown, row: WorkRow): Problem {
  if (error instanceof Unavailable) {
    return { code: error.code, message: error.told(`work ${row.id}`) }
  }
  const message = `An internal error ended ${row.kind}. The log has it under work ${row.id}.`
  return { code: 'InternalServerError', message }
}

/** 0.5 s, 1 s, 2 s … at most a minute. */
function backoffMs(attempts: number): number {
  return Math.min(60_000, 250 * 2 ** attempts)
}

/**
 * Writes as the holder of the lease, or nothing. The row is locked last, as in a commit, and until the write is durable:
 * whoever would claim it meanwhile passes it over.
 */
function fenced(store: Store, row: WorkRow): Running['write'] {
  return (act) =>
    store.write(async (rows) => {
      const result = await act(rows)
      const now = await rows.work.lock(row.id)
      if (now?.fence !== row.fence) throw new LeaseLost(row.id)
      return result
    })
}

/** Extends the lease while a step runs; fires `halt` when the row was lost or is to stop. */
function beat({ store, world }: RunnerOptions, row: WorkRow, halt: AbortController) {
  const timer = setInterval(() => {
    void (async () => {
      const leaseUntilMs = (await store.nowMs()) + limits.leaseMs
      const answer = await store.write((rows) =>
        rows.work.heartbeat(row.id, row.fence, leaseUntilMs),
      )
      if (answer === 'lost') halt.abort(stop.lost)
      if (answer === 'cancel') halt.abort(stop.cancel)
    })().catch((error: unknown) => {
      world.log({ level: 'warn', event: 'heartbeat-failed', ...nameOf(row), error: String(error) })
    })
  }, limits.heartbeatMs)
  return { stop: () => clearInterval(timer) }
}
