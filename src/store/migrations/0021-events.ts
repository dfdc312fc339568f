import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** What happened, numbered after it was committed; what was told of last; who is told by webhook. */
export async function events(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  const statements = [
    'alter table operations add column asked text',
    `create table events (
  subscription ${key} not null,
  at_ms bigint not null,
  id ${key} not null,
  seq bigint,
  kind text not null,
  resource_key ${key} not null,
  resource_id text not null,
  action text not null,
  status text not null,
  code text,
  message text,
  operation_id text not null,
  correlation_id text not null,
  principal_id text not null,
  name text not null,
  tenant_id ${key} not null,
  about text not null,
  primary key (subscription, at_ms, id)
)${inKey}`,
    'create unique index events_by_seq on events (seq) where seq is not null',
    'create index events_unnumbered on events (at_ms, id) where seq is null',
    `create table event_marks (name ${key} not null primary key, value bigint not null)${inKey}`,
    `create table event_latest (
  definition_key ${key} not null,
  region ${key} not null,
  version text not null,
  primary key (definition_key, region)
)${inKey}`,
    `create table event_due (resource_key ${key} not null primary key, due_ms bigint not null)${inKey}`,
    'create index event_due_by_time on event_due (due_ms, resource_key)',
    `create table event_subscriptions (
  key ${key} not null primary key,
  id text not null,
  scope_key ${key} not null,
  doc text not null,
  secret text,
  principal text not null,
  state text not null,
  reason text,
  cursor bigint not null,
  attempts bigint not null,
  delivered_ms bigint,
  created_ms bigint not null,
  updated_ms bigint not null
)${inKey}`,
    'create index event_subscriptions_by_scope on event_subscriptions (scope_key, key)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
