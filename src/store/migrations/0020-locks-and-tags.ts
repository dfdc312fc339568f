import { type QueryExecutorProvider, sql } from 'kysely'
import type { Tags } from '../../domain/tags.ts'
import { locksRows } from '../locks-rows.ts'
import { tagRowsOf } from '../tag-rows-of.ts'

/** Locks of resources; the tags of resources by name and value, those of subscriptions, and names that were made ahead. */
export async function locksAndTags(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  const written = `created_ms bigint not null,
  created_by text not null,
  created_by_kind text not null,
  updated_ms bigint not null,
  updated_by text not null,
  updated_by_kind text not null`
  const statements = [
    `create table locks (
  scope_key ${key} not null,
  name_key ${key} not null,
  scope text not null,
  name text not null,
  level text not null,
  notes text,
  owners text not null,
  ${written},
  primary key (scope_key, name_key)
)${inKey}`,
    `create table resource_tags (
  resource_key ${key} not null references resources (key) on delete cascade,
  name_digest ${key} not null,
  subscription ${key} not null,
  value_digest ${key} not null,
  name text not null,
  value text not null,
  primary key (resource_key, name_digest)
)${inKey}`,
    'create index resource_tags_by_name on resource_tags (subscription, name_digest, value_digest, resource_key)',
    `create table tag_names (
  subscription ${key} not null,
  name_digest ${key} not null,
  value_digest ${key} not null,
  name text not null,
  value text,
  primary key (subscription, name_digest, value_digest)
)${inKey}`,
    `create table subscription_tags (
  subscription ${key} not null primary key,
  tags text not null
)${inKey}`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
  await readTags(db)
}

const pageRows = 500

/** The tags that resources have already. */
async function readTags(db: QueryExecutorProvider): Promise<void> {
  let after = ''
  for (;;) {
    const { rows } = await sql<{ key: string; doc: string }>`
      select key, doc from resources where key > ${after} order by key limit ${pageRows}`.execute(
      db,
    )
    for (const { key, doc } of rows) {
      const { tags = {} }: { tags?: Tags } = JSON.parse(doc)
      for (const row of tagRowsOf(key, tags)) {
        const names = sql.raw(Object.keys(row).join(', '))
        await sql`insert into resource_tags (${names}) values (${sql.join(Object.values(row))})`.execute(
          db,
        )
      }
    }
    const last = rows.at(-1)
    if (!last || rows.length < pageRows) return
    after = last.key
  }
}
