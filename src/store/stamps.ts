import { type QueryExecutorProvider, sql } from 'kysely'
import { locksRows } from './locks-rows.ts'

/**
 * A number for a row that is written: random, 53 bits, so that neither another process, a resource of the same name that
 * was deleted, nor a restored backup ever gave it.
 */
export function freshStamp(db: QueryExecutorProvider) {
  return locksRows(db)
    ? sql<number>`(random() * 9007199254740991)::bigint`
    : sql<number>`random() & 9007199254740991`
}
