import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from '../locks-rows.ts'

/** To whom galleries are shared, so that what is shared to one is found without looking at every gallery. */
export async function shares(db: QueryExecutorProvider): Promise<void> {
  const postgres = locksRows(db)
  const key = postgres ? 'text collate "C"' : 'text'
  const inKey = postgres ? '' : ' without rowid'
  const statements = [
    `create table shares (
  kind text not null,
  target ${key} not null,
  gallery_key ${key} not null references resources (key) on delete cascade,
  rejected smallint not null default 0,
  primary key (kind, target, gallery_key)
)${inKey}`,
    'create index shares_by_gallery on shares (gallery_key)',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
