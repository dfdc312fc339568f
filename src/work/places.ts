import { invariant } from '../base/assert.ts'
import type { Regions } from '../domain/regions.ts'
import { replicaSpaces, type SpaceId } from '../domain/spaces.ts'
import type { WantedRegion } from '../resources/image-version.ts'

/** Every space in which a version wants to lie complete in one region. */
export function wantedSpaces(regions: Regions, wanted: WantedRegion): SpaceId[] {
  const region = regions.find(wanted.region)
  invariant(region, 'a stored version names only regions that are served')
  return replicaSpaces(region, wanted.storageType, wanted.replicas).flatMap((replica) =>
    replica.spaces.map((space) => space.id),
  )
}
