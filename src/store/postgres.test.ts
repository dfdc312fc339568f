import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { storeSuite } from '../../test/suites/store-suite.ts'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { openPostgresStore } from './postgres.ts'
import type { Store } from './store.ts'

const world = {
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

let database: Client
let store: Store

beforeAll(async () => {
  const url = await freshDatabase()
  database = new Client({ connectionString: url })
  await database.connect()
  store = await openPostgresStore({ url, poolMax: 10, world })
})

afterAll(async () => {
  await store.close()
  await database.end()
})

/** Removes every row that a test left: small tables are deleted from sooner than truncated. */
async function empty(): Promise<void> {
  const { rows } = await database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'migrations'`,
  )
  const deletes = rows.map(({ name }) => `delete from ${name};`)
  await database.query(`set session_replication_role = replica; ${deletes.join(' ')}`)
}

storeSuite('a store in PostgreSQL', async () => ({ store, remove: empty }))
