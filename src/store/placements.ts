import { sql } from 'kysely'
import type { Digest } from '../domain/digest.ts'
import type { PlacementRows } from '../domain/holdings.ts'
import { imageOwner, type Placement } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { locksRows } from './locks-rows.ts'
import { dropOwner, findOwner, holdOwner, takeImageOwner } from './owners.ts'
import { prepared, preparedList } from './prepared.ts'
import type { Db } from './schema.ts'
import { sharingRows } from './sharing.ts'
import { distinctSorted, pagesOf } from './values.ts'

type Rooted = { readonly keeper: string; readonly owner: number; readonly root: string }

export function placementRows(db: Db): PlacementRows {
  const placed = db
    .selectFrom('placements')
    .innerJoin('owners', 'owners.id', 'placements.owner_id')
    .select(['keeper', 'space', 'image', 'root'])

  const ofSome = preparedList(db, (keepers) => placed.where('keeper', 'in', keepers))
  const rooted = prepared(db, ({ keeper }: { keeper: string }) =>
    placed.where('keeper', '=', keeper).where('root', 'is not', null),
  )
  /** Writes no row when the image does not lie there; its owner's row stays as it is until the end. */
  const keepOne = prepared(db, ({ keeper, name }: { keeper: string; name: string }) =>
    db
      .insertInto('placements')
      .columns(['keeper', 'owner_id', 'root'])
      .expression((query) =>
        query
          .selectFrom('owners')
          .select((owner) => [owner.val(keeper).as('keeper'), 'id', sql.lit(null).as('root')])
          .where('name', '=', name)
          .$if(locksRows(db), (rows) => rows.forShare()),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['keeper', 'owner_id'])
          .doUpdateSet((was) => ({ root: was.ref('placements.root') })),
      ),
  )
  const addPlain = prepared(db, ({ keeper, owner }: { keeper: string; owner: number }) =>
    db
      .insertInto('placements')
      .values({ keeper, owner_id: owner, root: null })
      .onConflict((conflict) => conflict.columns(['keeper', 'owner_id']).doNothing()),
  )
  const addRooted = prepared(db, ({ keeper, owner, root }: Rooted) =>
    db
      .insertInto('placements')
      .values({ keeper, owner_id: owner, root })
      .onConflict((conflict) => conflict.columns(['keeper', 'owner_id']).doUpdateSet({ root })),
  )

  async function ofKeepers(keepers: readonly string[]): Promise<readonly Placement[]> {
    const found: Placement[] = []
    for (const page of pagesOf(keepers)) {
      for (const row of (await ofSome(page)).rows) {
        found.push({ ...placeOf(row), keeper: row.keeper })
      }
    }
    return found
  }

  async function keepersOf(space: SpaceId, image: Digest): Promise<readonly string[]> {
    const rows = await placed
      .where('image', '=', image)
      .where('space', '=', space)
      .orderBy('keeper')
      .execute()
    return rows.map((row) => row.keeper)
  }

  async function spacesOf(image: Digest): Promise<readonly SpaceId[]> {
    const rows = await db
      .selectFrom('owners')
      .select(['space', 'image'])
      .where('image', '=', image)
      .orderBy('space')
      .execute()
    return rows.map((row) => placeOf(row).space)
  }

  async function keep({ space, image, keeper }: Placement): Promise<boolean> {
    const { numAffectedRows } = await keepOne({ keeper, name: imageOwner(space, image) })
    return numAffectedRows === 1n
  }

  async function addKeeper(keeper: string, ownerId: number, root?: string): Promise<void> {
    if (root === undefined) await addPlain({ keeper, owner: ownerId })
    else await addRooted({ keeper, owner: ownerId, root })
  }

  const seal: PlacementRows['seal'] = async ({ placement, owner, holdings, root }) => {
    const { space, image, keeper } = placement
    const there = await holdOwner(db, imageOwner(space, image))
    if (there !== undefined) {
      await addKeeper(keeper, there, root)
      return true
    }
    const ids = distinctSorted(holdings)
    const workId = await findOwner(db, owner)
    if (ids.length > 0 && (workId === undefined || !(await allLive(workId, ids)))) return false
    const imageId = await takeImageOwner(db, placement)
    if (workId !== undefined) await copyRefs(workId, imageId, ids)
    await addKeeper(keeper, imageId, root)
    return true
  }

  const reseat: PlacementRows['reseat'] = async ({ space, image, owner, holdings }) => {
    const imageId = await findOwner(db, imageOwner(space, image))
    const workId = await findOwner(db, owner)
    const ids = distinctSorted(holdings)
    if (imageId === undefined || workId === undefined) return false
    if (!(await allLive(workId, ids))) return false
    const before = await refsOf(imageId)
    const wanted = new Set(ids)
    const dropped = before.filter((id) => !wanted.has(id))
    await copyRefs(workId, imageId, ids)
    const heir = ids.find((id) => !before.includes(id)) ?? ids[0]
    await dropRefs(imageId, dropped, heir)
    return true
  }

  async function refsOf(ownerId: number): Promise<readonly number[]> {
    const rows = await db
      .selectFrom('refs')
      .select('holding_id')
      .where('owner_id', '=', ownerId)
      .execute()
    return rows.map((row) => row.holding_id)
  }

  /** `heir` goes on counting how often they were found bad. */
  async function dropRefs(ownerId: number, ids: readonly number[], heir: number | undefined) {
    for (const page of pagesOf(distinctSorted(ids))) {
      const { found } = await db
        .selectFrom('holdings')
        .select((row) => row.fn.sum<number | null>('found_bad').as('found'))
        .where('id', 'in', page)
        .executeTakeFirstOrThrow()
      if (heir !== undefined && Number(found) > 0) {
        await db
          .updateTable('holdings')
          .set((row) => ({ found_bad: row('found_bad', '+', Number(found)) }))
          .where('id', '=', heir)
          .execute()
      }
      await db.updateTable('holdings').set({ loose: 1 }).where('id', 'in', page).execute()
      await db
        .deleteFrom('refs')
        .where('owner_id', '=', ownerId)
        .where('holding_id', 'in', page)
        .execute()
    }
  }

  const rootsIn: PlacementRows['rootsIn'] = async (space, after, rowsMax) => {
    const rows = await db
      .selectFrom('placements')
      .innerJoin('owners', 'owners.id', 'placements.owner_id')
      .select(['root', 'keeper'])
      .distinct()
      .where('space', '=', space)
      .where('root', '>', after)
      .orderBy('root')
      .limit(rowsMax)
      .execute()
    return rows.map(({ root, keeper }) => ({ root: root ?? '', keeper }))
  }

  const keeperOf: PlacementRows['keeperOf'] = async (space, root) => {
    const row = await db
      .selectFrom('placements')
      .innerJoin('owners', 'owners.id', 'placements.owner_id')
      .select('keeper')
      .where('space', '=', space)
      .where('root', '=', root)
      .limit(1)
      .executeTakeFirst()
    return row?.keeper
  }

  const unrooted: PlacementRows['unrooted'] = async (after, rowsMax) => {
    const rows = await placed
      .where('root', 'is', null)
      .where('keeper', '>', after)
      .orderBy('keeper')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({ ...placeOf(row), keeper: row.keeper }))
  }

  async function allLive(ownerId: number, ids: readonly number[]): Promise<boolean> {
    let live = 0
    for (const page of pagesOf(ids)) {
      const { count } = await db
        .selectFrom('refs')
        .innerJoin('holdings', 'holdings.id', 'refs.holding_id')
        .select((row) => row.fn.countAll<number>().as('count'))
        .where('owner_id', '=', ownerId)
        .where('holding_id', 'in', page)
        .where('state', '=', 'live')
        .executeTakeFirstOrThrow()
      live += Number(count)
    }
    return live === ids.length
  }

  /** Copied, not moved: two disks of one version may share a pack, and the work drops its own at its end. */
  async function copyRefs(from: number, to: number, ids: readonly number[]): Promise<void> {
    for (const page of pagesOf(ids)) {
      await db
        .insertInto('refs')
        .columns(['owner_id', 'holding_id'])
        .expression((query) =>
          query
            .selectFrom('refs')
            .innerJoin('owners as image', (join) => join.on('image.id', '=', to))
            .select(['image.id as owner_id', 'holding_id'])
            .where('owner_id', '=', from)
            .where('holding_id', 'in', page),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
  }

  const rootsOf: PlacementRows['rootsOf'] = async (keeper) => {
    const { rows } = await rooted({ keeper })
    return rows.map((row) => ({ ...placeOf(row), root: row.root ?? '' }))
  }

  async function drop({ space, image, keeper }: Placement): Promise<void> {
    const ownerId = await findOwner(db, imageOwner(space, image))
    if (ownerId === undefined) return
    await db
      .deleteFrom('placements')
      .where('keeper', '=', keeper)
      .where('owner_id', '=', ownerId)
      .execute()
    const other = await db
      .selectFrom('placements')
      .select('keeper')
      .where('owner_id', '=', ownerId)
      .limit(1)
      .executeTakeFirst()
    if (other) return
    await dropOwner(db, ownerId)
    await db
      .deleteFrom('lost_parts')
      .where('space', '=', space)
      .where('image', '=', image)
      .execute()
  }

  const roots = { rootsIn, keeperOf, unrooted, rootsOf }
  const own = { ofKeepers, keepersOf, spacesOf, keep, seal, reseat, ...roots, drop }
  return { ...own, ...sharingRows(db) }
}

/** An image's owner row has both; they were written as these types. */
function placeOf(row: { readonly space: string | null; readonly image: string | null }) {
  return { space: row.space as SpaceId, image: row.image as Digest }
}
