import { type Expression, type ExpressionBuilder, type Selectable, type SqlBool, sql } from 'kysely'
import type { AuditEntry, AuditRows } from '../domain/audit.ts'
import { keyOf } from '../domain/resource-id.ts'
import { keyRanges } from './key-ranges.ts'
import type { AuditTable, Db, Schema } from './schema.ts'
import { pagesOf } from './values.ts'

export function auditRows(db: Db): AuditRows {
  async function add(entries: readonly AuditEntry[]): Promise<void> {
    for (const page of pagesOf(entries))
      await db.insertInto('audit').values(page.map(toTable)).execute()
  }

  const list: AuditRows['list'] = async ({ within, above, outcomes, ...query }) => {
    const { sinceMs, untilMs, after, rowsMax } = query
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where((where) => where.or([...placedIn(where, within), ...placedAbove(where, above)]))
      .$if(outcomes !== undefined, (each) => each.where('outcome', 'in', outcomes ?? []))
      .$if(sinceMs !== undefined, (each) => each.where('at_ms', '>=', sinceMs ?? 0))
      .$if(untilMs !== undefined, (each) => each.where('at_ms', '<', untilMs ?? 0))
      .$if(after !== undefined, (each) =>
        each.where(sql<SqlBool>`(at_ms, id) < (${after?.atMs ?? 0}, ${after?.id ?? ''})`),
      )
      .orderBy('at_ms', 'desc')
      .orderBy('id', 'desc')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function prune(beforeMs: number, rowsMax: number): Promise<number> {
    const { numAffectedRows = 0n } = await db.run(
      sql`delete from audit where (at_ms, id) in (
        select at_ms, id from audit where at_ms < ${beforeMs} order by at_ms, id limit ${rowsMax}
      )`.compile(db),
    )
    return Number(numAffectedRows)
  }

  return { add, list, prune }
}

type Where = ExpressionBuilder<Schema, 'audit'>

function placedIn(where: Where, within: readonly string[]): Expression<SqlBool>[] {
  return keyRanges(within, undefined).map(({ from, until }) =>
    where.and([
      where('scope_key', '>=', from),
      ...(until === undefined ? [] : [where('scope_key', '<', until)]),
    ]),
  )
}

function placedAbove(where: Where, tenantId: string | undefined): Expression<SqlBool>[] {
  if (tenantId === undefined) return []
  // '0' follows '/'.
  const isAbove = where.or([
    where('scope_key', '<', '/subscriptions/'),
    where('scope_key', '>=', '/subscriptions0'),
  ])
  return [where.and([where('tenant_id', '=', tenantId), isAbove])]
}

function toTable(entry: AuditEntry): AuditTable {
  return {
    at_ms: entry.atMs,
    id: entry.id,
    tenant_id: entry.tenantId,
    principal_id: entry.principalId,
    name: entry.name,
    action: entry.action,
    scope_key: keyOf(entry.scope),
    scope: entry.scope,
    outcome: entry.outcome,
    about: JSON.stringify(entry.about),
    correlation_id: entry.correlationId,
  }
}

function fromTable(row: Selectable<AuditTable>): AuditEntry {
  return {
    id: row.id,
    atMs: row.at_ms,
    tenantId: row.tenant_id,
    principalId: row.principal_id,
    name: row.name,
    action: row.action,
    scope: row.scope,
    // Only `add` writes it.
    outcome: row.outcome as AuditEntry['outcome'],
    about: JSON.parse(row.about),
    correlationId: row.correlation_id,
  }
}
