import { type Selectable, sql } from 'kysely'
import { limits } from '../domain/limits.ts'
import type {
  Credential,
  DirectoryApplication,
  DirectoryApplicationRows,
} from '../domain/principals.ts'
import { type SeenApplication, seenApplications } from './application-principals.ts'
import { inTenant, isFull, isStill, principalsWhere } from './find-principals.ts'
import { changingDirectory, type DatabaseClock, forgetPrincipal } from './root-owners.ts'
import type { CredentialTable, Db } from './schema.ts'

const columns = { id: 'object_id', clientId: 'client_id', displayName: 'name_key' }

/** Those that a tenant sees: its own, and others of which it has a service principal; all where none is named. */
export function registrationRows(
  db: Db,
  nowMs: DatabaseClock,
  tenantId?: string,
): DirectoryApplicationRows {
  const asked = { columns, order: 'client_id', tenantId }
  // Of all tenants: it may be the last owner of one that let it in.
  const changing = <Result>(lastOf: string, change: () => Promise<Result>): Promise<Result> =>
    changingDirectory(db, { lastOf, nowMs }, change)

  const find: DirectoryApplicationRows['find'] = async (query) => {
    const { rows } = await sql<SeenApplication>`
      select * from ${seenApplications} where ${principalsWhere(query, asked)}
      order by client_id limit ${query.rowsMax}`.execute(db)
    return rows.map(fromSeen)
  }

  async function seen(
    column: 'client_id' | 'object_id',
    id: string,
    of: string | undefined,
  ): Promise<DirectoryApplication | undefined> {
    const { rows } = await sql<SeenApplication>`
      select * from ${seenApplications}
      where ${sql.ref(column)} = ${id} and ${inTenant('tenant_id', of)}`.execute(db)
    return rows[0] && fromSeen(rows[0])
  }

  const put: DirectoryApplicationRows['put'] = (application, lastOf, before) =>
    changing(lastOf, async () => {
      const { clientId } = application
      const now = before && (await seen('client_id', clientId, application.tenantId))
      if (before && !isStill(now, before)) return 'differs'
      if (application.tenantId !== application.ownerTenantId) return putEnabled(application)
      const row = toTable(application)
      const { numUpdatedRows } = await db
        .updateTable('applications')
        .set(row)
        .where('client_id', '=', clientId)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) return 'kept'
      if (await isFull(db, 'applications', application.tenantId)) return 'full'
      const fresh = { client_id: clientId, tenant_id: application.tenantId }
      await db
        .insertInto('applications')
        .values({ ...fresh, ...row, secret_hash: '', created_ms: application.createdMs })
        .execute()
      return 'made'
    })

  async function putEnabled({ objectId, isEnabled }: DirectoryApplication): Promise<'kept'> {
    await db
      .updateTable('service_principals')
      .set({ enabled: isEnabled ? 1 : 0 })
      .where('object_id', '=', objectId)
      .execute()
    return 'kept'
  }

  const remove: DirectoryApplicationRows['remove'] = (clientId, lastOf) =>
    changing(lastOf, async () => {
      const found = await db
        .selectFrom('applications')
        .select('tenant_id')
        .where('client_id', '=', clientId)
        .where(inTenant('tenant_id', tenantId))
        .executeTakeFirst()
      if (!found) return undefined
      const was = await seen('client_id', clientId, found.tenant_id)
      await forgetApplication(db, clientId)
      return was
    })

  const addPrincipal: DirectoryApplicationRows['addPrincipal'] = (principal) =>
    changing('', async () => {
      const application = await db
        .selectFrom('applications')
        .select(['tenant_id', 'multi_tenant'])
        .where('client_id', '=', principal.clientId)
        .executeTakeFirst()
      if (!application || application.multi_tenant === 0) return 'none'
      if (await seen('client_id', principal.clientId, principal.tenantId)) return 'there'
      if (await isFull(db, 'service_principals', principal.tenantId)) return 'full'
      const { objectId, createdMs } = principal
      const row = { object_id: objectId, created_ms: createdMs, enabled: 1 }
      const names = { client_id: principal.clientId, tenant_id: principal.tenantId }
      await db
        .insertInto('service_principals')
        .values({ ...row, ...names })
        .execute()
      return 'made'
    })

  const removePrincipal: DirectoryApplicationRows['removePrincipal'] = (objectId, lastOf) =>
    changing(lastOf, async () => {
      const found = await seen('object_id', objectId, tenantId)
      if (!found?.isPrincipal) return undefined
      await forgetPrincipal(db, objectId)
      if (found.tenantId !== found.ownerTenantId) {
        await db.deleteFrom('service_principals').where('object_id', '=', objectId).execute()
        return found
      }
      await db
        .updateTable('applications')
        .set({ is_principal: 0 })
        .where('client_id', '=', found.clientId)
        .execute()
      return found
    })

  return { find, put, remove, addPrincipal, removePrincipal, ...credentialRows(db, changing) }
}

