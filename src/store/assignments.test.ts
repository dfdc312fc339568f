import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { grant } from '../../test/support/grants.ts'
import { limits } from '../domain/limits.ts'
import { openSqliteStore } from './sqlite.ts'
import type { Store } from './store.ts'

const world = { now: () => new Date(1_000), sleep: async () => undefined }

let folder: string
let path: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-assignments-'))
  path = join(folder, 'vitrine.db')
  store = await openSqliteStore({ path, world })
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

type Many = { readonly type: string; readonly count: number; readonly tenants: number }

/** Rows of `p1` by the thousand, from tenants `t0`, `t1` and so on. */
function insert({ type, count, tenants }: Many): void {
  const rows = new DatabaseSync(path)
  rows.exec(`insert into assignments
      (id, principal_id, principal_type, role_id, scope_key, scope, tenant_id,
       created_ms, created_by, updated_ms, updated_by)
    with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})
    select 'a' || n, 'p1', '${type}', 'r' || n, '/subscriptions/s' || n, '/subscriptions/s' || n,
      't' || (n % ${tenants}), 1, 'c', 1, 'c' from numbers`)
  rows.close()
}

const another = { principalId: 'p1', roleId: 'r', scope: '/subscriptions/x', id: 'more' }

it('what all tenants together grant to one is bounded', async () => {
  const { assignments } = store.directory
  insert({ type: 'Tenant', count: limits.grantsPerGranteeEverywhereMax, tenants: 10 })
  const granted = grant({ ...another, principalType: 'Tenant', tenantId: 'others' })
  expect(await assignments.put(granted)).toMatchObject({ is: 'full' })
  await assignments.remove('a0', '')
  expect(await assignments.put(granted)).toMatchObject({ is: 'made' })
})

it('no tenant fills what a principal can be given in another', async () => {
  const { assignments } = store.directory
  insert({ type: 'User', count: limits.assignmentsPerPrincipalMax, tenants: 1 })
  const given = grant({ ...another, tenantId: 't0' })
  expect(await assignments.put(given)).toMatchObject({ is: 'full' })
  expect(await assignments.put({ ...given, tenantId: 'others' })).toMatchObject({ is: 'made' })
})
