import { skuWasAccountType } from './account-type.ts'
import { diskApiVersions } from './api-versions.ts'
import type { ResourceType } from './declaration.ts'
import { diskLife } from './disk-life.ts'
import { type Disk, SnapshotSchema } from './disk-schema.ts'
import { snapshotType } from './disk-source.ts'
import { assetNameProblems } from './image-definition-rules.ts'

/**
 * A disk as it was at a moment (requirement 38): of a disk, of another snapshot, copied from another region, or uploaded.
 * It keeps the image itself, so that its disk may be deleted; what two snapshots have in common is stored once.
 */
export const snapshots: ResourceType<Disk> = {
  type: snapshotType,
  apiVersions: diskApiVersions,
  parent: undefined,
  target: 'snapshot',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('snapshotName', name),
  schema: SnapshotSchema,
  evolution: {
    since: {
      managedBy: '2017-03-30',
      'properties.hyperVGeneration': '2018-09-30',
      'properties.creationData.uploadSizeBytes': '2019-03-01',
      'properties.diskSizeBytes': '2019-03-01',
      'properties.uniqueId': '2019-03-01',
      'properties.incremental': '2019-03-01',
      'properties.creationData.sourceUniqueId': '2019-07-01',
      'properties.encryption': '2019-07-01',
      'properties.networkAccessPolicy': '2020-05-01',
      'properties.diskState': '2020-06-30',
      'properties.purchasePlan': '2020-12-01',
      'properties.supportsHibernation': '2020-12-01',
      'properties.publicNetworkAccess': '2021-04-01',
      'properties.completionPercent': '2021-04-01',
      'properties.supportedCapabilities': '2021-08-01',
      'properties.incrementalSnapshotFamilyId': '2022-07-02',
      'properties.supportedCapabilities.architecture': '2022-03-02',
      'properties.copyCompletionError': '2022-03-02',
      'properties.dataAccessAuthMode': '2022-03-02',
    },
    defaults: [
      { path: 'properties.incremental', value: false },
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
    'properties.completionPercent',
    'properties.copyCompletionError',
    'properties.diskState',
    'properties.diskSizeBytes',
    'properties.incrementalSnapshotFamilyId',
    'properties.timeCreated',
    'properties.uniqueId',
  ],
  keep: [
    'sku',
    'properties.creationData',
    'properties.diskSizeGB',
    'properties.incremental',
    'properties.osType',
    'properties.hyperVGeneration',
    'properties.supportedCapabilities',
    'properties.purchasePlan',
  ],
  by: {},
  immutable: ['properties.creationData', 'properties.incremental'],
  ...diskLife(snapshotType),
}
