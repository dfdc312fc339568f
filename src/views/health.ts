import { type LostPart, type PackHealth, partNames, type SpaceRow } from '../domain/health.ts'
import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { parseSpaceId, replicaSpaces, type SpaceId } from '../domain/spaces.ts'
import { contentOf } from '../resources/content.ts'
import type { Settings } from '../resources/declaration.ts'
import { wantedRegions } from '../resources/image-version.ts'
import type { Rows } from '../store/store.ts'

/**
 * - `damaged`: something is good nowhere.
 * - `degraded`: something is bad or missing in a space, and good elsewhere.
 * - `verifying`: it was asked for to be looked at, and is.
 * - `unknown`: not all of it was looked at yet, or none lies there.
 */
type HealthState = 'healthy' | 'degraded' | 'damaged' | 'verifying' | 'unknown'

type Damage = { readonly found: number; readonly repaired: number; readonly left: number }

type Sums = {
  readonly packs: number
  readonly bytes: number
  /** When the pack that was looked at longest ago was found good. */
  readonly lastVerified: string | null
  readonly damage: Damage
}

export type SpaceHealth = Sums & { readonly space: SpaceId; readonly state: string }

export type RegionHealth = Sums & {
  readonly region: string
  readonly displayName: string
  readonly state: HealthState
  /** Complete ones, each in one space or one in each zone. */
  readonly replicas: number
  readonly spaces: readonly SpaceHealth[]
  /** At most 100: what is good nowhere. */
  readonly lost: readonly {
    readonly lun: number | null
    readonly image: string
    readonly space: SpaceId
    readonly part: 'chunk' | 'node' | 'manifest'
    readonly digest: string
    readonly offsetBytes: number
  }[]
}

/** The health of what a resource keeps, region by region. */
export async function healthOf(
  rows: Rows,
  row: ResourceRow,
  settings: Settings,
): Promise<readonly RegionHealth[]> {
  const packs = await rows.health.ofKeeper(row.key)
  const placed = await rows.placements.ofKeepers([row.key])
  const known = await rows.spaces.all()
  const lost = await rows.health.lostOf(row.key, limits.lostPartsMax)
  const unfinished = await rows.work.unfinishedOf(row.key)
  const wanted = wantedSpaces(row, settings)
  const regions = new Set([...wanted, ...placed.map(({ space }) => space)].map(regionOf))
  return [...regions].sort().map((region) => {
    const isHere = (space: SpaceId) => regionOf(space) === region
    const spaces = [...new Set(placed.map(({ space }) => space))].filter(isHere).sort()
    const isVerifying = unfinished.some(
      ({ kind, subject }) => kind === 'VerifyRegion' && subject === `${row.key}@${region}`,
    )
    return regionHealth({
      region,
      displayName: settings.regions.find(region)?.displayName ?? region,
      row,
      spaces,
      missing: wanted.filter((space) => isHere(space) && !spaces.includes(space)),
      packs: packs.filter(({ space }) => isHere(space)),
      known,
      lost: lost.filter(({ space }) => isHere(space)),
      isVerifying,
    })
  })
}

type Facts = {
  readonly region: string
  readonly displayName: string
  readonly row: ResourceRow
  /** Where it lies. */
  readonly spaces: readonly SpaceId[]
  /** Where it should lie and does not. */
  readonly missing: readonly SpaceId[]
  readonly packs: readonly PackHealth[]
  readonly known: readonly SpaceRow[]
  readonly lost: readonly (LostPart & { readonly space: SpaceId; readonly image: string })[]
  readonly isVerifying: boolean
}

function regionHealth(facts: Facts): RegionHealth {
  const { region, displayName, row, spaces, packs, known, lost } = facts
  const stateIn = (space: SpaceId) => known.find((one) => one.space === space)?.state ?? 'unseen'
  const disks = contentOf(row.status)
  return {
    region,
    displayName,
    state: stateOf(facts, spaces.map(stateIn)),
    replicas: new Set(spaces.filter(isWhole).map(replicaOf)).size,
    ...sumsOf(packs),
    spaces: spaces.map((space) => ({
      space,
      state: stateIn(space),
      ...sumsOf(packs.filter((one) => one.space === space)),
    })),
    lost: lost.map(({ kind, digest, offsetBytes, image, space }) => ({
      lun: disks.find((disk) => disk.image === image)?.lun ?? null,
      image,
      space,
      part: partNames[kind],
      digest,
      offsetBytes,
    })),
  }

  /** It is there itself, and of its replica's zones at most one is not: the others suffice. */
  function isWhole(space: SpaceId): boolean {
    const out = [...facts.missing, ...spaces.filter((one) => !isIn(one))]
    const sisters = out.filter((other) => replicaOf(other) === replicaOf(space))
    return isIn(space) && sisters.length <= 1
  }

  function isIn(space: SpaceId): boolean {
    return ['here', 'unseen'].includes(stateIn(space))
  }
}

function stateOf(
  { spaces, missing, packs, lost, isVerifying }: Facts,
  states: readonly string[],
): HealthState {
  if (lost.length > 0) return 'damaged'
  const isBad = packs.some(({ left }) => left > 0)
  const isOut = states.some((state) => state !== 'here' && state !== 'unseen')
  if (isBad || isOut || (spaces.length > 0 && missing.length > 0)) return 'degraded'
  if (isVerifying) return 'verifying'
  const isSeen = packs.every(({ verifiedMs }) => verifiedMs !== undefined && verifiedMs > 0)
  return spaces.length > 0 && isSeen ? 'healthy' : 'unknown'
}

/** Of several spaces, or of one. */
export function sumsOf(packs: readonly PackHealth[]): Sums {
  const sum = (of: (one: PackHealth) => number) => packs.reduce((all, one) => all + of(one), 0)
  const seen = packs.flatMap(({ verifiedMs }) => verifiedMs ?? [])
  const oldestMs = Math.min(...seen)
  const [found, left] = [sum((one) => one.found), sum((one) => one.left)]
  return {
    packs: sum((one) => one.packs),
    bytes: sum((one) => one.bytes),
    lastVerified: seen.length > 0 && oldestMs > 0 ? new Date(oldestMs).toISOString() : null,
    damage: { found, repaired: Math.max(0, found - left), left },
  }
}

function wantedSpaces({ doc }: ResourceRow, settings: Settings): readonly SpaceId[] {
  return wantedRegions(doc, settings).flatMap(({ region, storageType, replicas }) => {
    const known = settings.regions.find(region)
    if (!known) return []
    return replicaSpaces(known, storageType, replicas).flatMap(({ spaces }) =>
      spaces.map(({ id }) => id),
    )
  })
}

function regionOf(space: SpaceId): string {
  return parseSpaceId(space)?.region ?? ''
}

function replicaOf(space: SpaceId): string {
  const { region, storageType, ordinal } = parseSpaceId(space) ?? {}
  return `${region}/${storageType}/${ordinal}`
}
