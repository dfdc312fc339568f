import { type QueryExecutorProvider, sql } from 'kysely'

/** A grant may be a signed URL of a version's disk in a format: `key` is the version's, or its definition's for the latest. */
export async function signedUrls(db: QueryExecutorProvider): Promise<void> {
  const columns = [
    'format text',
    'lun bigint',
    'region text',
    'created_ms bigint',
    'principal_id text',
    'created_by text',
  ]
  for (const column of columns) await sql.raw(`alter table sas add column ${column}`).execute(db)
}
