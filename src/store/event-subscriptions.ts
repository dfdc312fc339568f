import type { Selectable } from 'kysely'
import type { EventSubscriptionRow, EventSubscriptionRows } from '../domain/event-subscriptions.ts'
import { isAtOrBelow } from './at-or-below.ts'
import type { EventSubscriptionTable } from './event-schema.ts'
import type { Db } from './schema.ts'
import { fromJson } from './values.ts'

export function eventSubscriptionRows(db: Db): EventSubscriptionRows {
  const all = db.selectFrom('event_subscriptions').selectAll()

  async function get(key: string): Promise<EventSubscriptionRow | undefined> {
    const row = await all.where('key', '=', key).executeTakeFirst()
    return row && fromTable(row)
  }

  async function put(row: EventSubscriptionRow): Promise<void> {
    const values = toTable(row)
    await db
      .insertInto('event_subscriptions')
      .values(values)
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute()
  }

  async function remove(key: string): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('event_subscriptions')
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  async function of(scopeKey: string): Promise<readonly EventSubscriptionRow[]> {
    const rows = await all.where('scope_key', '=', scopeKey).orderBy('key').execute()
    return rows.map(fromTable)
  }

  async function count(scopeKey: string): Promise<number> {
    const { rows } = await db
      .selectFrom('event_subscriptions')
      .select(({ fn }) => fn.countAll().as('rows'))
      .where(isAtOrBelow('scope_key', scopeKey))
      .executeTakeFirstOrThrow()
    return Number(rows)
  }

  async function active(after: string, rowsMax: number): Promise<readonly EventSubscriptionRow[]> {
    const rows = await all
      .where('state', '=', 'Active')
      .where('key', '>', after)
      .orderBy('key')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const delivered: EventSubscriptionRows['delivered'] = async (key, was, to) => {
    await db
      .updateTable('event_subscriptions')
      .set({
        cursor: to.cursor,
        attempts: to.attempts,
        state: to.state,
        reason: to.reason ?? null,
        delivered_ms: to.deliveredMs ?? null,
        updated_ms: to.updatedMs,
        ...(to.doc && { doc: JSON.stringify(to.doc) }),
      })
      .where('key', '=', key)
      .where('cursor', '=', was.cursor)
      .where('updated_ms', '=', was.updatedMs)
      .execute()
  }

  async function revive(key: string, nowMs: number): Promise<void> {
    await db
      .updateTable('event_subscriptions')
      .set({ state: 'Active', reason: null, attempts: 0, updated_ms: nowMs })
      .where('key', '=', key)
      .execute()
  }

  return { get, put, remove, of, count, active, delivered, revive }
}

/** Those at a resource or below it end with it. */
export async function forgetEventSubscriptionsAt(db: Db, key: string): Promise<void> {
  await db.deleteFrom('event_subscriptions').where(isAtOrBelow('scope_key', key)).execute()
}

function toTable(row: EventSubscriptionRow): EventSubscriptionTable {
  return {
    key: row.key,
    id: row.id,
    scope_key: row.scopeKey,
    doc: JSON.stringify(row.doc),
    secret: row.secret ?? null,
    principal: JSON.stringify(row.principal),
    state: row.state,
    reason: row.reason ?? null,
    cursor: row.cursor,
    attempts: row.attempts,
    delivered_ms: row.deliveredMs ?? null,
    created_ms: row.createdMs,
    updated_ms: row.updatedMs,
  }
}

function fromTable(row: Selectable<EventSubscriptionTable>): EventSubscriptionRow {
  return {
    key: row.key,
    id: row.id,
    scopeKey: row.scope_key,
    doc: fromJson(row.doc),
    secret: row.secret ?? undefined,
    principal: fromJson(row.principal),
    state: row.state === 'Dead' ? 'Dead' : 'Active',
    reason: row.reason ?? undefined,
    cursor: row.cursor,
    attempts: row.attempts,
    deliveredMs: row.delivered_ms ?? undefined,
    createdMs: row.created_ms,
    updatedMs: row.updated_ms,
  }
}
