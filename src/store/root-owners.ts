import { type RawBuilder, sql } from 'kysely'
import { ArmError } from '../domain/errors.ts'
import { directoryChanged } from './directory-stamp.ts'
import { inTenant } from './find-principals.ts'
import type { Db } from './schema.ts'

export type DatabaseClock = () => Promise<number>

type Guarded = {
  readonly lastOf: string
  readonly nowMs: DatabaseClock
  /** Whose directory it is; each tenant where it is not known. */
  readonly tenantId?: string | undefined
}

/**
 * Changes the directory, inside a transaction, in turn with all others who do. Throws LastRbacAdminAssignment, and the
 * transaction with it, when somebody could sign in and have the role `lastOf` at the root of a tenant before, and nobody
 * after.
 */
export async function changingDirectory<Result>(
  db: Db,
  { lastOf, nowMs, tenantId }: Guarded,
  change: () => Promise<Result>,
): Promise<Result> {
  await directoryChanged(db)
  const atMs = await nowMs()
  const had = await ownedTenants(db, lastOf, { atMs, tenantId })
  const result = await change()
  const has = new Set(await ownedTenants(db, lastOf, { atMs, tenantId }))
  if (had.every((one) => has.has(one))) return result
  throw new ArmError(
    'LastRbacAdminAssignment',
    'The last one who owns all of a tenant (this one, or one that let this application in) and can sign in would be gone: make another Owner at its root first.',
  )
}

/** The tenants in which somebody that can sign in has the role at the root, himself or by groups. */
async function ownedTenants(
  db: Db,
  roleId: string,
  { atMs, tenantId }: { readonly atMs: number; readonly tenantId: string | undefined },
): Promise<readonly string[]> {
  const { rows } = await sql<{ tenant: string }>`
    with recursive holders (id, tenant) as (
      select principal_id, tenant_id from assignments
      where role_id = ${roleId} and scope_key = '' and ${inTenant('tenant_id', tenantId)}
      union select member_id, tenant from memberships join holders on group_id = id
    ), able (id, tenant) as (
      select object_id, tenant_id from applications
      where enabled = 1 and is_principal = 1 and ${hasSecret(atMs)}
      union all select service_principals.object_id, service_principals.tenant_id
      from service_principals join applications on applications.client_id = service_principals.client_id
      where service_principals.enabled = 1 and multi_tenant = 1 and ${hasSecret(atMs)}
      union all select id, tenant_id from users
      where enabled = 1 and password_hash is not null
        and (external_state is null or external_state = 'Accepted')
    )
    select distinct holders.tenant from holders
    join able on able.id = holders.id and able.tenant = holders.tenant`.execute(db)
  return rows.map(({ tenant }) => tenant)
}

function hasSecret(atMs: number): RawBuilder<unknown> {
  return sql`(secret_hash <> '' or exists (
    select 1 from credentials
    where credentials.client_id = applications.client_id and ends_ms > ${atMs}
  ))`
}

/** What a principal was given, and where it is a member, ends with it. */
export async function forgetPrincipal(db: Db, id: string): Promise<void> {
  await db.deleteFrom('memberships').where('member_id', '=', id).execute()
  await db.deleteFrom('assignments').where('principal_id', '=', id).execute()
}
