import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Kysely, sql } from 'kysely'
import { Client } from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { schemaOf } from '../../test/support/postgres-schema.ts'
import { sqliteSchemaOf } from '../../test/support/sqlite-schema.ts'
import { openStoreAt } from '../../test/support/store-at.ts'
import { migrations } from './migrate.ts'
import { openWire } from './postgres-dialect.ts'
import type { Schema } from './schema.ts'
import { sqliteDb } from './sqlite-dialect.ts'

type Db = Kysely<Schema>
type Value = string | number | null

/** One database of a kind, reached past the store. */
type Place = {
  /** As `openStoreAt` takes it. */
  readonly at: string
  readonly db: Db
  /** Words of an insert that names numbers which the database would give. */
  readonly numbered: string
  /** The query that names all tables. */
  readonly tables: string
  schema(): Promise<string>
  readonly golden: string
}

async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const at = join(folder, 'rows.db')
  const database = new DatabaseSync(at)
  onTestFinished(async () => {
    database.close()
    await rm(folder, { recursive: true })
  })
  return {
    at,
    db: sqliteDb(database),
    numbered: '',
    tables: "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
    schema: async () => sqliteSchemaOf(database),
    golden: '../../test/golden/schema.sqlite.sql',
  }
}

async function postgresPlace(): Promise<Place> {
  const at = await freshDatabase()
  const client = new Client({ connectionString: at })
  await client.connect()
  onTestFinished(() => client.end())
  return {
    at,
    db: openWire(client).db,
    numbered: 'overriding system value',
    tables: "select tablename as name from pg_tables where schemaname = 'public'",
    schema: () => schemaOf(client),
    golden: '../../test/golden/schema.postgres.sql',
  }
}

const GoldenRows = z.array(
  z.tuple([z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.null()]))]),
)

/** What an installation of that schema may hold in the tables that are new in it. */
async function goldenRows(schema: number): Promise<z.infer<typeof GoldenRows>> {
  const name = `../../test/golden/rows/${String(schema).padStart(4, '0')}.json`
  return GoldenRows.parse(JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8')))
}

/** The tables as the releases up to that schema left them, rows of each among them. */
async function build({ db, numbered }: Place, upTo: number): Promise<void> {
  await sql`create table migrations (number bigint not null primary key)`.execute(db)
  for (const [index, apply] of migrations.slice(0, upTo).entries()) {
    await apply(db)
    await sql`insert into migrations (number) values (${index + 1})`.execute(db)
    for (const [table, row] of await goldenRows(index + 1)) {
      const names = sql.raw(`${table} (${Object.keys(row).join(', ')}) ${numbered}`)
      await sql`insert into ${names} values (${sql.join(Object.values(row))})`.execute(db)
    }
  }
}

type Rows = readonly Readonly<Record<string, Value>>[]

/** All rows of all tables but `migrations`, each table in the order of its texts. */
async function rowsOf({ db, tables }: Place): Promise<ReadonlyMap<string, Rows>> {
  const { rows: names } = await sql.raw<{ name: string }>(tables).execute(db)
  const all = new Map<string, Rows>()
  for (const { name } of names) {
    if (name === 'migrations') continue
    const { rows } = await sql.raw<Record<string, Value>>(`select * from ${name}`).execute(db)
    all.set(
      name,
      rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    )
  }
  return all
}

describe.each([
  ['SQLite', sqlitePlace],
  ['PostgreSQL', postgresPlace],
])('migrations on %s', (_name, openPlace) => {
  it.each([...migrations.keys(), migrations.length])(
    'bring schema %i and every row of it to the newest',
    async (from) => {
      const place = await openPlace()
      await build(place, from)
      const before = await rowsOf(place)
      const store = await openStoreAt(place.at)
      await expect(await place.schema()).toMatchFileSnapshot(place.golden)
      const after = await rowsOf(place)
      for (const [table, rows] of before) expect(after.get(table)).toMatchObject(rows)
      expect(await store.secrets.get('installation-id')).toBe(from === 0 ? undefined : 'i')
      await store.close()
    },
  )

  it('leave no table without rows in the golden ones', async () => {
    const place = await openPlace()
    await build(place, migrations.length)
    const rows = [...(await rowsOf(place))]
    expect(rows.length).toBeGreaterThan(15)
    expect(rows.filter(([, each]) => each.length === 0)).toEqual([])
  })

  it('of a newer release are refused, and the message says which release to start', async () => {
    const place = await openPlace()
    await build(place, migrations.length)
    await sql`insert into migrations (number) values (1000)`.execute(place.db)
    const opening = openStoreAt(place.at)
    await expect(opening).rejects.toThrow(/schema 1000, .* Start that release \(0.1.0 ran last\)/)
    await sql`drop table processes`.execute(place.db)
    await expect(openStoreAt(place.at)).rejects.toThrow(/schema 1000, .* Start that release or/)
  })
})

it('processes that migrate one old database at once bring it there once', async () => {
  const place = await postgresPlace()
  await build(place, 1)
  const before = await rowsOf(place)
  const stores = await Promise.all(Array.from({ length: 4 }, () => openStoreAt(place.at)))
  await expect(await place.schema()).toMatchFileSnapshot(place.golden)
  const after = await rowsOf(place)
  for (const [table, rows] of before) expect(after.get(table)).toMatchObject(rows)
  for (const store of stores) await store.close()
})
