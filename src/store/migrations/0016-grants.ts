import { type QueryExecutorProvider, sql } from 'kysely'

/** What is granted ends; a signed URL knows as whom its maker may read. */
export async function grants(db: QueryExecutorProvider): Promise<void> {
  const statements = [
    'alter table assignments add column expires_ms bigint',
    'alter table sas add column principal_tenant_id text',
    'alter table sas add column principal_client_id text',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
