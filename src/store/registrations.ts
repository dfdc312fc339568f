import type { Selectable } from 'kysely'
import { limits } from '../domain/limits.ts'
import type {
  Credential,
  DirectoryApplication,
  DirectoryApplicationRows,
} from '../domain/principals.ts'
import { isFull, isStill, principalsWhere } from './find-principals.ts'
import { changingDirectory, type DatabaseClock, forgetPrincipal } from './root-owners.ts'
import type { ApplicationTable, CredentialTable, Db } from './schema.ts'

const columns = { id: 'object_id', clientId: 'client_id', displayName: 'name_key' }

export function registrationRows(db: Db, nowMs: DatabaseClock): DirectoryApplicationRows {
  const all = db.selectFrom('applications').selectAll()
  const changing = <Result>(lastOf: string, change: () => Promise<Result>): Promise<Result> =>
    changingDirectory(db, { lastOf, nowMs }, change)

  const find: DirectoryApplicationRows['find'] = async (query) => {
    const rows = await all
      .where(principalsWhere(query, columns, 'client_id'))
      .orderBy('client_id')
      .limit(query.rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const put: DirectoryApplicationRows['put'] = (application, lastOf, before) =>
    changing(lastOf, async () => {
      const row = toTable(application)
      const named = all.where('client_id', '=', application.clientId)
      const now = before && (await named.executeTakeFirst())
      if (before && !isStill(now && fromTable(now), before)) return 'differs'
      const { numUpdatedRows } = await db
        .updateTable('applications')
        .set(row)
        .where('client_id', '=', application.clientId)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) return 'kept'
      if (await isFull(db, 'applications')) return 'full'
      const fresh = { client_id: application.clientId, tenant_id: application.tenantId }
      await db
        .insertInto('applications')
        .values({ ...fresh, ...row, secret_hash: '', created_ms: application.createdMs })
        .execute()
      return 'made'
    })

  const remove: DirectoryApplicationRows['remove'] = (clientId, lastOf) =>
    changing(lastOf, async () => {
      const found = await all.where('client_id', '=', clientId).executeTakeFirst()
      if (!found) return undefined
      await forgetPrincipal(db, found.object_id)
      await db.deleteFrom('credentials').where('client_id', '=', clientId).execute()
      await db.deleteFrom('applications').where('client_id', '=', clientId).execute()
      return fromTable(found)
    })

  const removePrincipal: DirectoryApplicationRows['removePrincipal'] = (objectId, lastOf) =>
    changing(lastOf, async () => {
      const named = all.where('object_id', '=', objectId).where('is_principal', '=', 1)
      const found = await named.executeTakeFirst()
      if (!found) return undefined
      await forgetPrincipal(db, objectId)
      await db
        .updateTable('applications')
        .set({ is_principal: 0 })
        .where('client_id', '=', found.client_id)
        .execute()
      return fromTable(found)
    })

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
      const { displayName, startsMs, endsMs, ...same } = credential
      const times = { starts_ms: startsMs, ends_ms: endsMs }
      await db
        .insertInto('credentials')
        .values({ ...same, client_id: clientId, name: displayName ?? null, ...times })
        .execute()
      return true
    })

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

  return { find, put, remove, removePrincipal, credentials, addCredential, removeCredential }
}

/** What may change. */
function toTable(application: DirectoryApplication) {
  return {
    object_id: application.objectId,
    display_name: application.displayName,
    name_key: application.displayName.toLowerCase(),
    enabled: application.isEnabled ? 1 : 0,
    is_principal: application.isPrincipal ? 1 : 0,
  }
}

function fromTable(row: Selectable<ApplicationTable>): DirectoryApplication {
  return {
    clientId: row.client_id,
    objectId: row.object_id,
    tenantId: row.tenant_id,
    displayName: row.display_name,
    isEnabled: row.enabled === 1,
    isPrincipal: row.is_principal === 1,
    createdMs: row.created_ms,
    hasFirstSecret: row.secret_hash !== '',
  }
}

function credentialFrom(row: Selectable<CredentialTable>): Credential {
  return {
    id: row.id,
    // Only `addCredential` writes it.
    kind: row.kind as Credential['kind'],
    displayName: row.name ?? undefined,
    hint: row.hint,
    value: row.value,
    startsMs: row.starts_ms,
    endsMs: row.ends_ms,
  }
}
