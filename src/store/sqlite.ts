import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { World } from '../base/world.ts'
import { type AllRows, allRows } from './all-rows.ts'
import { changeWriter } from './commit.ts'
import { openGroupedWrites } from './grouped-writes.ts'
import { openLooks } from './looks.ts'
import { migrate } from './migrate.ts'
import { ownTransactions } from './own-transactions.ts'
import type { Db } from './schema.ts'
import { sqliteDb, sqliteFaults } from './sqlite-dialect.ts'
import type { Store } from './store.ts'
import { openWakes } from './wakes.ts'
import { watchRows } from './watch.ts'

/** Another process (a backup, a shell) may hold the file this long; the event loop waits with us. */
const busyMs = 1_000

/** Of each connection: the indexes that commits touch stay in memory. */
const cacheKib = 64 * 1024

/** 16 MiB between checkpoints: pages that every commit touches are copied back once for many of them. */
const walPages = 4_000

export type SqliteStoreOptions = {
  /** The database file, made when it is not there; `:memory:` for one that is gone with `close` and never synced. */
  readonly path: string
  readonly world: Pick<World, 'now' | 'sleep'>
}

/**
 * The metadata database in one SQLite file of one process. Two connections, so that a read never waits for a write and
 * never sees half of one. Throws Unavailable when the file cannot be opened or was written by a newer release.
 */
export async function openSqliteStore({ path, world }: SqliteStoreOptions): Promise<Store> {
  const place = path === ':memory:' ? await passingPlace() : lastingPlace(path)
  const database = sqliteFaults(() => openWriter(place))
  const writer = sqliteDb(database)
  let renew = (): void => undefined
  const writes = openGroupedWrites(database, () => renew())
  await migrateOrClose(database, writes, writer)
  const readOnly = openReader(place.file)
  const looks = openLooks(readOnly)
  renew = looks.renew
  const reader = sqliteDb(readOnly, looks.look)
  const wakes = openWakes(world)
  const nowMs = async () => world.now().getTime()
  let woken = false
  const markWoken = () => {
    woken = true
  }
  const rows = allRows({ db: writer, nowMs, woken: markWoken })
  const read = allRows({ db: reader, nowMs, woken: () => undefined })

  const applyChange = changeWriter(writer, rows)

  /** After the turn in which the write ended: a worker that is about to rest is resting by then. */
  function wakeSoon(): void {
    if (!woken) return
    woken = false
    setImmediate(wakes.wake)
  }

  async function write<Result>(act: (rows: AllRows) => Promise<Result>): Promise<Result> {
    const kept = async () => ({ keeps: true, result: await act(rows) })
    // Clients wait for commits; these are the writes of work, as a rule.
    const result = await writes.write(kept, true)
    wakeSoon()
    return result
  }

  const commit: Store['commit'] = async (change) => {
    const ending = await writes.write(async () => {
      const result = await applyChange(change)
      return { keeps: result.is === 'done', result }
    })
    if (change.preempts) markWoken()
    wakeSoon()
    return ending
  }

  const wouldCommit: Store['wouldCommit'] = (change) =>
    writes.write(async () => ({ keeps: false, result: await applyChange(change) }), true)

  async function close(): Promise<void> {
    await writes.close()
    await reader.destroy()
    await writer.destroy()
    await place.remove()
  }

  return {
    read,
    write,
    commit,
    wouldCommit,
    ...ownTransactions(read, write),
    watch: watchRows(reader),
    load: writes.load,
    nowMs,
    untilWork: wakes.until,
    close,
  }
}

type Place = { readonly file: string; readonly durable: boolean; remove(): Promise<void> }

function lastingPlace(file: string): Place {
  return { file, durable: true, remove: async () => undefined }
}

/** A file all the same: a database in memory cannot be read on one connection while another one writes. */
async function passingPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-rows-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  return { file: join(folder, 'rows.db'), durable: false, remove }
}

/** WAL with FULL: a commit is synced before it returns. */
function openWriter({ file, durable }: Place): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: busyMs, enableForeignKeyConstraints: true })
  database.exec('pragma journal_mode = wal')
  database.exec(`pragma synchronous = ${durable ? 'full' : 'off'}`)
  database.exec(`pragma cache_size = -${cacheKib}`)
  database.exec(`pragma wal_autocheckpoint = ${walPages}`)
  // What a savepoint may have to undo is kept in memory: in a file it doubles the cost of a commit.
  database.exec('pragma temp_store = memory')
  return database
}

function openReader(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: busyMs, readOnly: true })
  database.exec(`pragma cache_size = -${cacheKib}`)
  return database
}

async function migrateOrClose(
  database: DatabaseSync,
  writes: ReturnType<typeof openGroupedWrites>,
  writer: Db,
): Promise<void> {
  try {
    await writes.write(async () => ({ keeps: true, result: await migrate(writer) }))
  } catch (error) {
    database.close()
    throw error
  }
}
