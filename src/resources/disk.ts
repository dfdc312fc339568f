import { skuWasAccountType } from './account-type.ts'
import { diskApiVersions } from './api-versions.ts'
import type { ResourceType } from './declaration.ts'
import { diskLife } from './disk-life.ts'
import { type Disk, DiskSchema } from './disk-schema.ts'
import { assetNameProblems } from './image-definition-rules.ts'

/** A managed disk: empty, uploaded, copied from a disk, or made from a version (requirements 23, 29, 37). */
export const disks: ResourceType<Disk> = {
  type: 'Microsoft.Compute/disks',
  apiVersions: diskApiVersions,
  parent: undefined,
  target: 'disk',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('diskName', name),
  schema: DiskSchema,
  evolution: {
    since: {
      managedBy: '2017-03-30',
      zones: '2017-03-30',
      'properties.hyperVGeneration': '2018-09-30',
      'properties.creationData.uploadSizeBytes': '2019-03-01',
      'properties.diskSizeBytes': '2019-03-01',
      'properties.uniqueId': '2019-03-01',
      'properties.diskState': '2018-09-30',
      'properties.creationData.galleryImageReference': '2019-07-01',
      'properties.creationData.sourceUniqueId': '2019-07-01',
      'properties.encryption': '2019-07-01',
      'properties.maxShares': '2019-07-01',
      'properties.networkAccessPolicy': '2020-05-01',
      'properties.tier': '2020-06-30',
      'properties.burstingEnabled': '2020-09-30',
      'properties.purchasePlan': '2020-09-30',
      'properties.supportsHibernation': '2020-12-01',
      'properties.publicNetworkAccess': '2021-04-01',
      'properties.completionPercent': '2021-04-01',
      'properties.supportedCapabilities': '2021-08-01',
      'properties.supportedCapabilities.architecture': '2022-03-02',
      'properties.creationData.galleryImageReference.sharedGalleryImageId': '2022-03-02',
      'properties.creationData.galleryImageReference.communityGalleryImageId': '2022-03-02',
      'properties.creationData.imageReference.sharedGalleryImageId': '2022-03-02',
      'properties.creationData.imageReference.communityGalleryImageId': '2022-03-02',
      'properties.optimizedForFrequentAttach': '2022-07-02',
    },
    defaults: [
      { path: 'properties.encryption.type', value: 'EncryptionAtRestWithPlatformKey' },
      { path: 'properties.networkAccessPolicy', value: 'AllowAll' },
      { path: 'properties.publicNetworkAccess', value: 'Enabled' },
    ],
    moves: [skuWasAccountType('2017-03-30')],
  },
  readOnly: [
    'managedBy',
    'sku.tier',
    'properties.provisioningState',
    'properties.diskState',
    'properties.completionPercent',
    'properties.diskSizeBytes',
    'properties.timeCreated',
    'properties.uniqueId',
  ],
  keep: [
    'sku',
    'zones',
    'properties.creationData',
    'properties.diskSizeGB',
    'properties.osType',
    'properties.hyperVGeneration',
    'properties.supportedCapabilities',
    'properties.purchasePlan',
  ],
  by: {},
  immutable: ['zones', 'properties.creationData'],
  ...diskLife('Microsoft.Compute/disks'),
}
