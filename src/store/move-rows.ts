import { createHash } from 'node:crypto'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { CompiledQuery } from 'kysely'
import type { PostgresOptions } from './postgres-config.ts'
import type { Wire } from './postgres-dialect.ts'
import { migratePostgres } from './postgres-migrate.ts'
import type { Schema } from './schema.ts'
import { openSqliteStore } from './sqlite.ts'

/** What only the processes that run now are to know. */
type Passing = 'processes'
const passing: readonly string[] = ['processes' satisfies Passing]

/** In the order in which rows may point at others, with the columns that order a table's rows. */
const tables = {
  resources: ['key'],
  replicas: ['version_key', 'region'],
  shares: ['kind', 'target', 'gallery_key'],
  locks: ['scope_key', 'name_key'],
  resource_tags: ['resource_key', 'name_digest'],
  tag_names: ['subscription', 'name_digest', 'value_digest'],
  subscription_tags: ['subscription'],
  sas: ['id'],
  operations: ['id'],
  work: ['id'],
  claims: ['name'],
  counters: ['scope', 'name'],
  holdings: ['id'],
  owners: ['id'],
  refs: ['owner_id', 'holding_id'],
  placements: ['keeper', 'owner_id'],
  spaces: ['space'],
  lost_parts: ['space', 'image', 'digest', 'offset_bytes'],
  upload_pages: ['seq'],
  blob_containers: ['id'],
  blobs: ['container_id', 'name'],
  blob_blocks: ['upload', 'position'],
  staged_blocks: ['container_id', 'name', 'block'],
  blob_readers: ['reader', 'upload'],
  upload_drops: ['upload'],
  applications: ['client_id'],
  credentials: ['id'],
  tenants: ['id'],
  service_principals: ['object_id'],
  users: ['id'],
  invitations: ['id'],
  user_groups: ['id'],
  memberships: ['group_id', 'member_id'],
  assignments: ['id'],
  role_definitions: ['id'],
  secrets: ['name'],
  signin_states: ['key'],
  signin_tries: ['key'],
  audit: ['at_ms', 'id'],
  intervals: ['version_key', 'region', 'since_ms'],
  moves: ['version_key', 'to_region', 'hour_ms', 'from_region'],
  deployments: ['key'],
  deployment_steps: ['deployment_key', 'position'],
  events: ['subscription', 'at_ms', 'id'],
  event_marks: ['name'],
  event_latest: ['definition_key', 'region'],
  event_due: ['resource_key'],
  event_subscriptions: ['key'],
} as const satisfies Record<Exclude<keyof Schema, Passing>, readonly string[]>

/** Rows in one statement: its values stay below the 65535 that PostgreSQL takes. */
const rowsMax = 500

export type MovedTable = { readonly table: string; readonly rows: number; readonly digest: string }

/**
 * Copies all rows of the SQLite file into an empty PostgreSQL database, and reads them back: each table must have the same
 * number of rows and the same SHA-256 over them, in order. All of it is one transaction: anything else leaves the
 * database empty, and the file is never changed but for its migration to this release. Nobody else may use the file.
 */
export async function moveRows(path: string, to: PostgresOptions): Promise<readonly MovedTable[]> {
  const world = { now: () => new Date(0), sleep: async () => undefined }
  await (await openSqliteStore({ path, world })).close()
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    refuseUnknownTables(database)
    return await migratePostgres(to, async (wire) => {
      const moved: MovedTable[] = []
      for (const [table, key] of Object.entries(tables)) {
        await refuseRows(wire, table)
        moved.push(await moveTable(database, wire, { table, key }))
      }
      await moveNumbers(database, wire)
      return moved
    })
  } finally {
    database.close()
  }
}

/** A table of a later migration that nobody added above. */
function refuseUnknownTables(database: DatabaseSync): void {
  const all = database.prepare("select name from sqlite_schema where type = 'table'").all()
  const unknown = all.filter(({ name }) => {
    const text = String(name)
    const isOurs = text in tables || text === 'migrations' || passing.includes(text)
    return !isOurs && !text.startsWith('sqlite_')
  })
  if (unknown.length === 0) return
  throw new Error(`Tables that cannot be moved: ${unknown.map(({ name }) => name).join(', ')}.`)
}

async function refuseRows(wire: Wire, table: string): Promise<void> {
  const { rows } = await query(wire, `select 1 from ${table} limit 1`)
  if (rows.length === 0) return
  throw new Error(
    `The PostgreSQL database already holds an installation (${table} has rows). Name an empty database.`,
  )
}

type Table = { readonly table: string; readonly key: readonly string[] }

async function moveTable(database: DatabaseSync, wire: Wire, { table, key }: Table) {
  const columns = columnsOf(database, table)
  const select = `select ${columns.join(', ')} from ${table} order by ${key.join(', ')}`
  const sent = openTally()
  let page: SQLOutputValue[][] = []
  const send = async () => {
    if (page.length > 0) await query(wire, insertOf(table, columns, page.length), page.flat())
    page = []
  }
  for (const row of database.prepare(select).iterate()) {
    const values = columns.map((column) => row[column] ?? null)
    sent.add(values)
    page.push(values)
    if (page.length === rowsMax) await send()
  }
  await send()
  const found = await tallyOf(wire, select, columns)
  const told = sent.end()
  if (told.rows === found.rows && told.digest === found.digest) return { table, ...told }
  throw new Error(
    `${table} did not arrive whole: ${told.rows} rows (${told.digest}) were sent, ${found.rows} (${found.digest}) are there.`,
  )
}

/** Without those that the database computes. */
function columnsOf(database: DatabaseSync, table: string): string[] {
  const all = database.prepare(`pragma table_xinfo(${table})`).all()
  return all.filter(({ hidden }) => hidden === 0).map(({ name }) => String(name))
}

function insertOf(table: string, columns: readonly string[], rows: number): string {
  const row = (index: number) =>
    `(${columns.map((_, at) => `$${index * columns.length + at + 1}`).join(', ')})`
  const values = Array.from({ length: rows }, (_, index) => row(index)).join(', ')
  return `insert into ${table} (${columns.join(', ')}) overriding system value values ${values}`
}

async function tallyOf(wire: Wire, select: string, columns: readonly string[]) {
  const tally = openTally()
  await wire.run(`declare moved cursor for ${select}`)
  for (;;) {
    const { rows } = await query(wire, `fetch ${rowsMax} from moved`)
    for (const row of rows) tally.add(columns.map((column) => row[column]))
    if (rows.length < rowsMax) break
  }
  await wire.run('close moved')
  return tally.end()
}

function openTally() {
  const hash = createHash('sha256')
  let rows = 0
  return {
    add(values: readonly unknown[]): void {
      rows += 1
      hash.update(`${JSON.stringify(values)}\n`)
    },
    end: () => ({ rows, digest: hash.digest('hex') }),
  }
}

/** Numbers go on after the highest that was ever given, which may be gone: none is used twice. */
async function moveNumbers(database: DatabaseSync, wire: Wire): Promise<void> {
  for (const { name, seq } of database.prepare('select name, seq from sqlite_sequence').all()) {
    const table = String(name)
    const [column] = Object.entries(tables).find(([each]) => each === table)?.[1] ?? []
    if (Number(seq) === 0 || column === undefined) continue
    const values = [table, column, Number(seq)]
    await query(wire, 'select setval(pg_get_serial_sequence($1, $2), $3)', values)
  }
}

function query(wire: Wire, text: string, values: readonly unknown[] = []) {
  return wire.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, [...values]))
}
