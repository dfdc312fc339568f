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
    disks: disks.map(({ lun, image, virtualSizeBytes, occupiedBytes, fileBytes }) => ({
      ...(lun !== undefined && { lun }),
      image,
      virtualSizeBytes,
      occupiedBytes,
      ...(fileBytes !== undefined && { fileBytes }),
    })),
  }
}

function contentFrom(disk: JsonObject): DiskContent[] {
  const { lun, image, virtualSizeBytes, occupiedBytes, fileBytes } = disk
  if (typeof image !== 'string' || !isDigest(image)) return []
  return [
    {
      lun: typeof lun === 'number' ? lun : undefined,
      image,
      virtualSizeBytes: Number(virtualSizeBytes),
      occupiedBytes: Number(occupiedBytes),
      ...(typeof fileBytes === 'number' && { fileBytes }),
    },
  ]
}

/** Who keeps, and where. `spread`: a fresh UUID, for which replica is taken. */
type Keeper = { readonly region: string; readonly keeper: string; readonly spread?: string }

/**
 * What `keeper` keeps from now on: of each disk one complete replica of those that lie in this region; further ones would
 * never be given back. The one where disks are made if it has it, or with `spread` any of them: disks that are made
 * together read from all replicas (requirement 73).
 */
export function pins(
  placements: readonly Placement[],
  disks: readonly DiskContent[],
  to: Keeper,
): Placement[] {
  const here = diskSpace(regionName(to.region))
  const images = new Set(disks.map((disk) => disk.image))
  return [...images].flatMap((image) => {
    const spaces = placements
      .filter((placement) => placement.image === image)
      .flatMap(({ space }) => parseSpaceId(space) ?? [])
      .filter((space) => space.region === here.region)
    const sorted = spaces.toSorted((a, b) => order(a, here) - order(b, here))
    const firsts = sorted.filter((one, at) => at === 0 || !isSameReplica(one, sorted[at - 1]))
    const taken = firsts[to.spread === undefined ? 0 : shareOf(to.spread, firsts.length)]
    return [
      ...new Set(spaces.filter((space) => isSameReplica(space, taken)).map(({ id }) => id)),
    ].map((space) => ({ space, image, keeper: to.keeper }))
  })
}

/** An even share of `count` for each of many UUIDs. */
function shareOf(uuid: string, count: number): number {
  return Number.parseInt(uuid.slice(0, 8), 16) % Math.max(1, count)
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
