import { locksRows } from './locks-rows.ts'
import { dropOwner } from './owners.ts'
import type { Db } from './schema.ts'

/**
 * Condemns, for good, holdings of a space that nobody references, up to `rowsMax` of them. Looks only at those that
 * lost a reference since the last look, so it costs what was let go, not what is stored.
 */
export async function sweepHoldings(
  db: Db,
  order: { readonly space: string; readonly rowsMax: number; readonly nowMs: number },
): Promise<void> {
  await dropDeadOwners(db, order.rowsMax)
  const loose = await db
    .selectFrom('holdings')
    .select(['id', 'state'])
    .where('space', '=', order.space)
    // Spelled out, not bound: only so does the partial index serve it.
    .where('loose', '=', (eb) => eb.lit(1))
    .orderBy('id')
    .limit(order.rowsMax)
    .$if(locksRows(db), (query) => query.forUpdate())
    .execute()
  for (const { id, state } of loose) {
    const condemns = state !== 'condemned' && !(await isReferenced(db, id))
    await db
      .updateTable('holdings')
      .set({
        loose: 0,
        ...(condemns && { state: 'condemned' as const, condemned_ms: order.nowMs }),
      })
      .where('id', '=', id)
      .execute()
  }
}

async function isReferenced(db: Db, id: number): Promise<boolean> {
  const row = await db
    .selectFrom('refs')
    .select('owner_id')
    .where('holding_id', '=', id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Work that is over: its row is gone and never comes back. */
async function dropDeadOwners(db: Db, rowsMax: number): Promise<void> {
  const dead = await db
    .selectFrom('owners')
    .leftJoin('work', 'work.id', 'owners.work_id')
    .select('owners.id')
    .where('owners.work_id', 'is not', null)
    .where('work.id', 'is', null)
    .limit(rowsMax)
    .$if(locksRows(db), (query) => query.forUpdate('owners').skipLocked())
    .execute()
  for (const { id } of dead) await dropOwner(db, id)
}
