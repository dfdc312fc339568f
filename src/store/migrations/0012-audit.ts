import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** What was granted, changed and denied: by whom, when and where. */
export async function audit(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const statements = [
    `create table audit (
  at_ms bigint not null,
  id ${key} not null,
  tenant_id ${key} not null,
  principal_id ${key} not null,
  name text not null,
  action text not null,
  scope_key ${key} not null,
  scope text not null,
  outcome text not null,
  about text not null,
  correlation_id text not null,
  primary key (at_ms, id)
)${postgres ? '' : ' without rowid'}`,
    'create index audit_by_scope on audit (scope_key, at_ms, id)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
