import { prepared } from './prepared.ts'
import type { Db } from './schema.ts'
import type { CounterRows } from './store.ts'

/** `most`: the highest value that may still be added to. */
type Move = {
  readonly scope: string
  readonly name: string
  readonly by: number
  readonly most: number
}

export function counterRows(db: Db): CounterRows {
  /** One statement that adds and judges: the row's lock orders all who count there. */
  const move = prepared(db, ({ scope, name, by, most }: Move) =>
    db
      .insertInto('counters')
      .values({ scope, name, value: by })
      .onConflict((conflict) =>
        conflict
          .columns(['scope', 'name'])
          .doUpdateSet((counter) => ({ value: counter('counters.value', '+', by) }))
          .where('counters.value', '<=', most),
      ),
  )

  async function add(scope: string, name: string, by: number, limit: number): Promise<boolean> {
    if (by === 0) return true
    if (by > limit && by > 0) return false
    // Shrinking is never refused, whatever the limit has become.
    const most = by > 0 ? limit - by : Number.MAX_SAFE_INTEGER
    const { numAffectedRows } = await move({ scope, name, by, most })
    return numAffectedRows === 1n
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
