import { type Expression, type ExpressionBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import { type EventQuery, type EventRow, type EventRows, resourceKeyOf } from '../domain/events.ts'
import { eventMarks } from './event-marks.ts'
import type { EventTable } from './event-schema.ts'
import { keyRanges } from './key-ranges.ts'
import { prepared } from './prepared.ts'
import type { Db, Schema } from './schema.ts'
import { fromJson, pagesOf } from './values.ts'

/** Rows that one page looks at: some tens of milliseconds, however little of them is asked for. */
const scannedMax = 20_000

export function eventRows(db: Db): EventRows {
  const marks = eventMarks(db)
  const insertOne = prepared(db, (row: EventTable) =>
    db
      .insertInto('events')
      .values(row)
      .onConflict((conflict) => conflict.columns(['subscription', 'at_ms', 'id']).doNothing()),
  )

  async function add(events: readonly EventRow[]): Promise<void> {
    for (const event of events) await insertOne(toTable(event))
  }

  const inTime = ({ subscription, sinceMs, untilMs, after }: EventQuery) =>
    db
      .selectFrom('events')
      .where('subscription', '=', subscription)
      .where('at_ms', '>=', sinceMs)
      .where('at_ms', '<', untilMs)
      .$if(after !== undefined, (query) =>
        query.where(sql<SqlBool>`(at_ms, id) < (${after?.atMs ?? 0}, ${after?.id ?? ''})`),
      )
      .orderBy('at_ms', 'desc')
      .orderBy('id', 'desc')

  const list: EventRows['list'] = async (query) => {
    const scan = inTime(query)
    const [behind] = await scan
      .select(['at_ms', 'id'])
      .offset(scannedMax - 1)
      .limit(1)
      .execute()
    const found = await scan
      .selectAll()
      .where((where) => where.and(narrowed(where, query)))
      .$if(behind !== undefined, (each) =>
        each.where(sql<SqlBool>`(at_ms, id) >= (${behind?.at_ms ?? 0}, ${behind?.id ?? ''})`),
      )
      .limit(query.rowsMax + 1)
      .execute()
    const rows = found.slice(0, query.rowsMax).map(fromTable)
    if (found.length > query.rowsMax) return { rows, next: rows.at(-1) }
    return { rows, next: behind && { atMs: behind.at_ms, id: behind.id } }
  }

  async function number(rowsMax: number): Promise<number> {
    const from = await marks.lock('numbered')
    const waiting = db
      .selectFrom('events')
      .select(['subscription', 'at_ms', 'id'])
      .where('seq', 'is', null)
      .orderBy('at_ms')
      .orderBy('id')
      .limit(rowsMax)
    const { numAffectedRows = 0n } = await sql`update events set seq = numbered.next
      from (
        select subscription, at_ms, id,
          cast(${from} as bigint) + row_number() over (order by at_ms, id) as next
        from (${waiting}) as waiting
      ) as numbered
      where events.subscription = numbered.subscription
        and events.at_ms = numbered.at_ms and events.id = numbered.id`.execute(db)
    const numbered = Number(numAffectedRows)
    if (numbered > 0) await marks.move('numbered', from + numbered)
    return numbered
  }

  async function isBehind(): Promise<boolean> {
    const found = await db
      .selectFrom('events')
      .select('id')
      .where('seq', 'is', null)
      .limit(1)
      .execute()
    return found.length > 0
  }

  const after: EventRows['after'] = async (seq, rowsMax) => {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({ ...fromTable(row), seq: row.seq ?? 0 }))
  }

  async function prune(beforeMs: number, rowsMax: number): Promise<number> {
    // By number: the oldest have the lowest, and those that have none are still to be told.
    const old = await db
      .selectFrom('events')
      .select(['seq', 'at_ms'])
      .where('seq', 'is not', null)
      .orderBy('seq')
      .limit(rowsMax)
      .execute()
    const past = old.flatMap(({ seq, at_ms }) => (seq !== null && at_ms < beforeMs ? [seq] : []))
    for (const page of pagesOf(past)) {
      await db.deleteFrom('events').where('seq', 'in', page).execute()
    }
    const before = past.length > 0 ? await marks.lock('forgotten') : 0
    const to = past.at(-1) ?? 0
    if (to > before) await marks.move('forgotten', to)
    return past.length
  }

  const last = () => marks.read('numbered')
  const forgotten = () => marks.read('forgotten')
  return { add, list, number, isBehind, after, last, forgotten, prune }
}

type Where = ExpressionBuilder<Schema, 'events'>

function narrowed(where: Where, query: EventQuery): Expression<SqlBool>[] {
  const { within, correlationId, by, tenantId, kinds, status, provider } = query
  const equal = { correlation_id: correlationId, tenant_id: tenantId, status } as const
  const found: Expression<SqlBool>[] = []
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) found.push(where(sql.ref(`events.${column}`), '=', value))
  }
  if (by !== undefined)
    found.push(where.or([where('name', '=', by), where('principal_id', '=', by)]))
  if (kinds) found.push(where('kind', 'in', kinds))
  if (within) found.push(where.or(placedIn(where, within)))
  if (provider !== undefined) {
    // '0' follows '/'.
    found.push(where(sql`lower(action)`, '>=', `${provider}/`))
    found.push(where(sql`lower(action)`, '<', `${provider}0`))
  }
  return found
}

function placedIn(where: Where, within: readonly string[]): Expression<SqlBool>[] {
  return keyRanges(within, undefined).map(({ from, until }) =>
    where.and([
      where('resource_key', '>=', from),
      ...(until === undefined ? [] : [where('resource_key', '<', until)]),
    ]),
  )
}

function toTable(event: EventRow): EventTable {
  return {
    subscription: event.subscription,
    at_ms: event.atMs,
    id: event.id,
    seq: null,
    kind: event.kind,
    resource_key: resourceKeyOf(event),
    resource_id: event.resourceId,
    action: event.action,
    status: event.status,
    code: event.error?.code ?? null,
    message: event.error?.message ?? null,
    operation_id: event.operationId,
    correlation_id: event.correlationId,
    principal_id: event.principalId,
    name: event.name,
    tenant_id: event.tenantId,
    about: JSON.stringify(event.about),
  }
}

function fromTable(row: Selectable<EventTable>): EventRow {
  return {
    id: row.id,
    atMs: row.at_ms,
    subscription: row.subscription,
    // Only `add` writes them.
    kind: row.kind as EventRow['kind'],
    resourceId: row.resource_id,
    action: row.action,
    status: row.status as EventRow['status'],
    error: row.code === null ? undefined : { code: row.code, message: row.message ?? '' },
    operationId: row.operation_id,
    correlationId: row.correlation_id,
    principalId: row.principal_id,
    name: row.name,
    tenantId: row.tenant_id,
    about: fromJson(row.about),
  }
}
