import { type QueryExecutorProvider, sql } from 'kysely'

/** The processes of an installation tell each other which regions they reach. */
export async function processes(db: QueryExecutorProvider): Promise<void> {
  await sql
    .raw(`create table processes (
  id text not null primary key,
  release text not null,
  roles text not null,
  regions text not null,
  public_url text,
  peer_url text,
  started_ms bigint not null,
  seen_ms bigint not null
)`)
    .execute(db)
}
