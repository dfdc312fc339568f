import { type SelectQueryBuilder, sql } from 'kysely'
import { compareKeys, type KeyRange, keyRanges } from './key-ranges.ts'
import type { Db, Schema } from './schema.ts'
import type { ResourceRows } from './store.ts'

/** Ranges of one query. Where there are many, few hold more than a row: a role at each of ten thousand versions. */
const rangesAtOnceMax = 32

/** The first rows of a list, one more than asked for when there is one. */
export async function inKeyOrder<Row extends { readonly key: string }>(
  db: Db,
  { type, scopes, after, rowsMax }: Parameters<ResourceRows['list']>[0],
  from: SelectQueryBuilder<Schema, 'resources', Row>,
): Promise<Row[]> {
  const ranges = keyRanges(scopes, after)
  const rows: Row[] = []
  let at = 0
  let atOnce = 1
  while (at < ranges.length && rows.length <= rowsMax) {
    const left = rowsMax + 1 - rows.length
    const inRange = ({ from: first, until }: KeyRange) =>
      from
        .where('type', '=', type)
        .where('key', '>=', first)
        .$if(until !== undefined, (query) => query.where('key', '<', until ?? ''))
        .$if(after !== undefined, (query) => query.where('key', '>', after ?? ''))
        .orderBy('key')
        .limit(left)
    const parts = ranges
      .slice(at, at + atOnce)
      .map((range) => sql`select * from ${inRange(range)} as part`)
    const found = await sql<Row>`${sql.join(parts, sql` union all `)}`.execute(db)
    const sorted = found.rows.toSorted((one, other) => compareKeys(one.key, other.key))
    for (const row of sorted.slice(0, left)) rows.push(row)
    at += parts.length
    atOnce = Math.min(atOnce * 2, rangesAtOnceMax)
  }
  return rows
}
