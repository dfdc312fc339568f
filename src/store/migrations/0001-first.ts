import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** The tables of the first release. */
export async function first(db: QueryExecutorProvider): Promise<void> {
  for (const statement of statements(columnTypes(locksRows(db)))) {
    await sql.raw(statement).execute(db)
  }
}

type Types = { readonly key: string; readonly number: string; readonly inKey: string }

function columnTypes(postgres: boolean): Types {
  return {
    /** Compared byte by byte, so that a prefix is a range. */
    key: postgres ? 'text collate "C"' : 'text',
    /** Ascending, never used again. */
    number: postgres
      ? 'bigint generated always as identity primary key'
      : 'integer primary key autoincrement',
    /** The rows lie in the primary key's own tree: one page less to write for small rows. */
    inKey: postgres ? '' : ' without rowid',
  }
}

function statements(types: Types): string[] {
  return [
    ...resources(types),
    ...receipts(types),
    ...work(types),
    ...bounds(types),
    ...packs(types),
    ...uploads(types),
    ...directory(types),
  ]
}

function resources({ key, inKey }: Types): string[] {
  return [
    `create table resources (
  key ${key} not null primary key,
  id text not null,
  type ${key} not null,
  parent_key ${key} not null,
  parent_row ${key} references resources (key) on delete restrict,
  subscription text not null,
  region text,
  name text not null,
  name_sort ${key} not null,
  state text not null,
  generation bigint not null,
  revision bigint not null,
  doc text not null,
  status text not null,
  created_ms bigint not null,
  created_by text not null,
  created_by_kind text not null,
  updated_ms bigint not null,
  updated_by text not null,
  updated_by_kind text not null
)`,
    'create index resources_by_type on resources (type, key)',
    'create index resources_by_parent on resources (parent_key, type, name_sort)',
    'create index resources_by_parent_row on resources (parent_row) where parent_row is not null',
    `create table replicas (
  version_key ${key} not null references resources (key) on delete cascade,
  region ${key} not null,
  generation bigint not null,
  state text not null,
  usable smallint not null,
  bytes_done bigint not null,
  bytes_total bigint not null,
  phase text not null,
  bytes_per_second bigint not null,
  reason text,
  updated_ms bigint not null,
  primary key (version_key, region)
)${inKey}`,
    `create table sas (
  id ${key} not null primary key,
  key ${key} not null references resources (key) on delete cascade,
  access text not null,
  expires_ms bigint not null
)${inKey}`,
    'create index sas_by_key on sas (key)',
  ]
}

function receipts({ key }: Types): string[] {
  return [
    `create table operations (
  id ${key} not null primary key,
  key ${key} not null,
  subscription text not null,
  generation bigint not null,
  flavour text not null,
  verb text not null,
  status text not null,
  error text,
  output text,
  principal_id text not null,
  correlation_id text not null,
  started_ms bigint not null,
  ended_ms bigint
)`,
    'create index operations_unfinished on operations (key) where ended_ms is null',
    'create index operations_finished on operations (ended_ms) where ended_ms is not null',
  ]
}

function work({ key, number }: Types): string[] {
  return [
    `create table work (
  id ${number},
  kind ${key} not null,
  subject ${key} not null,
  queue ${key} not null,
  generation bigint not null,
  begun bigint not null,
  key ${key},
  step text not null,
  state text not null,
  wake_ms bigint not null,
  attempts bigint not null,
  fence bigint not null,
  cancel smallint not null,
  asked smallint not null,
  holder text,
  lease_until_ms bigint not null,
  due_ms bigint generated always as
    (case when lease_until_ms < wake_ms then wake_ms else lease_until_ms + 1 end) stored,
  created_ms bigint not null
)`,
    'create unique index work_by_subject on work (kind, subject)',
    'create index work_by_due on work (queue, due_ms)',
    'create index work_by_key on work (key) where key is not null',
  ]
}

function bounds({ key, inKey }: Types): string[] {
  return [
    `create table claims (
  name ${key} not null primary key,
  holder ${key} not null
)${inKey}`,
    'create index claims_by_holder on claims (holder)',
    `create table counters (
  scope ${key} not null,
  name ${key} not null,
  value bigint not null,
  primary key (scope, name)
)${inKey}`,
  ]
}

function packs({ key, number, inKey }: Types): string[] {
  return [
    `create table holdings (
  id ${number},
  space ${key} not null,
  pack ${key} not null,
  key text not null,
  size_bytes bigint not null,
  state ${key} not null,
  loose smallint not null,
  condemned_ms bigint
)`,
    'create index holdings_by_pack on holdings (pack)',
    'create index holdings_by_space on holdings (space, state, id)',
    'create index holdings_loose on holdings (space, id) where loose = 1',
    `create table owners (
  id ${number},
  name ${key} not null,
  work_id bigint,
  space ${key},
  image ${key}
)`,
    'create unique index owners_by_name on owners (name)',
    'create index owners_by_work on owners (work_id) where work_id is not null',
    'create index owners_by_image on owners (image, space) where image is not null',
    `create table refs (
  owner_id bigint not null references owners (id) on delete restrict,
  holding_id bigint not null references holdings (id) on delete restrict,
  primary key (owner_id, holding_id)
)${inKey}`,
    'create index refs_by_holding on refs (holding_id)',
    `create table placements (
  keeper ${key} not null,
  owner_id bigint not null references owners (id) on delete restrict,
  root text,
  primary key (keeper, owner_id)
)${inKey}`,
    'create index placements_by_owner on placements (owner_id)',
  ]
}

function uploads({ key, number }: Types): string[] {
  return [
    `create table upload_pages (
  seq ${number},
  upload ${key} not null,
  offset_bytes bigint not null,
  length_bytes bigint not null,
  key text
)`,
    'create index upload_pages_written on upload_pages (upload, offset_bytes) where key is not null',
    'create index upload_pages_cleared on upload_pages (upload, offset_bytes) where key is null',
    'create index upload_pages_by_upload on upload_pages (upload, seq)',
  ]
}

function directory({ key, inKey }: Types): string[] {
  return [
    `create table applications (
  client_id ${key} not null primary key,
  object_id text not null,
  tenant_id text not null,
  display_name text not null,
  secret_hash text not null
)`,
    `create table assignments (
  id ${key} not null primary key,
  principal_id ${key} not null,
  role_id ${key} not null,
  scope_key ${key} not null
)`,
    'create unique index assignments_by_grant on assignments (principal_id, role_id, scope_key)',
    `create table secrets (
  name ${key} not null primary key,
  value text not null
)${inKey}`,
  ]
}
