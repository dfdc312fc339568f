import type { Selectable } from 'kysely'
import type { Group, GroupRows } from '../domain/principals.ts'
import { directoryChanged, writtenColumns, writtenFrom } from './directory-stamp.ts'
import { inTenant, isFull, isStill, principalsWhere } from './find-principals.ts'
import { changingDirectory, type DatabaseClock, forgetPrincipal } from './root-owners.ts'
import type { Db, GroupTable } from './schema.ts'

const columns = { id: 'id', displayName: 'name_key' }

/** Those of a tenant; of all where none is named. */
export function groupRows(db: Db, nowMs: DatabaseClock, tenantId?: string): GroupRows {
  const all = db.selectFrom('user_groups').selectAll()
  const asked = { columns, order: 'id', tenantId }

  const find: GroupRows['find'] = async (query) => {
    const rows = await all
      .where(principalsWhere(query, asked))
      .orderBy('id')
      .limit(query.rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const put: GroupRows['put'] = async (group, before) => {
    await directoryChanged(db)
    const row = toTable(group)
    const now = before && (await all.where('id', '=', group.id).executeTakeFirst())
    if (before && !isStill(now && fromTable(now), before)) return 'differs'
    const { id, created_ms: _, created_by: __, ...changed } = row
    const { numUpdatedRows } = await db
      .updateTable('user_groups')
      .set(changed)
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows > 0n) return 'kept'
    if (await isFull(db, 'user_groups', group.tenantId)) return 'full'
    await db.insertInto('user_groups').values(row).execute()
    return 'made'
  }

  const remove: GroupRows['remove'] = (id, lastOf) =>
    changingDirectory(db, { lastOf, nowMs, tenantId }, async () => {
      const found = await all
        .where('id', '=', id)
        .where(inTenant('tenant_id', tenantId))
        .executeTakeFirst()
      if (!found) return undefined
      await forgetPrincipal(db, id)
      await db.deleteFrom('memberships').where('group_id', '=', id).execute()
      await db.deleteFrom('user_groups').where('id', '=', id).execute()
      return fromTable(found)
    })

  return { find, put, remove }
}

function toTable(group: Group): GroupTable {
  return {
    id: group.id,
    name_key: group.displayName.toLowerCase(),
    name: group.displayName,
    description: group.description ?? null,
    ...writtenColumns(group),
    tenant_id: group.tenantId,
  }
}

function fromTable(row: Selectable<GroupTable>): Group {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    displayName: row.name,
    description: row.description ?? undefined,
    ...writtenFrom(row),
  }
}
