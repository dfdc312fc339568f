import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** Users, groups and who is in them; several secrets and certificates of an application. */
export async function directory(db: QueryExecutorProvider): Promise<void> {
  for (const statement of statements(locksRows(db))) await sql.raw(statement).execute(db)
}

function statements(postgres: boolean): string[] {
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  return [
    `create table users (
  id ${key} not null primary key,
  principal_name_key ${key} not null unique,
  principal_name text not null,
  name_key ${key} not null,
  name text not null,
  mail_key ${key},
  mail text,
  kind text not null,
  password_hash text,
  enabled smallint not null,
  ${written}
)${inKey}`,
    `create table user_groups (
  id ${key} not null primary key,
  name_key ${key} not null,
  name text not null,
  description text,
  ${written}
)${inKey}`,
    `create table memberships (
  group_id ${key} not null references user_groups (id) on delete restrict,
  member_id ${key} not null,
  member_type text not null,
  primary key (group_id, member_id)
)${inKey}`,
    'create index memberships_by_member on memberships (member_id, group_id)',
    "alter table applications add column name_key text not null default ''",
    'alter table applications add column enabled smallint not null default 1',
    'alter table applications add column is_principal smallint not null default 1',
    'alter table applications add column created_ms bigint not null default 0',
    'update applications set name_key = lower(display_name)',
    `create table credentials (
  id ${key} not null primary key,
  client_id ${key} not null references applications (client_id) on delete restrict,
  kind text not null,
  name text,
  hint text not null,
  value text not null,
  starts_ms bigint not null,
  ends_ms bigint not null
)${inKey}`,
    'create index credentials_by_client on credentials (client_id, id)',
  ]
}

const written = [
  'created_ms bigint not null',
  'created_by text not null',
  'updated_ms bigint not null',
  'updated_by text not null',
].join(',\n  ')
