import { type SqlBool, sql } from 'kysely'

/** Where the column holds the key itself or one below it. */
export function isAtOrBelow(column: string, key: string) {
  return sql<SqlBool>`(${sql.ref(column)} = ${key} or ${isBelow(column, key)})`
}

/** Where the column holds a key below this one. */
export function isBelow(column: string, key: string) {
  const at = sql.ref(column)
  // '0' follows '/'.
  return sql<SqlBool>`(${at} > ${`${key}/`} and ${at} < ${`${key}0`})`
}
