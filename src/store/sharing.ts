import { sql } from 'kysely'
import type { Digest } from '../domain/digest.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Db } from './schema.ts'
import type { PlacementRows } from './store.ts'

/** Who has packs in common with whom: costs what goes with the packs of the images asked for, and of those that share them. */
export function sharingRows(
  db: Db,
): Pick<PlacementRows, 'sharersOf' | 'bytesAlone' | 'storedBelow'> {
  const packsOf = (space: SpaceId, images: readonly Digest[]) =>
    db
      .selectFrom('owners as mine')
      .innerJoin('refs as held', 'held.owner_id', 'mine.id')
      .where('mine.space', '=', space)
      .where('mine.image', 'in', images)

  const sharersOf: PlacementRows['sharersOf'] = async (space, images, within) => {
    if (images.length === 0) return []
    const rows = await packsOf(space, images)
      .innerJoin('refs', 'refs.holding_id', 'held.holding_id')
      .innerJoin('owners', 'owners.id', 'refs.owner_id')
      .select('owners.image')
      .distinct()
      .where('owners.image', 'is not', null)
      .where('owners.image', 'not in', images)
      .where(keptWithin(within))
      .orderBy('owners.image')
      .execute()
    // Written as this type.
    return rows.map(({ image }) => image as Digest)
  }

  const bytesAlone: PlacementRows['bytesAlone'] = async (space, images, within) => {
    if (images.length === 0) return 0
    const ids = packsOf(space, images).select('held.holding_id').distinct()
    const { bytes } = await db
      .selectFrom('holdings')
      .select((row) => row.fn.sum<number>('size_bytes').as('bytes'))
      .where('holdings.id', 'in', ids)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('refs')
              .innerJoin('owners', 'owners.id', 'refs.owner_id')
              .select('owners.id')
              .whereRef('refs.holding_id', '=', 'holdings.id')
              .where('owners.image', 'is not', null)
              .where('owners.image', 'not in', images)
              .where(keptWithin(within)),
          ),
        ),
      )
      .executeTakeFirstOrThrow()
    return Number(bytes ?? 0)
  }

  const storedBelow: PlacementRows['storedBelow'] = async (scopeKey) => {
    const ids = db
      .selectFrom('resources')
      .innerJoin('placements', 'placements.keeper', 'resources.key')
      .innerJoin('refs', 'refs.owner_id', 'placements.owner_id')
      .where('resources.type', '=', 'Microsoft.Compute/galleries/images/versions')
      .where(({ or, and, eb }) =>
        or([
          eb('resources.key', '=', scopeKey),
          // '0' follows '/'.
          and([eb('resources.key', '>', `${scopeKey}/`), eb('resources.key', '<', `${scopeKey}0`)]),
        ]),
      )
      .select('refs.holding_id')
      .distinct()
    const rows = await db
      .selectFrom('holdings')
      .select('space')
      .select((row) => row.fn.sum<number>('size_bytes').as('bytes'))
      .where('id', 'in', ids)
      .groupBy('space')
      .execute()
    const regions = Map.groupBy(rows, ({ space }) => space.slice(0, space.indexOf('/')))
    return [...regions.keys()].sort().map((region) => {
      const spaces = regions.get(region) ?? []
      return { region, bytes: spaces.reduce((sum, { bytes }) => sum + Number(bytes), 0) }
    })
  }

  return { sharersOf, bytesAlone, storedBelow }
}

/** The image of a row of `owners` is kept by a resource below one of these scope keys. */
function keptWithin(within: 'all' | readonly string[]) {
  if (within === 'all') return sql<boolean>`1 = 1`
  // '0' follows '/'.
  const inOne = within.map((key) => sql`keeper > ${`${key}/`} and keeper < ${`${key}0`}`)
  const isKept = sql.join([sql`1 = 0`, ...inOne], sql` or `)
  return sql<boolean>`exists (select 1 from placements where placements.owner_id = owners.id and (${isKept}))`
}
