import { isDigest } from '../domain/digest.ts'
import type { Placement } from '../domain/holdings.ts'
import { sizes } from '../domain/limits.ts'
import { regionName } from '../domain/regions.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { diskSpace, parseSpaceId, type Space } from '../domain/spaces.ts'
import type { DiskContent } from './declaration.ts'
import { isList, isObject } from './paths.ts'

/** The disks that a disk, managed image or version holds, as its status keeps them; [] while there is no content. */
export function contentOf(status: JsonObject): readonly DiskContent[] {
  const disks = status.disks
  return isList(disks) ? disks.flatMap((disk) => (isObject(disk) ? contentFrom(disk) : [])) : []
}

/** The same as a member of status. */
export function contentStatus(disks: readonly DiskContent[]): { readonly disks: Json } {
  return {
    disks: disks.map(({ lun, image, virtualSizeBytes, occupiedBytes }) => ({
      ...(lun !== undefined && { lun }),
      image,
      virtualSizeBytes,
      occupiedBytes,
    })),
  }
}

function contentFrom(disk: JsonObject): DiskContent[] {
  const { lun, image, virtualSizeBytes, occupiedBytes } = disk
  if (typeof image !== 'string' || !isDigest(image)) return []
  return [
    {
      lun: typeof lun === 'number' ? lun : undefined,
      image,
      virtualSizeBytes: Number(virtualSizeBytes),
      occupiedBytes: Number(occupiedBytes),
    },
  ]
}

/**
 * What `keeper` keeps from now on: of each disk one complete replica of those that lie in this region, the one where disks
 * are made if it has it. Further replicas would never be given back.
 */
export function pins(
  placements: readonly Placement[],
  disks: readonly DiskContent[],
  to: { readonly region: string; readonly keeper: string },
): Placement[] {
  const here = diskSpace(regionName(to.region))
  const images = new Set(disks.map((disk) => disk.image))
  return [...images].flatMap((image) => {
    const spaces = placements
      .filter((placement) => placement.image === image)
      .flatMap(({ space }) => parseSpaceId(space) ?? [])
      .filter((space) => space.region === here.region)
    const nearest = spaces.toSorted((a, b) => order(a, here) - order(b, here))[0]
    return [
      ...new Set(spaces.filter((space) => isSameReplica(space, nearest)).map(({ id }) => id)),
    ].map((space) => ({ space, image, keeper: to.keeper }))
  })
}

function order(space: Space, preferred: Space): number {
  return (space.storageType === preferred.storageType ? 0 : 1000) + space.ordinal
}

/** The zones of one ZRS copy are one replica. */
function isSameReplica(space: Space, other: Space | undefined): boolean {
  return space.storageType === other?.storageType && space.ordinal === other.ordinal
}

/** Whole GiB, rounded up: how Azure says the size of a disk. */
export function sizeInGB(virtualSizeBytes: number): number {
  return Math.ceil(virtualSizeBytes / sizes.gib)
}
