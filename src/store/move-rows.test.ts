import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { endWork, placed, someWork } from '../../test/suites/store/placed.ts'
import { grant } from '../../test/support/grants.ts'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import {
  inserting,
  operationRow,
  replicaRow,
  resourceRow,
  topRow,
  workRequest,
} from '../../test/support/store-rows.ts'
import { moveRows } from './move-rows.ts'
import { openPostgresStore } from './postgres.ts'
import { openSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

const world = {
  now: () => new Date(0),
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

let folder = ''
let path = ''
let url = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  path = join(folder, 'rows.db')
  url = await freshDatabase()
})
afterEach(() => rm(folder, { recursive: true }))

const parent = topRow('parent', { doc: { properties: { text: 'ä "quoted" \u0000 \u{1f5bc}' } } })

/** A row in every table, more than one page in one of them; the newest number of work is gone again. */
async function fill(store: Store): Promise<void> {
  await store.commit(
    inserting(parent, {
      takes: ['name'],
      counts: [{ scope: 's1', name: 'things', by: 1, limit: 5 }],
      operation: operationRow({ id: 'op', key: parent.key, output: { a: [1, null] } }),
      work: [workRequest({ kind: 'Publish', subject: parent.key })],
      grant: { id: 'g', key: parent.key, access: 'Read', expiresMs: 9 },
    }),
  )
  await store.write(async ({ resources, replicas }) => {
    for (let index = 0; index < 700; index++) {
      const key = `${parent.key}/c${index}`
      await resources.insert(resourceRow({ key, parentKey: parent.key }))
    }
    await replicas.put(replicaRow(parent.key, 'eastus', { usable: true }))
  })
  await placed(store, parent.key)
  await store.uploads.add('u', { offsetBytes: 0, lengthBytes: 512, key: undefined })
  const application = { clientId: 'c', objectId: 'o', tenantId: 't', displayName: 'd' }
  await store.directory.applications.putIfAbsent({ ...application, secretHash: 'h' })
  const { assignments, roleDefinitions } = store.directory
  await assignments.put(grant({ id: 'a', principalId: 'p', roleId: 'r', scope: '/' }))
  await roleDefinitions.put({
    ...{ id: 'r', name: 'Role', description: '', permissions: [], assignableScopes: ['/'] },
    tenantId: 't',
    ...{ createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' },
  })
  await store.secrets.putIfAbsent('installation-id', 'i')
}

/** Rows of the newer tables, as the golden ones have them. */
async function fillNewer(): Promise<void> {
  const database = new DatabaseSync(path)
  const schemas = [
    ...['0005', '0006', '0011', '0012', '0014', '0015', '0017', '0018', '0019', '0020'],
    ...['0021'],
  ]
  for (const schema of schemas) {
    const file = new URL(`../../test/golden/rows/${schema}.json`, import.meta.url)
    const rows: [string, Record<string, string | number | null>][] = JSON.parse(
      await readFile(file, 'utf8'),
    )
    for (const [table, row] of rows) {
      const names = Object.keys(row)
      const slots = names.map(() => '?').join(', ')
      const insert = `insert into ${table} (${names.join(', ')}) values (${slots})`
      database.prepare(insert).run(...Object.values(row))
    }
  }
  const tagged = 'insert into resource_tags values (?, ?, ?, ?, ?, ?)'
  database.prepare(tagged).run(parent.key, 'n', 's', 'v', 'name', 'value')
  const share = "insert into shares (kind, target, gallery_key) values ('Tenant', 't', ?)"
  database.prepare(share).run(parent.key)
  database.close()
}

it('all rows arrive, counted and compared; what comes after goes on with fresh numbers', async () => {
  const before = await openSqliteStore({ path, world })
  await fill(before)
  const gone = await someWork(before, 'gone')
  await endWork(before, gone.id)
  await before.close()
  await fillNewer()
  const moved = await moveRows(path, { url })
  expect(moved.find(({ table }) => table === 'resources')?.rows).toBe(701)
  expect(moved.filter(({ rows }) => rows === 0).map(({ table }) => table)).toEqual([])
  const store = await openPostgresStore({ url, poolMax: 4, world })
  expect(await store.read.resources.get(parent.key)).toEqual(parent)
  expect((await store.read.operations.get('op'))?.output).toEqual({ a: [1, null] })
  expect(await store.read.claims.holderOf('name')).toBe(parent.key)
  expect(await store.read.placements.ofKeepers([parent.key])).toHaveLength(1)
  expect(await store.secrets.get('installation-id')).toBe('i')
  const next = await someWork(store, 'next')
  expect(Number(next.id)).toBeGreaterThan(Number(gone.id))
  await store.close()
})

it('a database that holds rows is refused, and keeps what it has', async () => {
  const before = await openSqliteStore({ path, world })
  await fill(before)
  await before.close()
  const store = await openPostgresStore({ url, poolMax: 4, world })
  await store.secrets.putIfAbsent('installation-id', 'another')
  await expect(moveRows(path, { url })).rejects.toThrow('already holds an installation')
  expect(await store.secrets.get('installation-id')).toBe('another')
  expect(await store.read.resources.get(parent.key)).toBeUndefined()
  await store.close()
})
