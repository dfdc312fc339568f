import { type QueryExecutorProvider, sql } from 'kysely'
import { freshStamp } from '../stamps.ts'

/** What was made of a resource is known to be of its present row by a number that each write of it changes. */
export async function stamps(db: QueryExecutorProvider): Promise<void> {
  await sql.raw('alter table resources add column stamp bigint not null default 0').execute(db)
  await sql`update resources set stamp = ${freshStamp(db)}`.execute(db)
}
