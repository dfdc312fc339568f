import type { Region, RegionName } from './regions.ts'

export const storageTypes = ['Standard_LRS', 'Standard_ZRS', 'Premium_LRS'] as const
export type StorageType = (typeof storageTypes)[number]

/** `westeurope/Standard_LRS/1`, or `westeurope/Standard_ZRS/1/2` with the zone last. */
export type SpaceId = string & { readonly brand: 'SpaceId' }

/** One physical place for blobs. */
export type Space = {
  readonly id: SpaceId
  readonly region: RegionName
  readonly storageType: StorageType
  /** The replica this space serves, from 1. */
  readonly ordinal: number
  readonly zone: string | undefined
}

function space(
  region: RegionName,
  storageType: StorageType,
  ordinal: number,
  zone?: string,
): Space {
  const id = [region, storageType, ordinal, ...(zone === undefined ? [] : [zone])].join(
    '/',
  ) as SpaceId
  return { id, region, storageType, ordinal, zone }
}

/** Reads a SpaceId back into its parts; undefined when it is not one. */
export function parseSpaceId(id: string): Space | undefined {
  const [region, type, ordinal, zone] = id.split('/')
  const storageType = storageTypes.find((known) => known === type)
  if (!region || !storageType || !/^\d+$/.test(ordinal ?? '')) return undefined
  return space(region as RegionName, storageType, Number(ordinal), zone)
}

export type ReplicaSpaces = { readonly ordinal: number; readonly spaces: readonly Space[] }

/** Where the replicas 1..count of one storage type lie: one space each, or one a zone with Standard_ZRS. */
export function replicaSpaces(
  region: Region,
  storageType: StorageType,
  count: number,
): ReplicaSpaces[] {
  return Array.from({ length: count }, (_, index) => ({
    ordinal: index + 1,
    spaces:
      storageType === 'Standard_ZRS'
        ? region.zones.map((zone) => space(region.name, storageType, index + 1, zone))
        : [space(region.name, storageType, index + 1)],
  }))
}

/** The space where a region keeps the disks that are made or uploaded there. */
export function diskSpace(region: RegionName): Space {
  return space(region, 'Standard_LRS', 1)
}
