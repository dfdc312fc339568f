import { type SqlBool, sql } from 'kysely'
import { type LockRows, lockLineage, type ResourceLock } from '../domain/locks.ts'
import { keyOf } from '../domain/resource-id.ts'
import { isBelow } from './at-or-below.ts'
import { inText } from './in-text.ts'
import type { LockTable } from './lock-schema.ts'
import { locksRows } from './locks-rows.ts'
import { preparedList } from './prepared.ts'
import type { Db } from './schema.ts'
import { subscriptionOf } from './tag-rows-of.ts'

/** Any number that nobody else locks in this database: "LOCK". */
const turns = 0x4c4f434b

const toldMax = 10

export function lockRows(db: Db): LockRows {
  const all = db.selectFrom('locks').selectAll()
  const several = locksRows(db)

  /** SQLite has one writer. Elsewhere changes of resources go beside one another, and changes of locks alone. */
  async function take(lock: 'pg_advisory_xact_lock' | 'pg_advisory_xact_lock_shared', key: string) {
    if (!several) return
    const subscription = subscriptionOf(key)
    await sql`select ${sql.raw(lock)}(${sql.lit(turns)}, hashtext(${subscription}))`.execute(db)
  }

  const turn: LockRows['turn'] = (key) => take('pg_advisory_xact_lock', key)

  const get: LockRows['get'] = async (scopeKey, name) => {
    const row = await all
      .where('scope_key', '=', scopeKey)
      .where('name_key', '=', name.toLowerCase())
      .executeTakeFirst()
    return row && fromTable(row)
  }

  const find: LockRows['find'] = async ({ at, below, after, rowsMax }) => {
    const rows = await all
      .where((where) =>
        where.or([
          where('scope_key', 'in', at),
          ...(below === undefined ? [] : [isBelow('scope_key', below)]),
        ]),
      )
      .$if(after !== undefined, (query) =>
        query.where(
          sql<SqlBool>`(scope_key, name_key) > (${after?.scopeKey ?? ''}, ${after?.name.toLowerCase() ?? ''})`,
        ),
      )
      .orderBy('scope_key')
      .orderBy('name_key')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function put(lock: ResourceLock): Promise<void> {
    const row = toTable(lock)
    const { level, notes, owners, updated_ms, updated_by, updated_by_kind } = row
    const changed = { level, notes, owners, updated_ms, updated_by, updated_by_kind }
    await db
      .insertInto('locks')
      .values(row)
      .onConflict((conflict) => conflict.columns(['scope_key', 'name_key']).doUpdateSet(changed))
      .execute()
  }

  async function remove(scopeKey: string, name: string): Promise<void> {
    await db
      .deleteFrom('locks')
      .where('scope_key', '=', scopeKey)
      .where('name_key', '=', name.toLowerCase())
      .execute()
  }

  const above = preparedList(db, (keys) =>
    all.where('scope_key', 'in', keys).orderBy('scope_key').limit(inText(toldMax)),
  )

  const against: LockRows['against'] = async (verb, key) => {
    await take('pg_advisory_xact_lock_shared', key)
    const { rows } = await above(lockLineage(key))
    if (verb === 'write') return rows.filter(({ level }) => level === 'ReadOnly').map(fromTable)
    if (rows.length > 0) return rows.map(fromTable)
    const inside = all.where(isBelow('scope_key', key)).orderBy('scope_key').limit(toldMax)
    return (await inside.execute()).map(fromTable)
  }

  return { turn, get, find, put, remove, against }
}

/** Locks end with what they lock. */
export async function forgetLocksAt(db: Db, key: string): Promise<void> {
  await db.deleteFrom('locks').where('scope_key', '=', key).execute()
}

function toTable(lock: ResourceLock): LockTable {
  return {
    scope_key: keyOf(lock.scope),
    name_key: lock.name.toLowerCase(),
    scope: lock.scope,
    name: lock.name,
    level: lock.level,
    notes: lock.notes ?? null,
    owners: JSON.stringify(lock.owners),
    created_ms: lock.createdMs,
    created_by: lock.createdBy.name,
    created_by_kind: lock.createdBy.kind,
    updated_ms: lock.updatedMs,
    updated_by: lock.updatedBy.name,
    updated_by_kind: lock.updatedBy.kind,
  }
}

function fromTable(row: LockTable): ResourceLock {
  return {
    name: row.name,
    scope: row.scope,
    level: row.level,
    notes: row.notes ?? undefined,
    owners: JSON.parse(row.owners),
    createdMs: row.created_ms,
    createdBy: { name: row.created_by, kind: row.created_by_kind },
    updatedMs: row.updated_ms,
    updatedBy: { name: row.updated_by, kind: row.updated_by_kind },
  }
}
