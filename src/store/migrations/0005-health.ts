import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** When each pack was last found good, what was found bad, and which store lies at the place of each space. */
export async function health(db: QueryExecutorProvider): Promise<void> {
  for (const statement of statements(locksRows(db))) await sql.raw(statement).execute(db)
}

function statements(postgres: boolean): string[] {
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  return [
    'alter table holdings add column verified_ms bigint not null default 0',
    'alter table holdings add column found_bad bigint not null default 0',
    'alter table holdings add column bad smallint not null default 0',
    'create index holdings_by_verified on holdings (space, verified_ms)',
    'create index holdings_bad on holdings (space, id) where bad > 0',
    'create index owners_by_space on owners (space, id) where space is not null',
    `create table spaces (
  space ${key} not null primary key,
  store_id text,
  made_by text,
  place text,
  mount text,
  state ${key} not null,
  since_ms bigint not null,
  why text
)${inKey}`,
    `create table lost_parts (
  space ${key} not null,
  image ${key} not null,
  digest ${key} not null,
  kind smallint not null,
  offset_bytes bigint not null,
  primary key (space, image, digest, offset_bytes)
)${inKey}`,
    // The secrets stay: a process of the release before may ask for them until it is stopped.
    `insert into spaces (space, made_by, state, since_ms)
  select substr(name, 6), value, 'unseen', 0 from secrets where name like 'made:%'`,
  ]
}
