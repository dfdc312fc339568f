import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** Template deployments, and what each of them does. */
export async function deployments(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  const statements = [
    `create table deployments (
  key ${key} not null primary key,
  scope_key ${key} not null,
  id text not null,
  name text not null,
  subscription text not null,
  run ${key} not null,
  state text not null,
  doc text not null,
  template text not null,
  sealed text,
  principal text not null,
  parent_run ${key},
  correlation_id text not null,
  started_ms bigint not null,
  updated_ms bigint not null,
  ended_ms bigint
)`,
    'create index deployments_by_scope on deployments (scope_key, key)',
    'create index deployments_by_parent on deployments (parent_run) where parent_run is not null',
    'create index deployments_by_end on deployments (scope_key, ended_ms)',
    `create table deployment_steps (
  deployment_key ${key} not null references deployments (key) on delete cascade,
  position bigint not null,
  resource_key ${key} not null,
  resource_id text not null,
  resource_type text not null,
  resource_name text not null,
  verb text not null,
  state text not null,
  operation ${key},
  status_code bigint,
  error text,
  started_ms bigint,
  ended_ms bigint,
  primary key (deployment_key, position)
)${inKey}`,
    'create index deployment_steps_by_operation on deployment_steps (operation) where operation is not null',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
