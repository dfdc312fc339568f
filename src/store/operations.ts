import type { Selectable } from 'kysely'
import { type EventRows, operationEvent } from '../domain/events.ts'
import type { OperationRow } from '../domain/rows.ts'
import { wakeDeployments } from './deployment-steps.ts'
import { prepared } from './prepared.ts'
import type { Db, OperationTable } from './schema.ts'
import type { OperationRows } from './store.ts'
import { fromJson } from './values.ts'

type OperationEnd = Pick<OperationTable, 'id' | 'status' | 'error' | 'output' | 'ended_ms'>

/**
 * Each one that begins or ends is told by an event, in the same transaction. `woken` is told when somebody waited for one
 * that ends.
 */
export function operationRows(
  db: Db,
  events: Pick<EventRows, 'add'>,
  woken: () => void,
): OperationRows {
  const all = db.selectFrom('operations').selectAll()
  const byId = prepared(db, ({ id }: { id: string }) => all.where('id', '=', id))
  const insertOne = prepared(db, (row: OperationTable) => db.insertInto('operations').values(row))

  const unfinished = prepared(db, ({ key }: { key: string }) =>
    all.where('key', '=', key).where('ended_ms', 'is', null).orderBy('started_ms').orderBy('id'),
  )
  const end = prepared(db, ({ id, ...columns }: OperationEnd) =>
    db
      .updateTable('operations')
      .set(columns)
      .where('id', '=', id)
      .where('ended_ms', 'is', null)
      .returningAll(),
  )

  async function get(id: string): Promise<OperationRow | undefined> {
    const { rows } = await byId({ id })
    return rows[0] && fromTable(rows[0])
  }

  async function insert(row: OperationRow): Promise<void> {
    await insertOne(toTable(row))
    await events.add([operationEvent(row)])
  }

  async function unfinishedOf(key: string): Promise<readonly OperationRow[]> {
    return (await unfinished({ key })).rows.map(fromTable)
  }

  const finish: OperationRows['finish'] = async (id, { status, error, output, endedMs }) => {
    const ended = await end({
      ...{ id, status, ended_ms: endedMs },
      ...{ error: orNull(error), output: orNull(output) },
    })
    await events.add(ended.rows.map((row) => operationEvent(fromTable(row))))
    if (await wakeDeployments(db, id, endedMs)) woken()
  }

  async function prune(endedBeforeMs: number, rowsMax: number): Promise<number> {
    const old = db
      .selectFrom('operations')
      .select('id')
      .where('ended_ms', '<', endedBeforeMs)
      .orderBy('ended_ms')
      .limit(rowsMax)
    const { numDeletedRows } = await db
      .deleteFrom('operations')
      .where('id', 'in', old)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  return { get, insert, unfinishedOf, finish, prune }
}

function orNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function toTable(row: OperationRow): OperationTable {
  return {
    id: row.id,
    key: row.key,
    subscription: row.subscription,
    generation: row.generation,
    flavour: row.flavour,
    verb: row.verb,
    status: row.status,
    error: orNull(row.error),
    output: orNull(row.output),
    principal_id: row.principalId,
    correlation_id: row.correlationId,
    asked: orNull(row.asked),
    started_ms: row.startedMs,
    ended_ms: row.endedMs ?? null,
  }
}

function fromTable(row: Selectable<OperationTable>): OperationRow {
  return {
    id: row.id,
    key: row.key,
    subscription: row.subscription,
    generation: row.generation,
    flavour: row.flavour as OperationRow['flavour'],
    verb: row.verb as OperationRow['verb'],
    status: row.status as OperationRow['status'],
    error: row.error === null ? undefined : fromJson(row.error),
    output: row.output === null ? undefined : fromJson(row.output),
    principalId: row.principal_id,
    correlationId: row.correlation_id,
    asked: row.asked === null ? undefined : fromJson(row.asked),
    startedMs: row.started_ms,
    endedMs: row.ended_ms ?? undefined,
  }
}
