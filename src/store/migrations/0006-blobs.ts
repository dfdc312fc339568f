import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** Containers and blobs of storage accounts, blocks that are not a blob yet, and uploads whose pages are to go. */
export async function blobs(db: QueryExecutorProvider): Promise<void> {
  for (const statement of statements(locksRows(db))) await sql.raw(statement).execute(db)
}

function statements(postgres: boolean): string[] {
  const key = postgres ? 'text collate "C"' : 'text'
  const number = postgres
    ? 'bigint generated always as identity primary key'
    : 'integer primary key autoincrement'
  const inKey = postgres ? '' : ' without rowid'
  return [
    `create table blob_containers (
  id ${number},
  account ${key} not null,
  name ${key} not null,
  space ${key} not null,
  metadata text not null,
  etag text not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  gone smallint not null
)`,
    'create unique index blob_containers_by_name on blob_containers (account, name) where gone = 0',
    'create index blob_containers_gone on blob_containers (space, id) where gone = 1',
    `create table blobs (
  container_id bigint not null references blob_containers (id) on delete restrict,
  name ${key} not null,
  type text not null,
  upload ${key} not null,
  size_bytes bigint not null,
  etag text not null,
  doc text not null,
  created_ms bigint not null,
  updated_ms bigint not null,
  primary key (container_id, name)
)${inKey}`,
    'create unique index blobs_by_upload on blobs (upload)',
    `create table blob_blocks (
  upload ${key} not null,
  position bigint not null,
  block text not null,
  size_bytes bigint not null,
  primary key (upload, position)
)${inKey}`,
    `create table staged_blocks (
  container_id bigint not null references blob_containers (id) on delete restrict,
  name ${key} not null,
  block ${key} not null,
  upload ${key} not null,
  size_bytes bigint not null,
  staged_ms bigint not null,
  primary key (container_id, name, block)
)${inKey}`,
    'create index staged_blocks_by_age on staged_blocks (staged_ms)',
    `create table blob_readers (
  reader ${key} not null,
  upload ${key} not null,
  primary key (reader, upload)
)${inKey}`,
    'create index blob_readers_by_upload on blob_readers (upload)',
    `create table upload_drops (
  upload ${key} not null primary key,
  space ${key} not null,
  due_ms bigint not null,
  taken smallint not null
)${inKey}`,
    'create index upload_drops_by_due on upload_drops (space, due_ms)',
  ]
}
