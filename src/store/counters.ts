import type { Db } from './schema.ts'
import type { CounterRows } from './store.ts'

export function counterRows(db: Db): CounterRows {
  async function add(scope: string, name: string, by: number, limit: number): Promise<boolean> {
    if (by === 0) return true
    if (by < 0) return move(scope, name, by)
    return by <= limit && move(scope, name, by, limit)
  }

  /** One statement that adds and judges: the row's lock orders all who count there. */
  async function move(scope: string, name: string, by: number, limit?: number): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('counters')
      .values({ scope, name, value: by })
      .onConflict((conflict) => {
        const added = conflict
          .columns(['scope', 'name'])
          .doUpdateSet((counter) => ({ value: counter('counters.value', '+', by) }))
        return limit === undefined ? added : added.where('counters.value', '<=', limit - by)
      })
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 1n
  }

  async function of(scope: string) {
    return db
      .selectFrom('counters')
      .select(['name', 'value'])
      .where('scope', '=', scope)
      .orderBy('name')
      .execute()
  }

  return { add, of }
}
