import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** What is under way of sign-ins, how often somebody failed, and passwords that must be changed. */
export async function signin(db: QueryExecutorProvider): Promise<void> {
  for (const statement of statements(locksRows(db))) await sql.raw(statement).execute(db)
}

function statements(postgres: boolean): string[] {
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  return [
    `create table signin_states (
  key ${key} not null primary key,
  kind ${key} not null,
  text text not null,
  grant_key ${key},
  alias ${key},
  account_id ${key},
  expires_ms bigint not null,
  used_ms bigint,
  asked_ms bigint not null default 0
)${inKey}`,
    'create index signin_states_by_grant on signin_states (grant_key) where grant_key is not null',
    'create unique index signin_states_by_alias on signin_states (alias) where alias is not null',
    'create index signin_states_by_account on signin_states (account_id) where account_id is not null',
    'create index signin_states_by_kind on signin_states (kind)',
    'create index signin_states_by_end on signin_states (expires_ms)',
    `create table signin_tries (
  key ${key} not null primary key,
  tries bigint not null,
  ends_ms bigint not null
)${inKey}`,
    'create index signin_tries_by_end on signin_tries (ends_ms)',
    'alter table users add column must_change_password smallint not null default 0',
  ]
}
