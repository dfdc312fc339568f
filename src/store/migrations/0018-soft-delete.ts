import { type QueryExecutorProvider, sql } from 'kysely'

/** What is deleted softly keeps its row, and is found by the time when it was. */
export async function softDelete(db: QueryExecutorProvider): Promise<void> {
  const statements = [
    'alter table resources add column deleted_ms bigint',
    'create index resources_deleted on resources (deleted_ms, key) where deleted_ms is not null',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
