import { type Insertable, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import {
  assignableAt,
  type Permission,
  type RoleDefinition,
  type RoleDefinitionRows,
} from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import { directoryChanged, writtenColumns, writtenFrom } from './directory-stamp.ts'
import { isStill } from './find-principals.ts'
import type { DatabaseClock } from './root-owners.ts'
import type { Db, RoleDefinitionTable } from './schema.ts'

export function roleDefinitionRows(db: Db, nowMs: DatabaseClock): RoleDefinitionRows {
  const table = db.selectFrom('role_definitions').selectAll()

  async function all(): Promise<readonly RoleDefinition[]> {
    const rows = await table.orderBy('id').limit(limits.roleDefinitionsEverywhereMax).execute()
    return rows.map(fromTable)
  }

  const put: RoleDefinitionRows['put'] = async (definition, before) => {
    await directoryChanged(db)
    const row = toTable(definition)
    const everywhere = await all()
    const held = everywhere.filter(({ tenantId }) => tenantId === definition.tenantId)
    const named = held.find(({ name }) => name.toLowerCase() === row.name_key)
    if (named && named.id !== row.id) return 'named'
    const same = everywhere.find(({ id }) => id === row.id)
    if (same && same.tenantId !== definition.tenantId) return 'named'
    if (before && !same) return 'differs'
    if (!same) {
      if (held.length >= limits.roleDefinitionsMax) return 'full'
      if (everywhere.length >= limits.roleDefinitionsEverywhereMax) return 'full'
      await db.insertInto('role_definitions').values(row).execute()
      return 'made'
    }
    if (!before || !isStill(same, before)) return 'differs'
    if (await isAssignedOutside(definition)) return 'assigned'
    const { id, created_ms: _, created_by: __, ...changed } = row
    await db.updateTable('role_definitions').set(changed).where('id', '=', id).execute()
    return 'kept'
  }

  /** At each scope where somebody has it, it must go on being assignable: who may change a role may so at those alone. */
  async function isAssignedOutside(definition: RoleDefinition): Promise<boolean> {
    const rows = await db
      .selectFrom('assignments')
      .select('scope_key')
      .distinct()
      .where('role_id', '=', definition.id)
      .where(lastsAfter(await nowMs()))
      .execute()
    const isAssignable = assignableAt(definition)
    return rows.some(({ scope_key }) => !isAssignable(scope_key))
  }

  const remove: RoleDefinitionRows['remove'] = async (id) => {
    await directoryChanged(db)
    const found = await table.where('id', '=', id).executeTakeFirst()
    if (!found) return undefined
    const assigned = await db
      .selectFrom('assignments')
      .select('id')
      .where('role_id', '=', id)
      .where(lastsAfter(await nowMs()))
      .limit(1)
      .executeTakeFirst()
    if (assigned) return 'assigned'
    // What is over goes with it: prolonged, it would be one of a role that is not there.
    await db.deleteFrom('assignments').where('role_id', '=', id).execute()
    await db.deleteFrom('role_definitions').where('id', '=', id).execute()
    return fromTable(found)
  }

  return { all, put, remove }
}

/** Of whatever tenant. */
export async function roleDefinitionOf(db: Db, id: string): Promise<RoleDefinition | undefined> {
  const query = db.selectFrom('role_definitions').selectAll().where('id', '=', id)
  const row = await query.executeTakeFirst()
  return row && fromTable(row)
}

function lastsAfter(atMs: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`(expires_ms is null or expires_ms > ${atMs})`
}

function toTable(definition: RoleDefinition): Insertable<RoleDefinitionTable> {
  const { id, name, description, permissions, assignableScopes } = definition
  return {
    id,
    name_key: name.toLowerCase(),
    name,
    description,
    permissions: JSON.stringify(permissions),
    assignable_scopes: JSON.stringify(assignableScopes),
    tenant_id: definition.tenantId,
    ...writtenColumns(definition),
  }
}

function fromTable(row: Selectable<RoleDefinitionTable>): RoleDefinition {
  // Only `put` writes them.
  const permissions: readonly Permission[] = JSON.parse(row.permissions)
  const assignableScopes: readonly string[] = JSON.parse(row.assignable_scopes)
  const { id, tenant_id, name, description } = row
  const told = { id, tenantId: tenant_id, name, description }
  return { ...told, permissions, assignableScopes, ...writtenFrom(row) }
}
