import { isDigest } from '../domain/digest.ts'
import type { Placement } from '../domain/holdings.ts'
import { sizes } from '../domain/limits.ts'
import { regionName } from '../domain/regions.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { parseSpaceId } from '../domain/spaces.ts'
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

/** What `keeper` keeps from now on: these disks wherever they lie in this region. */
export function pins(
  placements: readonly Placement[],
  disks: readonly DiskContent[],
  to: { readonly region: string; readonly keeper: string },
): Placement[] {
  const wanted = new Set<string>(disks.map((disk) => disk.image))
  const here = regionName(to.region)
  const unique = new Map(
    placements
      .filter(({ space, image }) => wanted.has(image) && parseSpaceId(space)?.region === here)
      .map((placement) => [`${placement.space}|${placement.image}`, placement]),
  )
  return [...unique.values()].map((placement) => ({ ...placement, keeper: to.keeper }))
}

/** Whole GiB, rounded up: how Azure says the size of a disk. */
export function sizeInGB(virtualSizeBytes: number): number {
  return Math.ceil(virtualSizeBytes / sizes.gib)
}
