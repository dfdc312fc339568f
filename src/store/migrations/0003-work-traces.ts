import { type QueryExecutorProvider, sql } from 'kysely'

/** Work tells in logs and traces which request asked for it. */
export async function workTraces(db: QueryExecutorProvider): Promise<void> {
  await sql.raw('alter table work add column correlation_id text').execute(db)
  await sql.raw('alter table work add column trace text').execute(db)
}
