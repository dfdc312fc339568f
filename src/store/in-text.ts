import { sql } from 'kysely'

/**
 * The limit of a statement that runs often: SQLite plans a statement anew each time that the value of its limit is bound,
 * which costs four times what the read of one row does.
 */
export function inText(rowsMax: number) {
  return sql.lit(rowsMax)
}
