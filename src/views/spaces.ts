import type { PackHealth, SpaceRow } from '../domain/health.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import type { Rows, Store } from '../store/store.ts'
import { sumsOf } from './health.ts'

const losersTold = 100

/** Names a space in a path: `Standard_ZRS-1-2` of `westeurope/Standard_ZRS/1/2`. */
export function spaceName(space: SpaceId): string {
  return space.split('/').slice(1).join('-')
}

/** The space of this name in a region; undefined for what names none. */
export function spaceNamed(region: string, name: string): SpaceId | undefined {
  const [type = '', ...rest] = name.split('-')
  return parseSpaceId([region, canonical(type), ...rest].join('/'))?.id
}

function canonical(type: string): string {
  const types = ['Standard_LRS', 'Standard_ZRS', 'Premium_LRS']
  return types.find((known) => known.toLowerCase() === type.toLowerCase()) ?? type
}

/** Every space that is known or has packs, of one region or of all. */
export async function spacesOf(
  { read, holdings }: Pick<Store, 'read' | 'holdings'>,
  region: string | undefined,
): Promise<readonly SpaceId[]> {
  const known = (await read.spaces.all()).map(({ space }) => space)
  const all = [...new Set([...known, ...(await holdings.spaces())])].sort()
  return all.filter((space) => region === undefined || parseSpaceId(space)?.region === region)
}

/** A space as clients see it, with what was lost in it. */
export async function showSpace(rows: Rows, space: SpaceId) {
  const row = await rows.spaces.get(space)
  const packs = await rows.health.ofSpace(space)
  const losers = await rows.health.losersIn(space, losersTold)
  return shown(space, row, { packs, losers: await idsOf(rows, losers) })
}

async function idsOf(rows: Rows, keys: readonly string[]): Promise<readonly string[]> {
  const found = new Map((await rows.resources.getMany(keys)).map(({ key, id }) => [key, id]))
  return keys.map((key) => found.get(key) ?? key)
}

function shown(
  space: SpaceId,
  row: SpaceRow | undefined,
  { packs, losers }: { readonly packs: PackHealth; readonly losers: readonly string[] },
) {
  const region = parseSpaceId(space)?.region ?? ''
  const name = spaceName(space)
  const since = row && row.sinceMs > 0 ? new Date(row.sinceMs).toISOString() : null
  return {
    id: `/providers/Vitrine.Gallery/locations/${region}/spaces/${name}`,
    name,
    type: 'Vitrine.Gallery/locations/spaces',
    location: region,
    properties: {
      space,
      state: row?.state ?? 'unseen',
      since,
      ...(row?.why !== undefined && { why: row.why }),
      place: row?.place ?? null,
      storeId: row?.storeId ?? null,
      ...sumsOf([packs]),
      lost: losers,
    },
  }
}
