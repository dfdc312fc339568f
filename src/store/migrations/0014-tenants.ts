import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** Several tenants, who belongs to which, principals of applications in tenants not their own, guests and invitations. */
export async function tenants(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const statements = [
    ...newTables(postgres),
    ...(postgres ? uniquePerTenant : rebuilt),
    ...['user_groups', 'assignments'].map(
      (table) => `alter table ${table} add column tenant_id ${tenantColumn(postgres)}`,
    ),
    'alter table applications add column multi_tenant smallint not null default 0',
    ...['users', 'user_groups', 'assignments', 'role_definitions'].map(
      (table) => `update ${table} set tenant_id = ${onlyTenant}`,
    ),
    'create unique index users_by_principal_name on users (tenant_id, principal_name_key)',
    'create unique index role_definitions_by_name on role_definitions (tenant_id, name_key)',
    'create index users_by_tenant on users (tenant_id, id)',
    'create index users_by_home on users (home_id)',
    'create index user_groups_by_tenant on user_groups (tenant_id, id)',
    'create index applications_by_tenant on applications (tenant_id, client_id)',
    'create index assignments_by_tenant on assignments (tenant_id, scope_key, id)',
    // What is given in one tenant stands in the way of nothing in another.
    'drop index assignments_by_grant',
    'create unique index assignments_by_grant on assignments (principal_id, role_id, scope_key, tenant_id)',
    'create index service_principals_by_client on service_principals (client_id, tenant_id)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** All that there was before belonged to the one tenant that applications name. */
const onlyTenant = "coalesce((select min(applications.tenant_id) from applications), '')"

const written = [
  'created_ms bigint not null',
  'created_by text not null',
  'updated_ms bigint not null',
  'updated_by text not null',
].join(',\n  ')

function keyType(postgres: boolean): string {
  return postgres ? 'text collate "C"' : 'text'
}

function tenantColumn(postgres: boolean): string {
  return `${keyType(postgres)} not null default ''`
}

function newTables(postgres: boolean): readonly string[] {
  const key = keyType(postgres)
  const inKey = postgres ? '' : ' without rowid'
  return [
    `create table tenants (
  id ${key} not null primary key,
  name_key ${key} not null unique,
  name text not null,
  owner_client_id text,
  ${written}
)${inKey}`,
    `create table service_principals (
  object_id ${key} not null primary key,
  client_id ${key} not null references applications (client_id) on delete restrict,
  tenant_id ${key} not null,
  enabled smallint not null,
  created_ms bigint not null,
  unique (tenant_id, client_id)
)${inKey}`,
    `create table invitations (
  id ${key} not null primary key,
  tenant_id ${key} not null,
  user_id ${key} not null unique,
  mail text not null,
  redirect_url text,
  token_hash ${key} not null unique,
  created_ms bigint not null,
  created_by text not null,
  expires_ms bigint not null
)${inKey}`,
    `create index invitations_by_tenant on invitations (tenant_id, id)`,
  ]
}

/** Columns of a guest: whether he came, and who he is at home. */
const guestColumns = [
  'external_state text',
  'external_ms bigint',
  'home_id text',
  'home_tenant_id text',
]

const uniquePerTenant = [
  'alter table users drop constraint users_principal_name_key_key',
  'alter table role_definitions drop constraint role_definitions_name_key_key',
  ...['users', 'role_definitions'].map(
    (table) => `alter table ${table} add column tenant_id ${tenantColumn(true)}`,
  ),
  ...guestColumns.map((column) => `alter table users add column ${column}`),
]

/** SQLite drops no constraint of a table: it is made again. */
const rebuilt = [
  'alter table users rename to users_before',
  `create table users (
  id text not null primary key,
  principal_name_key text not null,
  principal_name text not null,
  name_key text not null,
  name text not null,
  mail_key text,
  mail text,
  kind text not null,
  password_hash text,
  enabled smallint not null,
  ${written},
  tenant_id text not null default '',
  ${guestColumns.join(',\n  ')}
) without rowid`,
  `insert into users select *, '', null, null, null, null from users_before`,
  'drop table users_before',
  'alter table role_definitions rename to role_definitions_before',
  `create table role_definitions (
  id text not null primary key,
  name_key text not null,
  name text not null,
  description text not null,
  permissions text not null,
  assignable_scopes text not null,
  created_ms bigint not null default 0,
  created_by text not null default '',
  updated_ms bigint not null default 0,
  updated_by text not null default '',
  tenant_id text not null default ''
)`,
  `insert into role_definitions select *, '' from role_definitions_before`,
  'drop table role_definitions_before',
]
