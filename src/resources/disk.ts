import { isDeepStrictEqual } from 'node:util'
import { sizes } from '../domain/limits.ts'
import type { JsonObject } from '../domain/rows.ts'
import { diskApiVersions } from './api-versions.ts'
import { contentOf, sizeInGB } from './content.ts'
import type { ResourceType, Stored, Write } from './declaration.ts'
import { diskActions } from './disk-access.ts'
import { diskEffects, diskNeeds, diskProblems } from './disk-rules.ts'
import { Disk } from './disk-schema.ts'
import { assetNameProblems } from './image-definition-rules.ts'
import { jsonOf } from './paths.ts'

export const diskType = 'Microsoft.Compute/disks'

/** A managed disk: empty, uploaded, copied from a disk, or made from a version (requirements 23, 29, 37). */
export const disks: ResourceType<Disk> = {
  type: diskType,
  apiVersions: diskApiVersions,
  parent: undefined,
  target: 'disk',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('diskName', name),
  schema: Disk,
  evolution: {
    since: {
      'properties.hyperVGeneration': '2018-09-30',
      'properties.creationData.uploadSizeBytes': '2018-09-30',
      'properties.diskSizeBytes': '2018-09-30',
      'properties.uniqueId': '2018-09-30',
      'properties.diskState': '2018-09-30',
      'properties.creationData.galleryImageReference': '2019-07-01',
      'properties.encryption': '2019-07-01',
      'properties.maxShares': '2019-07-01',
      'properties.networkAccessPolicy': '2020-05-01',
      'properties.tier': '2020-06-30',
      'properties.burstingEnabled': '2020-09-30',
      'properties.purchasePlan': '2020-09-30',
      'properties.supportsHibernation': '2020-12-01',
      'properties.publicNetworkAccess': '2021-04-01',
      'properties.supportedCapabilities': '2021-08-01',
      'properties.supportedCapabilities.architecture': '2022-03-02',
      'properties.optimizedForFrequentAttach': '2022-07-02',
    },
    defaults: [
      { path: 'properties.encryption.type', value: 'EncryptionAtRestWithPlatformKey' },
      { path: 'properties.networkAccessPolicy', value: 'AllowAll' },
      { path: 'properties.publicNetworkAccess', value: 'Enabled' },
    ],
    moves: [],
  },
  readOnly: [
    'managedBy',
    'sku.tier',
    'properties.provisioningState',
    'properties.diskState',
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
  operations: {
    flavour: 'disk',
    create: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    update: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Updating', update: 'Updating' },
  },
  complete: completeDisk,
  needs: diskNeeds,
  problems: diskProblems,
  effects: diskEffects,
  remove: ({ key, generation }) => [
    { kind: 'Remove', subject: key, queue: 'control', generation: generation + 1, key },
  ],
  actions: diskActions,
  show: ({ doc, status }) => shownDisk({ doc, status }),
}

/** GET shows more than the stored document says: sent back, that changes nothing. */
function completeDisk({ next, before }: Write<Disk>): Disk {
  const { creationData, ...properties } = next.properties
  const { imageReference, ...asked } = creationData
  const created = asked.galleryImageReference === undefined && imageReference ? creationData : asked
  const sku = next.sku ?? { name: 'Standard_LRS' as const }
  const said = { ...properties, creationData: created }
  return { ...next, sku, properties: before ? withoutShown(said, before) : withoutGuess(said) }
}

/** The size of an upload is that of its bytes. */
function withoutGuess({ diskSizeGB, ...properties }: Disk['properties']): Disk['properties'] {
  const guesses = properties.creationData.createOption === 'Upload'
  return guesses || diskSizeGB === undefined ? properties : { ...properties, diskSizeGB }
}

const learned = ['osType', 'hyperVGeneration', 'supportedCapabilities'] as const

function withoutShown(properties: Disk['properties'], before: Stored<Disk>): Disk['properties'] {
  const stored = before.doc.properties
  const same = { ...properties }
  for (const name of learned) {
    const shown = stored[name] === undefined && isDeepStrictEqual(same[name], before.status[name])
    if (shown) delete same[name]
  }
  if (stored.diskSizeGB === undefined && same.diskSizeGB === shownSizeGB(before)) {
    delete same.diskSizeGB
  }
  return same
}

/** The size that GET shows, in GiB. */
function shownSizeGB(disk: Pick<Stored<Disk>, 'doc' | 'status'>): number {
  return sizeInGB(shownSizeBytes(disk))
}

const footerBytes = 512

function shownSizeBytes({ doc, status }: Pick<Stored<Disk>, 'doc' | 'status'>): number {
  const [content] = contentOf(status)
  const { diskSizeGB = 0, creationData } = doc.properties
  if (content) return content.virtualSizeBytes
  if (creationData.createOption !== 'Upload') return diskSizeGB * sizes.gib
  // Until its bytes are known, an upload of whole MiB and 512 bytes is taken for a VHD with its footer.
  const { uploadSizeBytes = 0 } = creationData
  return uploadSizeBytes % sizes.mib === footerBytes
    ? uploadSizeBytes - footerBytes
    : uploadSizeBytes
}

function shownDisk(disk: Pick<Stored<Disk>, 'doc' | 'status'>): JsonObject {
  const { doc, status } = disk
  const { creationData, ...properties } = doc.properties
  const { galleryImageReference } = creationData
  const name = doc.sku?.name ?? 'Standard_LRS'
  const told = [...learned, 'uniqueId', 'timeCreated']
  return jsonOf({
    ...doc,
    sku: { name, tier: skuTier(name) },
    properties: {
      ...pick(status, told),
      ...properties,
      creationData: {
        ...creationData,
        ...(galleryImageReference?.id && { imageReference: { id: galleryImageReference.id } }),
      },
      diskSizeGB: shownSizeGB(disk),
      diskSizeBytes: shownSizeBytes(disk),
      diskState: status.diskState ?? 'Unattached',
    },
  })
}

function pick(status: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => (name in status ? [[name, status[name] ?? null]] : [])),
  )
}

function skuTier(name: string): string {
  if (name.startsWith('Premium')) return 'Premium'
  return name.startsWith('Ultra') ? 'Ultra' : 'Standard'
}
