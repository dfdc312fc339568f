import { type SqlBool, sql } from 'kysely'

/**
 * Where the column holds the key itself or one below it, of those the ones from `from` on: one range, so that an index
 * gives them in order, and a page begins where the last one ended.
 */
export function isAtOrBelow(column: string, key: string, from = key) {
  const at = sql.ref(column)
  // '0' follows '/', and other keys lie between a key and its first child.
  return sql<SqlBool>`(${at} >= ${from} and ${at} < ${`${key}0`} and not (${at} > ${key} and ${at} < ${`${key}/`}))`
}

/** Where the column holds a key below this one. */
export function isBelow(column: string, key: string) {
  const at = sql.ref(column)
  // '0' follows '/'.
  return sql<SqlBool>`(${at} > ${`${key}/`} and ${at} < ${`${key}0`})`
}
