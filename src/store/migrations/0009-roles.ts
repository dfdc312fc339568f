import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** Who was given which role by whom, and the installation's own roles. */
export async function roles(db: QueryExecutorProvider): Promise<void> {
  const key = locksRows(db) ? 'text collate "C"' : 'text'
  const statements = [
    "alter table assignments add column scope text not null default ''",
    "alter table assignments add column principal_type text not null default 'ServicePrincipal'",
    'alter table assignments add column description text',
    ...written.map((column) => `alter table assignments add column ${column}`),
    "update assignments set scope = case when scope_key = '' then '/' else scope_key end",
    'create index applications_by_object on applications (object_id)',
    'create index assignments_by_scope on assignments (scope_key, id)',
    `create table role_definitions (
  id ${key} not null primary key,
  name_key ${key} not null unique,
  name text not null,
  description text not null,
  permissions text not null,
  assignable_scopes text not null,
  ${written.join(',\n  ')}
)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const written = [
  'created_ms bigint not null default 0',
  "created_by text not null default ''",
  'updated_ms bigint not null default 0',
  "updated_by text not null default ''",
]
