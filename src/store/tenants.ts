import type { Selectable } from 'kysely'
import { limits } from '../domain/limits.ts'
import type { FirstOwner, Tenant, TenantRows } from '../domain/tenants.ts'
import { assignmentToTable } from './assignments.ts'
import { applicationRows } from './directory.ts'
import { directoryChanged, writtenColumns, writtenFrom } from './directory-stamp.ts'
import { forgetApplication } from './registrations.ts'
import type { Db } from './schema.ts'
import type { TenantTable } from './tenant-schema.ts'

/** Where a tenant has principals. */
const directories = ['users', 'user_groups', 'applications', 'service_principals'] as const
/** What goes with a tenant that has none. */
const belongings = ['assignments', 'role_definitions', 'invitations'] as const

export function tenantRows(db: Db): TenantRows {
  const table = db.selectFrom('tenants').selectAll()

  async function all(): Promise<readonly Tenant[]> {
    const rows = await table.orderBy('id').limit(limits.tenantsMax).execute()
    return rows.map(fromTable)
  }

  async function get(id: string): Promise<Tenant | undefined> {
    const row = await table.where('id', '=', id).executeTakeFirst()
    return row && fromTable(row)
  }

  async function ofGuest(homeId: string): Promise<readonly Tenant[]> {
    const guests = db
      .selectFrom('users')
      .select('tenant_id')
      .where('home_id', '=', homeId)
      .where('external_state', '=', 'Accepted')
      .where('enabled', '=', 1)
    const rows = await table
      .where('id', 'in', guests)
      .orderBy('id')
      .limit(limits.tenantsMax)
      .execute()
    return rows.map(fromTable)
  }

  const put: TenantRows['put'] = async (tenant, owner) => {
    // Its row's lock orders all who change tenants.
    await directoryChanged(db)
    const row = toTable(tenant)
    const named = await table.where('name_key', '=', row.name_key).executeTakeFirst()
    if (named && named.id !== row.id) return 'named'
    if (await get(tenant.id)) {
      const { name, name_key, updated_ms, updated_by } = row
      const changed = { name, name_key, updated_ms, updated_by }
      await db.updateTable('tenants').set(changed).where('id', '=', row.id).execute()
      return 'kept'
    }
    if ((await all()).length >= limits.tenantsMax) return 'full'
    await db.insertInto('tenants').values(row).execute()
    if (owner) await putOwner(owner)
    return 'made'
  }

  async function putOwner({ application, assignments }: FirstOwner): Promise<void> {
    await applicationRows(db).putIfAbsent(application)
    for (const one of assignments) {
      await db.insertInto('assignments').values(assignmentToTable(one)).execute()
    }
  }

  const remove: TenantRows['remove'] = async (id) => {
    await directoryChanged(db)
    const found = await get(id)
    if (!found) return undefined
    if (await hasOthers(found)) return 'used'
    if (found.ownerClientId !== undefined) await forgetApplication(db, found.ownerClientId)
    for (const name of belongings) {
      await db.deleteFrom(name).where('tenant_id', '=', id).execute()
    }
    // What others granted to it.
    await db.deleteFrom('assignments').where('principal_id', '=', id).execute()
    await db.deleteFrom('tenants').where('id', '=', id).execute()
    return found
  }

  async function hasOthers({ id, ownerClientId = '' }: Tenant): Promise<boolean> {
    for (const name of directories) {
      const other = await db
        .selectFrom(name)
        .select('tenant_id')
        .where('tenant_id', '=', id)
        .$if(name === 'applications', (query) => query.where('client_id', '<>', ownerClientId))
        .limit(1)
        .executeTakeFirst()
      if (other) return true
    }
    const letIn = db.selectFrom('service_principals').select('object_id')
    return (
      (await letIn.where('client_id', '=', ownerClientId).limit(1).executeTakeFirst()) !== undefined
    )
  }

  return { all, get, ofGuest, put, remove }
}

function toTable(tenant: Tenant): TenantTable {
  return {
    id: tenant.id,
    name_key: tenant.name.toLowerCase(),
    name: tenant.name,
    owner_client_id: tenant.ownerClientId ?? null,
    ...writtenColumns(tenant),
  }
}

function fromTable(row: Selectable<TenantTable>): Tenant {
  const { id, name, owner_client_id } = row
  return { id, name, ownerClientId: owner_client_id ?? undefined, ...writtenFrom(row) }
}
