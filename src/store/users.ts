import type { Insertable, Selectable } from 'kysely'
import type { User, UserRows } from '../domain/principals.ts'
import { writtenColumns, writtenFrom } from './directory-stamp.ts'
import { inTenant, isFull, isStill, principalsWhere } from './find-principals.ts'
import { endSignins } from './people.ts'
import { changingDirectory, type DatabaseClock, forgetPrincipal } from './root-owners.ts'
import type { Db, UserTable } from './schema.ts'

const columns = {
  id: 'id',
  displayName: 'name_key',
  principalName: 'principal_name_key',
  mail: 'mail_key',
}

/** Those of a tenant; of all where none is named. */
export function userRows(db: Db, nowMs: DatabaseClock, tenantId?: string): UserRows {
  const all = db.selectFrom('users').selectAll()
  const asked = { columns, order: 'id', tenantId }
  const changing = <Result>(lastOf: string, change: () => Promise<Result>): Promise<Result> =>
    changingDirectory(db, { lastOf, nowMs, tenantId }, change)

  const find: UserRows['find'] = async (query) => {
    const rows = await all
      .where(principalsWhere(query, asked))
      .orderBy('id')
      .limit(query.rowsMax)
      .execute()
    return rows.map(userFromTable)
  }

  const put: UserRows['put'] = (user, lastOf, before) =>
    changing(lastOf, async () => {
      const row = userToTable(user)
      const now = before && (await all.where('id', '=', user.id).executeTakeFirst())
      if (before && !isStill(now && userFromTable(now), before)) return 'differs'
      const named = await all
        .where('tenant_id', '=', row.tenant_id)
        .where('principal_name_key', '=', row.principal_name_key)
        .executeTakeFirst()
      if (named && named.id !== row.id) return 'named'
      const { id, created_ms: _, created_by: __, ...changed } = row
      const { numUpdatedRows } = await db
        .updateTable('users')
        .set(changed)
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      if (now && now.password_hash !== row.password_hash) await endSignins(db, id)
      if (numUpdatedRows > 0n) return 'kept'
      if (await isFull(db, 'users', user.tenantId)) return 'full'
      await db.insertInto('users').values(row).execute()
      return 'made'
    })

  const remove: UserRows['remove'] = (id, lastOf) =>
    changing(lastOf, async () => {
      const found = await all
        .where('id', '=', id)
        .where(inTenant('tenant_id', tenantId))
        .executeTakeFirst()
      if (!found) return undefined
      await forgetPrincipal(db, id)
      await db.deleteFrom('invitations').where('user_id', '=', id).execute()
      await db.deleteFrom('users').where('id', '=', id).execute()
      return userFromTable(found)
    })

  return { find, put, remove }
}

function userToTable(user: User): Insertable<UserTable> {
  return {
    id: user.id,
    principal_name_key: user.principalName.toLowerCase(),
    principal_name: user.principalName,
    name_key: user.displayName.toLowerCase(),
    name: user.displayName,
    mail_key: user.mail?.toLowerCase() ?? null,
    mail: user.mail ?? null,
    kind: user.kind,
    password_hash: user.passwordHash ?? null,
    must_change_password: user.mustChangePassword ? 1 : 0,
    enabled: user.isEnabled ? 1 : 0,
    ...writtenColumns(user),
    tenant_id: user.tenantId,
    external_state: user.guest?.state ?? null,
    external_ms: user.guest?.changedMs ?? null,
    home_id: user.guest?.homeId ?? null,
    home_tenant_id: user.guest?.homeTenantId ?? null,
  }
}

export function userFromTable(row: Selectable<UserTable>): User {
  return {
    id: row.id,
    principalName: row.principal_name,
    displayName: row.name,
    mail: row.mail ?? undefined,
    // Only `put` writes it.
    kind: row.kind as User['kind'],
    passwordHash: row.password_hash ?? undefined,
    mustChangePassword: row.must_change_password === 1,
    isEnabled: row.enabled === 1,
    ...writtenFrom(row),
    tenantId: row.tenant_id,
    guest: guestFrom(row),
  }
}

function guestFrom(row: Selectable<UserTable>): User['guest'] {
  if (row.external_state === null) return undefined
  return {
    // Only `put` and `redeem` write it.
    state: row.external_state as NonNullable<User['guest']>['state'],
    changedMs: row.external_ms ?? 0,
    homeId: row.home_id ?? undefined,
    homeTenantId: row.home_tenant_id ?? undefined,
  }
}
