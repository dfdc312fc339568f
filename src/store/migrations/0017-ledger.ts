import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** What existed of a version in a region and when; what was moved from one region to another in an hour. */
export async function ledger(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  const statements = [
    `create table intervals (
  version_key ${key} not null,
  region ${key} not null,
  since_ms bigint not null,
  until_ms bigint,
  version_id text not null,
  storage_type text not null,
  replicas bigint not null,
  occupied_bytes bigint not null,
  primary key (version_key, region, since_ms)
)${inKey}`,
    'create unique index intervals_open on intervals (version_key, region) where until_ms is null',
    `create table moves (
  version_key ${key} not null,
  to_region ${key} not null,
  hour_ms bigint not null,
  from_region ${key} not null,
  version_id text not null,
  billed_bytes bigint not null,
  moved_bytes bigint not null,
  took_ms bigint not null,
  primary key (version_key, to_region, hour_ms, from_region)
)${inKey}`,
    'create index moves_by_region on moves (to_region, hour_ms)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
