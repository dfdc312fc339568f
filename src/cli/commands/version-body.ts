import { objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type Given, many, may, mayRead, onOrOff, wholeNumber } from '../flag.ts'
import { defined } from '../resources.ts'
import { parseTargetRegion, storageTypeChoices } from '../target-regions.ts'

/** What of a version may be given at creation and changed later. */
export const publishing = {
  targetRegions: many(
    '--target-regions <region...>',
    'Where it is replicated to: region, region=replicas or region=replicas=storage-type. Must name the source region.',
    { completes: 'targetRegion', read: parseTargetRegion },
  ),
  replicaCount: mayRead(
    '--replica-count <n>',
    'Replicas in regions that name no number. Default 1.',
    wholeNumber('--replica-count'),
  ),
  excludeFromLatest: onOrOff('--exclude-from-latest [true|false]', '`latest` passes over it.'),
  endOfLifeDate: may(
    '--end-of-life-date <date>',
    'No machine is made from it after, e.g. 2030-01-31.',
  ),
  allowDeletion: onOrOff(
    '--allow-replicated-location-deletion [true|false]',
    'Regions may be taken away later.',
  ),
}

/** Only at creation. */
export const storageType = may(
  '--storage-account-type <type>',
  'Storage of regions that name none. Default Standard_LRS.',
  { choices: storageTypeChoices },
)

/** `properties` with what was given laid over what was there. */
export function publishedProperties(
  given: Given<typeof publishing> & { readonly storageType?: string | undefined },
  before: JsonObject,
): JsonObject {
  const published = defined({
    targetRegions: given.targetRegions,
    replicaCount: given.replicaCount,
    excludeFromLatest: given.excludeFromLatest,
    endOfLifeDate: given.endOfLifeDate,
    storageAccountType: given.storageType,
  })
  const safety = defined({ allowDeletionOfReplicatedLocations: given.allowDeletion })
  const safetyBefore = objectOr(before.safetyProfile)
  return {
    ...before,
    publishingProfile: {
      ...objectOr(before.publishingProfile),
      ...published,
    },
    ...(Object.keys(safety).length > 0 ? { safetyProfile: { ...safetyBefore, ...safety } } : {}),
  }
}
