import type { SasRow } from '../domain/rows.ts'
import type { Db } from './schema.ts'
import type { SasRows } from './store.ts'

export function sasRows(db: Db): SasRows {
  async function get(id: string): Promise<SasRow | undefined> {
    const row = await db.selectFrom('sas').selectAll().where('id', '=', id).executeTakeFirst()
    return row && { id: row.id, key: row.key, access: row.access, expiresMs: row.expires_ms }
  }

  async function put({ id, key, access, expiresMs }: SasRow): Promise<void> {
    const values = { id, key, access, expires_ms: expiresMs }
    await db
      .insertInto('sas')
      .values(values)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute()
  }

  async function revokeOf(key: string): Promise<void> {
    await db.deleteFrom('sas').where('key', '=', key).execute()
  }

  async function prune(expiredBeforeMs: number, rowsMax: number): Promise<number> {
    const expired = db
      .selectFrom('sas')
      .select('id')
      .where('expires_ms', '<', expiredBeforeMs)
      .limit(rowsMax)
    const { numDeletedRows } = await db
      .deleteFrom('sas')
      .where('id', 'in', expired)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  return { get, put, revokeOf, prune }
}
