import { setImmediate as nextTurn } from 'node:timers/promises'
import { type SqlBool, sql } from 'kysely'
import { openIdSet } from '../base/id-set.ts'
import type { Digest } from '../domain/digest.ts'
import type { PlacementRows } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { isAtOrBelow, isBelow } from './at-or-below.ts'
import type { Db } from './schema.ts'

const versionTypes = [
  'Microsoft.Compute/galleries/images/versions',
  'Microsoft.Compute/galleries/applications/versions',
]
/** Whose packs are looked up in one turn: 2.4 ms for images of 2 GB. */
const ownersAtOnce = 32

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

  const storedBelow: PlacementRows['storedBelow'] = async (scopeKey, rowsMax) => {
    const owners = await ownersBelow(scopeKey, rowsMax)
    const bytes = new Map<string, number>()
    const seen = openIdSet()
    for (let at = 0; at < owners.length; at += ownersAtOnce) {
      const held = db
        .selectFrom('refs')
        .select('holding_id')
        .where('owner_id', 'in', owners.slice(at, at + ownersAtOnce))
      const rows = await db
        .selectFrom('holdings')
        .select(['id', 'space', 'size_bytes as sizeBytes'])
        .where('id', 'in', held)
        .execute()
      for (const { id, space, sizeBytes } of rows)
        if (seen.add(id)) bytes.set(space, (bytes.get(space) ?? 0) + sizeBytes)
      await nextTurn()
    }
    const regions = Map.groupBy(bytes, ([space]) => space.slice(0, space.indexOf('/')))
    return [...regions].sort().map(([region, spaces]) => {
      return { region, bytes: spaces.reduce((sum, [, more]) => sum + more, 0) }
    })
  }

  /** The images, each in its space, that versions at or below the key keep. */
  async function ownersBelow(scopeKey: string, rowsMax: number): Promise<readonly number[]> {
    const owners = new Set<number>()
    let after = { keeper: scopeKey, owner: 0 }
    for (let rows = rowsMax; rows === rowsMax; ) {
      const page = await db
        .selectFrom('placements')
        .innerJoin('resources', 'resources.key', 'placements.keeper')
        .select(['placements.keeper', 'placements.owner_id as owner'])
        .where('resources.type', 'in', versionTypes)
        .where(isAtOrBelow('placements.keeper', scopeKey, after.keeper))
        .where(
          sql<SqlBool>`(placements.keeper, placements.owner_id) > (${after.keeper}, ${after.owner})`,
        )
        .orderBy('placements.keeper')
        .orderBy('placements.owner_id')
        .limit(rowsMax)
        .execute()
      for (const { owner } of page) owners.add(owner)
      rows = page.length
      after = page.at(-1) ?? after
      await nextTurn()
    }
    return [...owners]
  }

  return { sharersOf, bytesAlone, storedBelow }
}

/** The image of a row of `owners` is kept by a resource below one of these scope keys. */
function keptWithin(within: 'all' | readonly string[]) {
  if (within === 'all') return sql<boolean>`1 = 1`
  const inOne = within.map((key) => isBelow('keeper', key))
  const isKept = sql.join([sql`1 = 0`, ...inOne], sql` or `)
  return sql<boolean>`exists (select 1 from placements where placements.owner_id = owners.id and (${isKept}))`
}
