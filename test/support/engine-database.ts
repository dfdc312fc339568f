import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Pool, TypeOverrides, types } from 'pg'
import { inject } from 'vitest'
import type { World } from '../../src/base/world.ts'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { databaseOf, shareDatabase } from './postgres-database.ts'

/** Moves by a millisecond a look, and over every wait at once. */
export type Clock = { nowMs: number }

type Row = Readonly<Record<string, unknown>>

/** The tables past all rules: for what no method tells. */
export type Tables = {
  all(query: string): Promise<readonly Row[]>
  close(): Promise<void>
}

export type EngineDatabase = {
  readonly store: Store
  readonly tables: Tables
  /** Sets the clocks of the database and of the process ahead to a time, when they are not there yet. */
  moveTo(ms: number): Promise<void>
  close(): Promise<void>
}

/** The database of the project (`vitest.config.ts`) of an engine on `folder`, under a clock that the test moves. */
export async function openEngineDatabase(
  folder: string,
  world: World,
  clock: Clock,
): Promise<EngineDatabase> {
  if (inject('database') === 'postgres') {
    return await openOnPostgres(await databaseOf(folder), world, clock)
  }
  const store = await openSqliteStore({ path: join(folder, 'vitrine.db'), world })
  const tables = openSqliteTables(folder)
  const moveTo = async (ms: number) => {
    clock.nowMs = Math.max(clock.nowMs, ms)
  }
  const close = () => tables.close().then(store.close)
  return { store, tables, moveTo, close }
}

/** The tables of the installation on `folder`, as they lie on disk or in its database. */
export async function openTables(folder: string): Promise<Tables> {
  if (inject('database') !== 'postgres') return openSqliteTables(folder)
  return openPostgresTables(await databaseOf(folder))
}

function openSqliteTables(folder: string): Tables {
  const database = new DatabaseSync(join(folder, 'vitrine.db'), { readOnly: true })
  return {
    all: async (query) => database.prepare(query).all(),
    close: async () => database.close(),
  }
}

export function openPostgresTables(url: string): Tables {
  const pool = connect(url)
  return { all: async (query) => (await pool.query(query)).rows, close: () => pool.end() }
}

function connect(url: string): Pool {
  const numbers = new TypeOverrides()
  numbers.setTypeParser(types.builtins.INT8, Number)
  const pool = new Pool({ connectionString: url, types: numbers, max: 1 })
  pool.on('error', () => undefined)
  return pool
}

/** The server's own clock is the test's: `public` is searched before the system's functions. */
const movedClock = `
create sequence if not exists test_clock;
create or replace function public.clock_timestamp() returns timestamptz volatile language sql
as $$ select to_timestamp(nextval('public.test_clock') / 1000.0) $$;
do $$ begin
  execute format('alter database %I set search_path = public, pg_catalog', current_database());
end $$`

async function openOnPostgres(url: string, world: World, clock: Clock): Promise<EngineDatabase> {
  const pool = connect(url)
  await pool.query(movedClock)
  const ahead = `select setval('test_clock', greatest(nextval('test_clock'), $1::bigint))`
  await pool.query(ahead, [clock.nowMs])
  const store = await openPostgresStore({ url, poolMax: 8, world })
  return {
    store,
    tables: {
      all: async (query) => (await pool.query(query)).rows,
      close: async () => undefined,
    },
    async moveTo(ms) {
      clock.nowMs = Math.max(clock.nowMs, ms)
      await pool.query(ahead, [clock.nowMs])
    },
    async close() {
      await store.close()
      await pool.end()
    },
  }
}

/**
 * What lies on the folder `from`, kept to go on from as often as wanted: answers what brings a new folder, and its rows,
 * there. On PostgreSQL they all share one database, one at a time.
 */
export async function keepBeginning(from: string): Promise<(to: string) => Promise<void>> {
  if (inject('database') !== 'postgres') return (to) => cp(from, to, { recursive: true })
  const url = await databaseOf(from)
  const pool = connect(url)
  const script = await restoringScript(pool)
  await pool.end()
  return async (to) => {
    await cp(from, to, { recursive: true })
    shareDatabase(url, to)
    const again = connect(url)
    await again.query(script)
    await again.end()
  }
}

/** Keeps all rows in a schema beside; answers the statements that put them back. Numbers go on: none is used twice. */
async function restoringScript(pool: Pool): Promise<string> {
  await pool.query('create schema beginning')
  const { rows } = await pool.query<{ name: string; columns: string }>(
    `select table_name as name, string_agg(quote_ident(column_name), ', ') as columns
     from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
     group by table_name`,
  )
  const parts = ['begin; set local session_replication_role = replica;']
  for (const { name, columns } of rows) {
    await pool.query(`create table beginning.${name} as select ${columns} from public.${name}`)
    const insert = `insert into public.${name} (${columns}) overriding system value`
    parts.push(`delete from public.${name}; ${insert} select ${columns} from beginning.${name};`)
  }
  const clock = await pool.query<{ now: number }>('select last_value as now from test_clock')
  return [...parts, `select setval('test_clock', ${clock.rows[0]?.now}); commit;`].join(' ')
}
