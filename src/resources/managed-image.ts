import type { JsonObject } from '../domain/rows.ts'
import { computeApiVersions } from './api-versions.ts'
import { contentOf, contentStatus, pins, sizeInGB } from './content.ts'
import type { Effects, Facts, ResourceType, Stored, Write } from './declaration.ts'
import { diskFileBytes, keptUri, pendingEffects, shownUri, uploadFor } from './disk-file-source.ts'
import { assetNameProblems } from './image-definition-rules.ts'
import { againEffects } from './made-again.ts'
import { disksOf, factName, fileOf, imageNeeds, imageProblems } from './managed-image-disks.ts'
import { ManagedImage } from './managed-image-schema.ts'
import { jsonOf } from './paths.ts'
import { ingestRequest } from './pending-content.ts'

/** Requirement 32: a generalized image of a group, made of managed disks, snapshots and disk files. */
export const managedImages: ResourceType<ManagedImage> = {
  type: 'Microsoft.Compute/images',
  apiVersions: computeApiVersions,
  parent: undefined,
  target: 'image',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('imageName', name),
  schema: ManagedImage,
  evolution: {
    since: {
      'properties.hyperVGeneration': '2019-03-01',
      'properties.storageProfile.zoneResilient': '2017-12-01',
      'properties.storageProfile.osDisk.storageAccountType': '2017-03-30',
      'properties.storageProfile.dataDisks[].storageAccountType': '2017-03-30',
    },
    defaults: [{ path: 'properties.hyperVGeneration', value: 'V1' }],
    moves: [],
  },
  readOnly: ['properties.provisioningState'],
  keep: ['properties.storageProfile', 'properties.hyperVGeneration'],
  by: { 'properties.storageProfile.dataDisks': 'lun' },
  immutable: ['properties.hyperVGeneration', 'properties.storageProfile'],
  operations: {
    flavour: 'compute',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: 'Updating' },
  },
  complete: completeImage,
  needs: imageNeeds,
  problems: imageProblems,
  effects: imageEffects,
  remove: ({ key, generation }) => [
    { kind: 'Remove', subject: key, queue: 'control', generation: generation + 1, key },
  ],
  show: showImage,
}

/** Defaults are written out. Sizes are those of the disks: GET shows them, sent back they change nothing. */
function completeImage({ next, before }: Write<ManagedImage>): ManagedImage {
  const { storageProfile, ...properties } = next.properties
  if (!storageProfile) return next
  const { osDisk, dataDisks = [], zoneResilient = false } = storageProfile
  const stored = before?.doc.properties.storageProfile
  const isAt = (lun: number) => stored?.dataDisks?.find((disk) => disk.lun === lun)
  return {
    ...next,
    properties: {
      ...properties,
      storageProfile: {
        ...(osDisk && { osDisk: withDiskDefaults(osDisk, stored?.osDisk) }),
        ...(dataDisks.length > 0 && {
          dataDisks: dataDisks.map((disk) => withDiskDefaults(disk, isAt(disk.lun))),
        }),
        zoneResilient,
      },
    },
  }
}

type Settled = { readonly diskSizeGB?: number; readonly blobUri?: string }

function withDiskDefaults<Disk extends Settled>(disk: Disk, stored: Settled | undefined) {
  const { diskSizeGB: _, ...others } = disk
  const blobUri = keptUri(disk.blobUri, stored?.blobUri)
  const uri = blobUri === undefined ? {} : { blobUri }
  return {
    caching: 'None' as const,
    storageAccountType: 'Standard_LRS' as const,
    ...others,
    ...uri,
  }
}

/** An image keeps the images of its disks where they lie; it is ready when every file that it is of is one, too. */
function imageEffects(write: Write<ManagedImage>, facts: Facts): Effects {
  const { id, next, before, freshId, settings } = write
  if (before) return againEffects(write, before, facts) ?? { state: 'Succeeded' }
  const found = disksOf(next).flatMap(({ lun }) => {
    const fact = facts[factName({ lun })]
    const content = fact?.row && contentOf(fact.row.status)[0]
    return fact && content ? [{ fact, content: { ...content, lun } }] : []
  })
  const sources = disksOf(next).flatMap((named) => {
    const { lun } = named
    const file = fileOf(named)
    const to = { location: next.location, upload: uploadFor(freshId, lun), settings }
    return file ? [{ lun, from: diskFileBytes(file, facts[factName(named)], to) }] : []
  })
  const to = { region: next.location, keeper: id.key }
  const keeps = found.flatMap(({ fact, content }) => pins(fact.placements, [content], to))
  const status = contentStatus(found.map(({ content }) => content))
  if (sources.length === 0) return { state: 'Succeeded', status, keeps }
  const pending = pendingEffects(sources)
  const work = [ingestRequest({ key: id.key, region: next.location, generation: 1 })]
  return { ...pending, state: 'Creating', status: { ...status, ...pending.status }, keeps, work }
}

function showImage({ doc, status }: Stored<ManagedImage>): JsonObject {
  const contents = contentOf(status)
  const size = (lun: number | undefined) => {
    const content = contents.find((one) => one.lun === lun)
    return content ? { diskSizeGB: sizeInGB(content.virtualSizeBytes) } : {}
  }
  const { storageProfile, ...properties } = doc.properties
  if (!storageProfile) return jsonOf(doc)
  const { osDisk, dataDisks = [] } = storageProfile
  return jsonOf({
    ...doc,
    properties: {
      ...properties,
      storageProfile: {
        ...storageProfile,
        ...(osDisk && { osDisk: { ...shown(osDisk), ...size(undefined) } }),
        dataDisks: dataDisks.map((disk) => ({ ...shown(disk), ...size(disk.lun) })),
      },
    },
  })
}

function shown<Disk extends Settled>(disk: Disk): Disk {
  return disk.blobUri === undefined ? disk : { ...disk, blobUri: shownUri(disk.blobUri) }
}
