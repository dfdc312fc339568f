import type { Selectable } from 'kysely'
import { invariant } from '../base/assert.ts'
import type { Holding, HoldingRows, Owner, PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { locksRows } from './locks-rows.ts'
import { addRefs, dropOwner, findOwner, takeWorkOwner } from './owners.ts'
import type { Db, HoldingTable } from './schema.ts'
import { sweepHoldings } from './sweep-holdings.ts'
import { distinctSorted, pagesOf } from './values.ts'

/** `nowMs` is the database's clock. */
export function holdingRows(db: Db, nowMs: () => Promise<number>): HoldingRows {
  const all = db.selectFrom('holdings').selectAll('holdings')

  const intend: HoldingRows['intend'] = async (owner, wanted) => {
    const made: Holding[] = []
    for (const page of pagesOf(wanted)) {
      const values = page.map((holding) => ({ ...toTable(holding), ...fresh }))
      const rows = await db.insertInto('holdings').values(values).returningAll().execute()
      for (const row of rows) made.push(fromTable(row))
    }
    const ownerId = await takeWorkOwner(db, owner)
    invariant(ownerId !== undefined, `an image references packs by seal alone: ${owner}`)
    await addRefs(
      db,
      ownerId,
      made.map((holding) => holding.id),
    )
    return inOrderOf(wanted, made)
  }

  async function landed(ids: readonly number[]): Promise<void> {
    const wanted = distinctSorted(ids)
    const verified_ms = await nowMs()
    let live = 0
    for (const page of pagesOf(wanted)) {
      const { numUpdatedRows } = await db
        .updateTable('holdings')
        .set({ state: 'live', verified_ms })
        .where('id', 'in', page)
        .where('state', '!=', 'condemned')
        .executeTakeFirstOrThrow()
      live += Number(numUpdatedRows)
    }
    invariant(live === wanted.length, 'a pack landed after it was condemned: its work is over')
  }

  const claim: HoldingRows['claim'] = async (owner, ids) => {
    const live: number[] = []
    for (const page of pagesOf(distinctSorted(ids))) {
      const rows = await db
        .selectFrom('holdings')
        .select('id')
        .where('id', 'in', page)
        .where('state', '=', 'live')
        .where('bad', '=', 0)
        .orderBy('id')
        .$if(locksRows(db), (query) => query.forShare())
        .execute()
      for (const row of rows) live.push(row.id)
    }
    if (live.length === 0) return new Set()
    const ownerId = await takeWorkOwner(db, owner)
    invariant(ownerId !== undefined, `an image references packs by seal alone: ${owner}`)
    await addRefs(db, ownerId, live)
    return new Set(live)
  }

  const holdersOf: HoldingRows['holdersOf'] = async (packs, spaces) => {
    const found: Holding[] = []
    if (spaces?.length === 0) return found
    for (const page of pagesOf(packs)) {
      const rows = await all
        .where('pack', 'in', page)
        .where('state', '=', 'live')
        .$if(spaces !== undefined, (query) => query.where('space', 'in', spaces ?? []))
        .execute()
      for (const row of rows) found.push(fromTable(row))
    }
    return found
  }

  async function heldBy(owner: Owner): Promise<readonly Holding[]> {
    const rows = await all
      .innerJoin('refs', 'refs.holding_id', 'holdings.id')
      .innerJoin('owners', 'owners.id', 'refs.owner_id')
      .where('owners.name', '=', owner)
      .where('holdings.state', '=', 'live')
      .orderBy('holdings.id')
      .execute()
    return rows.map(fromTable)
  }

  const liveAfter: HoldingRows['liveAfter'] = async (space, afterId, rowsMax) => {
    const rows = await all
      .where('space', '=', space)
      .where('state', '=', 'live')
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const sweep: HoldingRows['sweep'] = async (space, holdMs, rowsMax) => {
    const now = await nowMs()
    await sweepHoldings(db, { space, rowsMax, nowMs: now })
    const rows = await all
      .where('space', '=', space)
      .where('state', '=', 'condemned')
      .where('condemned_ms', '<=', now - holdMs)
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function forget(ids: readonly number[]): Promise<void> {
    for (const page of pagesOf(distinctSorted(ids))) {
      await db
        .deleteFrom('holdings')
        .where('id', 'in', page)
        .where('state', '=', 'condemned')
        .execute()
    }
  }

  const due: HoldingRows['due'] = async (space, beforeMs, rowsMax) => {
    const rows = await all
      .where('space', '=', space)
      .where('verified_ms', '<', beforeMs)
      .where('state', '=', 'live')
      .orderBy('verified_ms')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  const badIn: HoldingRows['badIn'] = async (space, afterId, rowsMax) => {
    const rows = await all
      .where('space', '=', space)
      .where('id', '>', afterId)
      // Spelled out, not bound: only so does the partial index serve it.
      .where('bad', '>', (eb) => eb.lit(0))
      .where('state', '=', 'live')
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function badAmong(ids: readonly number[]): Promise<ReadonlySet<number>> {
    const bad = new Set<number>()
    for (const page of pagesOf(distinctSorted(ids))) {
      const rows = await db
        .selectFrom('holdings')
        .select('id')
        .where('id', 'in', page)
        .where('bad', '>', 0)
        .execute()
      for (const row of rows) bad.add(row.id)
    }
    return bad
  }

  async function timesBad(ids: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const times = new Map<number, number>()
    for (const page of pagesOf(distinctSorted(ids))) {
      const rows = await db
        .selectFrom('holdings')
        .select(['id', 'found_bad'])
        .where('id', 'in', page)
        .execute()
      for (const row of rows) times.set(row.id, row.found_bad)
    }
    return times
  }

  const foundGood: HoldingRows['foundGood'] = async (ids, asOf) => {
    const verified_ms = await nowMs()
    const byTimes = Map.groupBy(distinctSorted(ids), (id) => asOf?.get(id) ?? 0)
    for (const [times, some] of byTimes) {
      for (const page of pagesOf(some)) {
        await db
          .updateTable('holdings')
          .set({ verified_ms, bad: 0 })
          .where('id', 'in', page)
          .$if(asOf !== undefined, (query) => query.where('found_bad', '=', times))
          .execute()
      }
    }
  }

  async function foundBad(id: number, isNowhere: boolean): Promise<void> {
    await db
      .updateTable('holdings')
      .set((row) => ({
        found_bad: row
          .case()
          .when('bad', '=', 0)
          .then(row('found_bad', '+', 1))
          .else(row.ref('found_bad'))
          .end(),
        bad: isNowhere ? 2 : 1,
      }))
      .where('id', '=', id)
      .execute()
  }

  const thinned: HoldingRows['thinned'] = async (space, rowsMax) => {
    const rows = await all
      .where('space', '=', space)
      // Spelled out, not bound: only so does the partial index serve it.
      .where('thinned', '=', (eb) => eb.lit(1))
      .where('state', '=', 'live')
      .orderBy('id')
      .limit(rowsMax)
      .execute()
    return rows.map(fromTable)
  }

  async function looked(ids: readonly number[]): Promise<void> {
    for (const page of pagesOf(distinctSorted(ids))) {
      await db.updateTable('holdings').set({ thinned: 0 }).where('id', 'in', page).execute()
    }
  }

  /** One seek a space: `distinct` would walk every holding. */
  async function spaces(): Promise<readonly SpaceId[]> {
    const found: SpaceId[] = []
    for (let next = await spaceAfter(''); next !== undefined; next = await spaceAfter(next)) {
      found.push(next)
    }
    return found
  }

  async function spaceAfter(space: string): Promise<SpaceId | undefined> {
    const row = await db
      .selectFrom('holdings')
      .select('space')
      .where('space', '>', space)
      .orderBy('space')
      .limit(1)
      .executeTakeFirst()
    return row?.space as SpaceId | undefined
  }

  async function release(owner: Owner): Promise<void> {
    const ownerId = await findOwner(db, owner)
    if (ownerId !== undefined) await dropOwner(db, ownerId)
  }

  return {
    intend,
    landed,
    claim,
    holdersOf,
    heldBy,
    liveAfter,
    sweep,
    forget,
    due,
    badIn,
    badAmong,
    timesBad,
    foundGood,
    foundBad,
    thinned,
    looked,
    spaces,
    release,
  }
}

const fresh = { state: 'writing', loose: 0, condemned_ms: null } as const

function toTable({ space, pack, key, sizeBytes }: Omit<Holding, 'id'>) {
  return { space, pack, key, size_bytes: sizeBytes }
}

function fromTable(row: Selectable<HoldingTable>): Holding {
  return {
    id: row.id,
    // Written as these types.
    space: row.space as SpaceId,
    pack: row.pack as PackId,
    key: row.key,
    sizeBytes: row.size_bytes,
  }
}

/** Databases may return inserted rows in any order; a key is never used twice. */
function inOrderOf(wanted: readonly Omit<Holding, 'id'>[], made: readonly Holding[]): Holding[] {
  const placeOf = (holding: Omit<Holding, 'id'>) => `${holding.space} ${holding.key}`
  const byPlace = new Map(made.map((holding) => [placeOf(holding), holding]))
  return wanted.flatMap((holding) => byPlace.get(placeOf(holding)) ?? [])
}
