import type { Selectable } from 'kysely'
import { invariant } from '../base/assert.ts'
import { type SpaceRow, type SpaceRows, spaceStates } from '../domain/health.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { locksRows } from './locks-rows.ts'
import type { Db, SpaceTable } from './schema.ts'

export function spaceRows(db: Db): SpaceRows {
  const one = (space: SpaceId) => db.selectFrom('spaces').selectAll().where('space', '=', space)

  async function get(space: SpaceId): Promise<SpaceRow | undefined> {
    const row = await one(space).executeTakeFirst()
    return row && fromTable(row)
  }

  async function all(): Promise<readonly SpaceRow[]> {
    const rows = await db.selectFrom('spaces').selectAll().orderBy('space').execute()
    return rows.map(fromTable)
  }

  async function lock(space: SpaceId): Promise<SpaceRow> {
    await db
      .insertInto('spaces')
      .values(toTable({ ...unseen, space }))
      .onConflict((conflict) => conflict.column('space').doNothing())
      .execute()
    const row = await one(space)
      .$if(locksRows(db), (query) => query.forUpdate())
      .executeTakeFirstOrThrow()
    return fromTable(row)
  }

  async function put(row: SpaceRow): Promise<void> {
    const values = toTable(row)
    await db
      .insertInto('spaces')
      .values(values)
      .onConflict((conflict) => conflict.column('space').doUpdateSet(values))
      .execute()
  }

  return { get, all, lock, put }
}

const unseen = {
  storeId: undefined,
  madeBy: undefined,
  place: undefined,
  mount: undefined,
  state: 'unseen',
  sinceMs: 0,
  why: undefined,
} as const

function toTable(row: SpaceRow): SpaceTable {
  return {
    space: row.space,
    store_id: row.storeId ?? null,
    made_by: row.madeBy ?? null,
    place: row.place ?? null,
    mount: row.mount ?? null,
    state: row.state,
    since_ms: row.sinceMs,
    why: row.why ?? null,
  }
}

function fromTable(row: Selectable<SpaceTable>): SpaceRow {
  const state = spaceStates.find((known) => known === row.state)
  invariant(state, 'a space is in a state that is known')
  return {
    // Written as this type.
    space: row.space as SpaceId,
    storeId: row.store_id ?? undefined,
    madeBy: row.made_by ?? undefined,
    place: row.place ?? undefined,
    mount: row.mount ?? undefined,
    state,
    sinceMs: row.since_ms,
    why: row.why ?? undefined,
  }
}
