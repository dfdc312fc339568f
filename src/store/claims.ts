import { prepared } from './prepared.ts'
import type { Db, Schema } from './schema.ts'
import type { ClaimRows } from './store.ts'

export function claimRows(db: Db): ClaimRows {
  const insertNew = prepared(db, (row: Schema['claims']) =>
    db
      .insertInto('claims')
      .values(row)
      .onConflict((conflict) => conflict.column('name').doNothing()),
  )

  const removeOne = prepared(db, ({ name, holder }: Schema['claims']) =>
    db.deleteFrom('claims').where('name', '=', name).where('holder', '=', holder),
  )

  async function take(name: string, holder: string): Promise<boolean> {
    const { numAffectedRows } = await insertNew({ name, holder })
    return numAffectedRows === 1n || (await holderOf(name)) === holder
  }

  async function release(name: string, holder: string): Promise<void> {
    await removeOne({ name, holder })
  }

  async function releaseAllOf(holder: string): Promise<void> {
    await db.deleteFrom('claims').where('holder', '=', holder).execute()
  }

  async function holderOf(name: string): Promise<string | undefined> {
    const row = await db
      .selectFrom('claims')
      .select('holder')
      .where('name', '=', name)
      .executeTakeFirst()
    return row?.holder
  }

  return { take, release, releaseAllOf, holderOf }
}
