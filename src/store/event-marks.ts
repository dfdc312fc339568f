import { locksRows } from './locks-rows.ts'
import type { Db } from './schema.ts'

/** Numbers up to which something was done with events, each by its name; 0 before any. */
export function eventMarks(db: Db) {
  const named = (name: string) =>
    db.selectFrom('event_marks').select('value').where('name', '=', name)

  async function read(name: string): Promise<number> {
    return (await named(name).executeTakeFirst())?.value ?? 0
  }

  /** The mark under a lock: whoever moves it goes alone. */
  async function lock(name: string): Promise<number> {
    await db
      .insertInto('event_marks')
      .values({ name, value: 0 })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    const { value } = await named(name)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirstOrThrow()
    return value
  }

  async function move(name: string, value: number): Promise<void> {
    await db.updateTable('event_marks').set({ value }).where('name', '=', name).execute()
  }

  return { read, lock, move }
}
