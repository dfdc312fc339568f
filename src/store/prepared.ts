import type { CompiledQuery } from 'kysely'
import type { Db } from './schema.ts'

type Buildable<Row> = { compile(): CompiledQuery<Row> }

/** A query that is built once and run with other values: building costs as much as a point read. */
export function prepared<Row>(db: Db, query: Buildable<Row>) {
  let compiled: CompiledQuery<Row> | undefined
  return async (parameters: readonly unknown[]): Promise<readonly Row[]> => {
    compiled ??= query.compile()
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters })
    return rows
  }
}
