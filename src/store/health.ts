import type { Digest } from '../domain/digest.ts'
import type { HealthRows, LostPart, PackHealth } from '../domain/health.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Db } from './schema.ts'
import { pagesOf } from './values.ts'

type Sums = {
  readonly space: string
  readonly packs: number
  readonly bytes: number | null
  readonly verified: number | null
  readonly found: number | null
  readonly left: number | null
  readonly lost: number | null
}

export function healthRows(db: Db): HealthRows {
  async function ofKeeper(keeper: string): Promise<readonly PackHealth[]> {
    // Two disks of one version may share a pack.
    const needed = db
      .selectFrom('placements')
      .innerJoin('refs', 'refs.owner_id', 'placements.owner_id')
      .select('holding_id')
      .where('keeper', '=', keeper)
    const rows: Sums[] = await summed()
      .where('id', 'in', needed)
      .where('state', '=', 'live')
      .groupBy('space')
      .orderBy('space')
      .execute()
    return rows.map(healthOf)
  }

  async function ofSpace(space: SpaceId): Promise<PackHealth> {
    const row = await summed()
      .where('space', '=', space)
      .where('state', '=', 'live')
      .groupBy('space')
      .executeTakeFirst()
    return row ? healthOf(row) : { space, ...nothing }
  }

  function summed() {
    return db
      .selectFrom('holdings')
      .select((row) => [
        'space',
        row.fn.countAll<number>().as('packs'),
        row.fn.sum<number | null>('size_bytes').as('bytes'),
        row.fn.min<number | null>('verified_ms').as('verified'),
        row.fn.sum<number | null>('found_bad').as('found'),
        row.fn.sum<number | null>(row.case().when('bad', '>', 0).then(1).else(0).end()).as('left'),
        row.fn.sum<number | null>(row.case().when('bad', '=', 2).then(1).else(0).end()).as('lost'),
      ])
  }

  async function imagesOn(holding: number): Promise<readonly Digest[]> {
    const rows = await db
      .selectFrom('refs')
      .innerJoin('owners', 'owners.id', 'refs.owner_id')
      .select('image')
      .where('holding_id', '=', holding)
      .where('image', 'is not', null)
      .orderBy('image')
      .execute()
    return rows.map(({ image }) => image as Digest)
  }

  async function putLost(space: SpaceId, image: Digest, parts: readonly LostPart[]): Promise<void> {
    await db
      .deleteFrom('lost_parts')
      .where('space', '=', space)
      .where('image', '=', image)
      .execute()
    for (const page of pagesOf(parts)) {
      const values = page.map(({ kind, digest, offsetBytes }) => ({
        space,
        image,
        kind,
        digest,
        offset_bytes: offsetBytes,
      }))
      await db.insertInto('lost_parts').values(values).execute()
    }
  }

  const lostOf: HealthRows['lostOf'] = async (keeper, rowsMax) => {
    const rows = await lostWithKeepers()
      .selectAll('lost_parts')
      .where('keeper', '=', keeper)
      .orderBy('lost_parts.space')
      .orderBy('lost_parts.image')
      .orderBy('offset_bytes')
      .limit(rowsMax)
      .execute()
    return rows.map((row) => ({
      // Written as these types.
      kind: row.kind as LostPart['kind'],
      space: row.space as SpaceId,
      image: row.image as Digest,
      digest: row.digest as Digest,
      offsetBytes: row.offset_bytes,
    }))
  }

  async function hasLost(keeper: string): Promise<boolean> {
    const [part] = await lostOf(keeper, 1)
    if (part) return true
    // Bad ones are few, and have an index.
    const pack = await db
      .selectFrom('holdings')
      .innerJoin('refs', 'refs.holding_id', 'holdings.id')
      .innerJoin('placements', 'placements.owner_id', 'refs.owner_id')
      .select('holdings.id')
      .where('bad', '>', (eb) => eb.lit(0))
      .where('bad', '=', 2)
      .where('keeper', '=', keeper)
      .limit(1)
      .executeTakeFirst()
    return pack !== undefined
  }

  async function losersIn(space: SpaceId, rowsMax: number): Promise<readonly string[]> {
    const rows = await lostWithKeepers()
      .select('keeper')
      .distinct()
      .where('lost_parts.space', '=', space)
      .orderBy('keeper')
      .limit(rowsMax)
      .execute()
    return rows.map(({ keeper }) => keeper)
  }

  function lostWithKeepers() {
    return db
      .selectFrom('lost_parts')
      .innerJoin('owners', (join) =>
        join
          .onRef('owners.image', '=', 'lost_parts.image')
          .onRef('owners.space', '=', 'lost_parts.space'),
      )
      .innerJoin('placements', 'placements.owner_id', 'owners.id')
  }

  return { ofKeeper, ofSpace, imagesOn, putLost, lostOf, hasLost, losersIn }
}

const nothing = { packs: 0, bytes: 0, verifiedMs: undefined, found: 0, left: 0, lost: 0 } as const

function healthOf(row: Sums): PackHealth {
  return {
    // Written as this type.
    space: row.space as SpaceId,
    packs: Number(row.packs),
    bytes: Number(row.bytes),
    verifiedMs: row.verified === null ? undefined : Number(row.verified),
    found: Number(row.found),
    left: Number(row.left),
    lost: Number(row.lost),
  }
}
