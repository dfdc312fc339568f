import { type QueryExecutorProvider, sql } from 'kysely'

/** Packs that an image let go of while others kept them: the next compaction looks how much of them is still needed. */
export async function thinned(db: QueryExecutorProvider): Promise<void> {
  const statements = [
    'alter table holdings add column thinned smallint not null default 0',
    'create index holdings_thinned on holdings (space, id) where thinned = 1',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
