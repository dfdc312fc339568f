import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { Unavailable } from '../domain/errors.ts'
import { sqliteFaults } from './sqlite-dialect.ts'

/** Writes of one commit: one fsync for all of them, and still a short wait for the first. */
const writesMax = 64
/** Groups that may pass by a patient write: some milliseconds each. */
const passesMax = 8
/** More would wait longer than their clients do. */
const waitingMax = 10_000

/** What a write answers, and whether what it wrote stays. */
export type Ending<Result> = { readonly keeps: boolean; readonly result: Result }

type Waiting = {
  /** Runs the write; the function it answers tells its caller, once all of it is durable. */
  run(): Promise<{ readonly keeps: boolean; tell(): void }>
  fail(error: unknown): void
  /** Nobody waits for it as clients wait for what they asked. */
  readonly patient: boolean
}

/**
 * Runs writes one after another, those that wait at the same time in one durable transaction, each under its own
 * savepoint: one that throws or does not keep leaves nothing behind and disturbs no other. A promise that resolved is
 * on disk. Patient writes let others go first, for a bounded number of groups. `onCommit` is told before anybody else is.
 */
export function openGroupedWrites(database: DatabaseSync, onCommit: () => void = () => undefined) {
  let waiting: Waiting[] = []
  let passes = 0
  const exec = openExec(database)
  let draining: Promise<void> | undefined
  let closed = false
  let commits = 0

  function write<Result>(act: () => Promise<Ending<Result>>, patient = false): Promise<Result> {
    if (closed) return Promise.reject(new Unavailable('The metadata database is closed.'))
    if (waiting.length >= waitingMax) {
      return Promise.reject(new Unavailable('Too many writes wait for the metadata database.'))
    }
    return new Promise<Result>((resolve, fail) => {
      const run = async () => {
        const { keeps, result } = await act()
        return { keeps, tell: () => resolve(result) }
      }
      waiting.push({ run, fail, patient })
      draining ??= drain()
    })
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      // The turn of the loop in which the first one came brings the others that were ready with it.
      await setImmediate()
      await commitTogether(takeNext())
    }
    draining = undefined
  }

  function takeNext(): readonly Waiting[] {
    const urgent = waiting.filter(({ patient }) => !patient)
    passes = urgent.length === 0 || urgent.length === waiting.length ? 0 : passes + 1
    const takesAll = passes === 0 || passes > passesMax
    if (takesAll) passes = 0
    const taken = new Set((takesAll ? waiting : urgent).slice(0, writesMax))
    waiting = waiting.filter((each) => !taken.has(each))
    return [...taken]
  }

  async function commitTogether(writes: readonly Waiting[]): Promise<void> {
    const tells: (() => void)[] = []
    try {
      exec('begin immediate')
      const runOne = writes.length === 1 ? runAlone : runAmongOthers
      for (const each of writes) tells.push(await runOne(each))
      if (database.isTransaction) exec('commit')
      commits += 1
      onCommit()
    } catch (error) {
      for (const each of writes) each.fail(error)
      if (database.isTransaction) exec('rollback')
      return
    }
    for (const tell of tells) tell()
  }

  /** The transaction itself is its savepoint. */
  async function runAlone(one: Waiting): Promise<() => void> {
    const { keeps, tell } = await one.run()
    if (!keeps) exec('rollback')
    return tell
  }

  async function runAmongOthers(one: Waiting): Promise<() => void> {
    exec('savepoint one')
    try {
      const { keeps, tell } = await one.run()
      if (!keeps) exec('rollback to one')
      exec('release one')
      return tell
    } catch (error) {
      // A full disk makes SQLite roll back the whole transaction by itself.
      if (!database.isTransaction) throw error
      exec('rollback to one')
      exec('release one')
      return () => one.fail(error)
    }
  }

  function load() {
    const inUse = draining === undefined ? 0 : 1
    // The one connection that writes: nobody waits for the one that reads.
    const connections = { max: 1, inUse, idle: 1 - inUse }
    return { commits, retries: 0, connections, waiting: waiting.length }
  }

  /** Refuses further writes; resolves when those that wait are done. */
  async function close(): Promise<void> {
    closed = true
    await draining
  }

  return { write, close, load }
}

function openExec(database: DatabaseSync) {
  const texts = [
    'begin immediate',
    'commit',
    'rollback',
    'savepoint one',
    'rollback to one',
    'release one',
  ] as const
  const statements = new Map(texts.map((text) => [text, database.prepare(text)]))
  return (text: (typeof texts)[number]): void => {
    sqliteFaults(() => statements.get(text)?.run())
  }
}
