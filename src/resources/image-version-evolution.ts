import type { JsonObject } from '../domain/rows.ts'
import type { Evolution } from './declaration.ts'
import { isObject, valueAt } from './paths.ts'

/** Before this version the source stands in the publishing profile, and the storage profile is read-only. */
export const sourceMovedIn = '2019-07-01'

const publishing = 'properties.publishingProfile'
const storage = 'properties.storageProfile'

export const imageVersionEvolution: Evolution = {
  since: {
    [`${publishing}.storageAccountType`]: '2019-03-01',
    [`${publishing}.targetRegions[].storageAccountType`]: '2019-03-01',
    [`${storage}.source`]: sourceMovedIn,
    [`${storage}.osDiskImage.source`]: sourceMovedIn,
    [`${storage}.dataDiskImages[].source`]: sourceMovedIn,
    [`${publishing}.targetRegions[].encryption`]: '2019-12-01',
    [`${storage}.osDiskImage.source.uri`]: '2020-09-30',
    [`${storage}.dataDiskImages[].source.uri`]: '2020-09-30',
    [`${publishing}.replicationMode`]: '2021-07-01',
    [`${publishing}.targetExtendedLocations`]: '2021-10-01',
    [`${publishing}.targetRegions[].excludeFromLatest`]: '2022-03-03',
    [`${storage}.source.communityGalleryImageId`]: '2022-03-03',
    [`${storage}.osDiskImage.source.storageAccountId`]: '2022-03-03',
    [`${storage}.dataDiskImages[].source.storageAccountId`]: '2022-03-03',
    'properties.safetyProfile': '2022-03-03',
    'properties.securityProfile': '2022-08-03',
    [`${storage}.source.virtualMachineId`]: '2023-07-03',
    [`${publishing}.targetRegions[].additionalReplicaSets`]: '2024-03-03',
    'properties.safetyProfile.blockDeletionBeforeEndOfLife': '2024-03-03',
    'properties.restore': '2024-03-03',
    [`${publishing}.storageAccountStrategy`]: '2025-03-03',
  },
  defaults: [
    { path: `${publishing}.replicaCount`, value: 1 },
    { path: `${publishing}.excludeFromLatest`, value: false },
  ],
  moves: [{ before: sourceMovedIn, up: sourceUp, down: sourceDown }],
  refused: [
    { path: `${storage}.source`, until: sourceMovedIn, says: storage },
    { path: `${storage}.osDiskImage.source`, until: sourceMovedIn, says: storage },
  ],
}

function sourceUp(body: JsonObject): JsonObject {
  const { properties } = body
  if (!isObject(properties)) return body
  const { publishingProfile, storageProfile: _, ...others } = properties
  const id = valueAt(body, `${publishing}.source.managedImage.id`)
  const { source: __, ...profile } = isObject(publishingProfile) ? publishingProfile : {}
  return {
    ...body,
    properties: {
      ...others,
      publishingProfile: profile,
      storageProfile: id === undefined ? {} : { source: { id } },
    },
  }
}

function sourceDown(body: JsonObject): JsonObject {
  const { properties } = body
  const id = valueAt(body, `${storage}.source.id`)
  if (!isObject(properties) || id === undefined) return body
  const { publishingProfile, storageProfile, ...others } = properties
  const { source: _, ...disks } = isObject(storageProfile) ? storageProfile : {}
  return {
    ...body,
    properties: {
      ...others,
      publishingProfile: {
        ...(isObject(publishingProfile) && publishingProfile),
        source: { managedImage: { id } },
      },
      ...(Object.keys(disks).length > 0 && { storageProfile: disks }),
    },
  }
}
