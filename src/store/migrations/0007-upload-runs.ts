import { type QueryExecutorProvider, sql } from 'kysely'

/** What an upload holds may be told as a run of an image that the region has. */
export async function uploadRuns(db: QueryExecutorProvider): Promise<void> {
  await sql.raw('alter table upload_pages add column image text').execute(db)
  await sql.raw('alter table upload_pages add column from_bytes bigint').execute(db)
  await sql.raw('drop index upload_pages_cleared').execute(db)
  const cleared = 'key is null and image is null'
  const on = 'on upload_pages (upload, offset_bytes)'
  await sql.raw(`create index upload_pages_cleared ${on} where ${cleared}`).execute(db)
  await sql.raw(`create index upload_pages_runs ${on} where image is not null`).execute(db)
}