/** With its credentials and principals everywhere. */
export async function forgetApplication(db: Db, clientId: string): Promise<void> {
  const { rows } = await sql<{ object_id: string }>`
    select object_id from ${seenApplications} where client_id = ${clientId}`.execute(db)
  for (const { object_id } of rows) await forgetPrincipal(db, object_id)
  await db.deleteFrom('service_principals').where('client_id', '=', clientId).execute()
  await db.deleteFrom('credentials').where('client_id', '=', clientId).execute()
  await db.deleteFrom('applications').where('client_id', '=', clientId).execute()
}

function credentialRows(
  db: Db,
  changing: <Result>(lastOf: string, change: () => Promise<Result>) => Promise<Result>,
): Pick<
  DirectoryApplicationRows,
  'credentials' | 'addCredential' | 'replaceCredentials' | 'removeCredential'
> {
  async function credentials(clientId: string): Promise<readonly Credential[]> {
    const rows = await db
      .selectFrom('credentials')
      .selectAll()
      .where('client_id', '=', clientId)
      .orderBy('id')
      .limit(limits.credentialsMax)
      .execute()
    return rows.map(credentialFrom)
  }

  const addCredential: DirectoryApplicationRows['addCredential'] = (clientId, credential) =>
    changing('', async () => {
      if ((await credentials(clientId)).length >= limits.credentialsMax) return false
      await insert(clientId, credential)
      return true
    })

  const replaceCredentials: DirectoryApplicationRows['replaceCredentials'] = (
    clientId,
    { removed, added },
    lastOf,
  ) =>
    changing(lastOf, async () => {
      const kept = (await credentials(clientId)).filter(({ id }) => !removed.includes(id))
      if (kept.length + added.length > limits.credentialsMax) return false
      const gone = db.deleteFrom('credentials').where('client_id', '=', clientId)
      if (removed.length > 0) await gone.where('id', 'in', removed).execute()
      for (const one of added) await insert(clientId, one)
      return true
    })

  async function insert(clientId: string, credential: Credential): Promise<void> {
    const { displayName, startsMs, endsMs, ...same } = credential
    const times = { starts_ms: startsMs, ends_ms: endsMs }
    await db
      .insertInto('credentials')
      .values({ ...same, client_id: clientId, name: displayName ?? null, ...times })
      .execute()
  }

  const removeCredential: DirectoryApplicationRows['removeCredential'] = (clientId, id, lastOf) =>
    changing(lastOf, async () => {
      if (id === clientId) {
        const { numUpdatedRows } = await db
          .updateTable('applications')
          .set({ secret_hash: '' })
          .where('client_id', '=', clientId)
          .where('secret_hash', '<>', '')
          .executeTakeFirstOrThrow()
        return numUpdatedRows > 0n
      }
      const { numDeletedRows } = await db
        .deleteFrom('credentials')
        .where('client_id', '=', clientId)
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return numDeletedRows > 0n
    })

  return { credentials, addCredential, replaceCredentials, removeCredential }
}

/** What may change. */
function toTable(application: DirectoryApplication) {
  return {
    object_id: application.objectId,
    display_name: application.displayName,
    name_key: application.displayName.toLowerCase(),
    enabled: application.isEnabled ? 1 : 0,
    is_principal: application.isPrincipal ? 1 : 0,
    multi_tenant: application.isMultiTenant ? 1 : 0,
  }
}

function fromSeen(row: SeenApplication): DirectoryApplication {
  return {
    clientId: row.client_id,
    objectId: row.object_id,
    tenantId: row.tenant_id,
    ownerTenantId: row.owner_tenant_id,
    displayName: row.display_name,
    isEnabled: row.enabled === 1,
    isPrincipal: row.is_principal === 1,
    isMultiTenant: row.multi_tenant === 1,
    createdMs: row.created_ms,
    hasFirstSecret: row.secret_hash !== '' && row.tenant_id === row.owner_tenant_id,
  }
}

function credentialFrom(row: Selectable<CredentialTable>): Credential {
  return {
    id: row.id,
    // Only `insert` writes it.
    kind: row.kind as Credential['kind'],
    displayName: row.name ?? undefined,
    hint: row.hint,
    value: row.value,
    startsMs: row.starts_ms,
    endsMs: row.ends_ms,
  }
}
