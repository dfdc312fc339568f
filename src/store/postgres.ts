import { type QueryExecutorProvider, sql } from 'kysely'
import type { World } from '../base/world.ts'
import { Unavailable } from '../domain/errors.ts'
import { type AllRows, allRows } from './all-rows.ts'
import type { Committed } from './change.ts'
import { changeWriter } from './commit.ts'
import type { Ending } from './grouped-writes.ts'
import { ownTransactions } from './own-transactions.ts'
import { openBell } from './postgres-bell.ts'
import type { PostgresOptions } from './postgres-config.ts'
import { Clash } from './postgres-faults.ts'
import { inTransaction, migratePostgres } from './postgres-migrate.ts'
import { openSessions } from './postgres-sessions.ts'
import type { Db } from './schema.ts'
import type { Store } from './store.ts'
import { openWakes } from './wakes.ts'
import { watchRows } from './watch.ts'

/** Runs of one transaction before its clashes are told. */
const attemptsMax = 8
const clashRestMs = 10

export type PostgresStoreOptions = PostgresOptions & {
  /** Connections at once, but for the one that listens. */
  readonly poolMax: number
  readonly world: Pick<World, 'sleep' | 'log'>
}

/**
 * The metadata in a PostgreSQL database, which any number of processes share. Throws Unavailable when the database cannot
 * be reached or was written by a newer release. Opened, it outlives the database's absences: meanwhile every method
 * throws Unavailable after a bounded wait.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { world } = options
  await migratePostgres(options, async () => undefined)
  const sessions = openSessions(options)
  const wakes = openWakes(world)
  const bell = await openBell(options, world, wakes.wake)
  const read = allRows({
    db: sessions.db,
    nowMs: () => databaseNowMs(sessions.db),
    woken: () => undefined,
  })
  const writers = new WeakMap<Db, Writer>()
  const running = new Set<Promise<unknown>>()
  let commits = 0
  let retries = 0

  async function transactOnce<Result>(act: (writer: Writer) => Promise<Ending<Result>>) {
    const session = await sessions.take()
    const writer = writers.get(session.db) ?? openWriter(session.db)
    writers.set(session.db, writer)
    writer.takeWoken()
    try {
      const ended = await inTransaction(session, () => act(writer))
      if (ended.keeps) commits += 1
      if (writer.takeWoken() && ended.keeps) {
        wakes.wake()
        bell.ring()
      }
      return ended.result
    } finally {
      session.giveBack()
    }
  }

  async function transact<Result>(act: (writer: Writer) => Promise<Ending<Result>>) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await transactOnce(act)
      } catch (error) {
        if (!(error instanceof Clash) || attempt === attemptsMax) throw error
        retries += 1
        await world.sleep(clashRestMs * attempt, new AbortController().signal)
      }
    }
  }

  /** Known while it runs, so that `close` waits for it. */
  async function tracked<Result>(run: Promise<Result>): Promise<Result> {
    running.add(run)
    try {
      return await run
    } finally {
      running.delete(run)
    }
  }

  function write<Result>(act: (rows: AllRows) => Promise<Result>): Promise<Result> {
    return tracked(transact(async ({ rows }) => ({ keeps: true, result: await act(rows) })))
  }

  const commit: Store['commit'] = (change) =>
    tracked(
      transact(async (writer) => {
        const result = await writer.applyChange(change)
        if (change.preempts) writer.markWoken()
        return { keeps: result.is === 'done', result }
      }),
    )

  const wouldCommit: Store['wouldCommit'] = (change) =>
    tracked(
      transact(async (writer) => ({ keeps: false, result: await writer.applyChange(change) })),
    )

  async function close(): Promise<void> {
    await Promise.allSettled(running)
    await bell.close()
    await sessions.close()
  }

  return {
    read,
    write,
    commit,
    wouldCommit,
    ...ownTransactions(read, write),
    watch: watchRows(sessions.db),
    load: () => ({ ...sessions.load(), commits, retries }),
    nowMs: () => databaseNowMs(sessions.db),
    untilWork: wakes.until,
    close,
  }
}

type Writer = ReturnType<typeof openWriter>

/** The rows of one connection, and whether its transaction made work claimable. */
function openWriter(db: Db) {
  let woken = false
  const markWoken = () => {
    woken = true
  }
  const takeWoken = () => {
    const was = woken
    woken = false
    return was
  }
  const rows = allRows({ db, nowMs: () => databaseNowMs(db), woken: markWoken })
  const applyChange: (...change: Parameters<Store['commit']>) => Promise<Committed> = changeWriter(
    db,
    rows,
  )
  return { rows, applyChange, markWoken, takeWoken }
}

/** The clock of the server, whatever the ones of its clients say. */
async function databaseNowMs(db: QueryExecutorProvider): Promise<number> {
  const { rows } = await sql<{ now: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
  const [row] = rows
  if (!row) throw new Unavailable('The metadata database did not tell its time.')
  return row.now
}
