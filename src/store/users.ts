import type { Selectable } from 'kysely'
import type { User, UserRows } from '../domain/principals.ts'
import { writtenColumns, writtenFrom } from './directory-stamp.ts'
import { isFull, isStill, principalsWhere } from './find-principals.ts'
import { changingDirectory, type DatabaseClock, forgetPrincipal } from './root-owners.ts'
import type { Db, UserTable } from './schema.ts'

const columns = {
  id: 'id',
  displayName: 'name_key',
  principalName: 'principal_name_key',
  mail: 'mail_key',
}

export function userRows(db: Db, nowMs: DatabaseClock): UserRows {
  const all = db.selectFrom('users').selectAll()

  const find: UserRows['find'] = async (query) => {
    const rows = await all
      .where(principalsWhere(query, columns, 'id'))
      .orderBy('id')
      .limit(query.rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const put: UserRows['put'] = (user, lastOf, before) =>
    changingDirectory(db, { lastOf, nowMs }, async () => {
      const row = toTable(user)
      const now = before && (await all.where('id', '=', user.id).executeTakeFirst())
      if (before && !isStill(now && fromTable(now), before)) return 'differs'
      const named = await all
        .where('principal_name_key', '=', row.principal_name_key)
        .executeTakeFirst()
      if (named && named.id !== row.id) return 'named'
      const { id, created_ms: _, created_by: __, ...changed } = row
      const { numUpdatedRows } = await db
        .updateTable('users')
        .set(changed)
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) return 'kept'
      if (await isFull(db, 'users')) return 'full'
      await db.insertInto('users').values(row).execute()
      return 'made'
    })

  const remove: UserRows['remove'] = (id, lastOf) =>
    changingDirectory(db, { lastOf, nowMs }, async () => {
      const found = await all.where('id', '=', id).executeTakeFirst()
      if (!found) return undefined
      await forgetPrincipal(db, id)
      await db.deleteFrom('users').where('id', '=', id).execute()
      return fromTable(found)
    })

  return { find, put, remove }
}

function toTable(user: User): UserTable {
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
    enabled: user.isEnabled ? 1 : 0,
    ...writtenColumns(user),
  }
}

function fromTable(row: Selectable<UserTable>): User {
  return {
    id: row.id,
    principalName: row.principal_name,
    displayName: row.name,
    mail: row.mail ?? undefined,
    // Only `put` writes it.
    kind: row.kind as User['kind'],
    passwordHash: row.password_hash ?? undefined,
    isEnabled: row.enabled === 1,
    ...writtenFrom(row),
  }
}
