import { z } from 'zod'
import { type Problem, unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import { parseResourceId, sameType } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { computeApiVersions } from './api-versions.ts'
import { flag, tracked, wholeNumber, word } from './coerce.ts'
import { contentOf, contentStatus, pins, sizeInGB } from './content.ts'
import type { Effects, Fact, Facts, Need, ResourceType, Stored, Write } from './declaration.ts'
import { linkedActionOf } from './disk-source.ts'
import { assetNameProblems } from './image-definition-rules.ts'
import { changeProblem } from './merge.ts'
import { requiredProblem } from './parse.ts'
import { jsonOf } from './paths.ts'
import { liesIn } from './version-use.ts'

const Source = {
  managedDisk: z.object({ id: z.string() }).exactOptional(),
  snapshot: z.object({ id: z.string() }).exactOptional(),
  blobUri: z.string().exactOptional(),
  caching: word(['None', 'ReadOnly', 'ReadWrite']).exactOptional(),
  diskSizeGB: wholeNumber.exactOptional(),
  storageAccountType: word([
    'Standard_LRS',
    'Premium_LRS',
    'StandardSSD_LRS',
    'UltraSSD_LRS',
    'Premium_ZRS',
    'StandardSSD_ZRS',
    'PremiumV2_LRS',
  ]).exactOptional(),
}

const ManagedImage = z.object({
  ...tracked,
  properties: z.object({
    hyperVGeneration: word(['V1', 'V2']).exactOptional(),
    sourceVirtualMachine: z.object({ id: z.string() }).exactOptional(),
    storageProfile: z
      .object({
        osDisk: z
          .object({
            ...Source,
            osType: word(['Windows', 'Linux']),
            osState: word(['Generalized', 'Specialized']),
          })
          .exactOptional(),
        dataDisks: z.array(z.object({ ...Source, lun: wholeNumber })).exactOptional(),
        zoneResilient: flag.exactOptional(),
      })
      .exactOptional(),
  }),
})
type ManagedImage = z.infer<typeof ManagedImage>
type ImageDisk = { readonly [Member in keyof typeof Source]?: unknown } & {
  readonly managedDisk?: { readonly id: string }
  readonly snapshot?: { readonly id: string }
}

const target = 'image.properties'

/** Requirement 32: a generalized image of a group, made of managed disks. */
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
      'properties.storageProfile.zoneResilient': '2018-06-01',
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

type Found = { readonly lun: number | undefined; readonly path: string; readonly disk: ImageDisk }

function disksOf({ properties }: ManagedImage): readonly Found[] {
  const { osDisk, dataDisks = [] } = properties.storageProfile ?? {}
  const path = `${target}.storageProfile`
  return [
    ...(osDisk ? [{ lun: undefined, path: `${path}.osDisk`, disk: osDisk }] : []),
    ...dataDisks.map((disk) => ({
      lun: disk.lun,
      path: `${path}.dataDisks[${disk.lun}]`,
      disk,
    })),
  ]
}

function sourceIdOf({ managedDisk, snapshot }: ImageDisk): string | undefined {
  return (snapshot ?? managedDisk)?.id
}

function factName({ lun }: Pick<Found, 'lun'>): string {
  return lun === undefined ? 'osDisk' : `dataDisk${lun}`
}

/** Defaults are written out. Sizes are those of the disks: GET shows them, sent back they change nothing. */
function completeImage({ next }: Write<ManagedImage>): ManagedImage {
  const { storageProfile, ...properties } = next.properties
  if (!storageProfile) return next
  const { osDisk, dataDisks = [], zoneResilient = false } = storageProfile
  return {
    ...next,
    properties: {
      ...properties,
      storageProfile: {
        ...(osDisk && { osDisk: withDiskDefaults(osDisk) }),
        ...(dataDisks.length > 0 && { dataDisks: dataDisks.map(withDiskDefaults) }),
        zoneResilient,
      },
    },
  }
}

type Settled = { readonly diskSizeGB?: number }

function withDiskDefaults<Disk extends Settled>(disk: Disk) {
  const { diskSizeGB: _, ...others } = disk
  return { caching: 'None' as const, storageAccountType: 'Standard_LRS' as const, ...others }
}

function imageNeeds({ next, before }: Write<ManagedImage>): Readonly<Record<string, Need>> {
  if (before) return {}
  return Object.fromEntries(
    disksOf(next).flatMap((found) => {
      const id = sourceIdOf(found.disk)
      const linked = id && linkedActionOf(id)
      return id && linked ? [[factName(found), { resource: id, linked }]] : []
    }),
  )
}

function imageProblems(write: Write<ManagedImage>, facts: Facts): readonly Problem[] {
  const { next, before } = write
  const { sourceVirtualMachine } = next.properties
  if (before) return sourceVirtualMachine ? [changeProblem('sourceVirtualMachine')] : []
  if (sourceVirtualMachine) {
    return [
      invalid(
        `${target}.sourceVirtualMachine`,
        'Virtual machines are not available here yet as a source. Use storageProfile.osDisk.managedDisk.id.',
      ),
    ]
  }
  const { osDisk, dataDisks = [] } = next.properties.storageProfile ?? {}
  if (!osDisk) return [requiredProblem(`${target}.storageProfile.osDisk`)]
  const luns = dataDisks.map((disk) => disk.lun)
  return [
    ...unless(
      osDisk.osState === 'Generalized',
      'InvalidParameter',
      `${target}.storageProfile.osDisk.osState`,
      'A managed image is always Generalized. Make a gallery image version from the disk itself for a specialized image.',
    ),
    ...unless(
      new Set(luns).size === luns.length,
      'InvalidParameter',
      `${target}.storageProfile.dataDisks`,
      `Duplicated lun numbers are not allowed: ${luns.join(', ')}.`,
    ),
    ...disksOf(next).flatMap((found) => diskProblems(write, found, facts[factName(found)])),
  ]
}

const oneSource = 'A disk of an image has one source: managedDisk, snapshot or blobUri.'

function diskProblems(
  { next }: Write<ManagedImage>,
  { path, disk }: Found,
  fact: Fact | undefined,
): readonly Problem[] {
  if (disk.blobUri !== undefined) {
    return [
      invalid(
        `${path}.blobUri`,
        'VHD blobs are not available here yet as a source. Upload the VHD to a managed disk (createOption Upload) and use managedDisk.id.',
      ),
    ]
  }
  if (disk.managedDisk && disk.snapshot) return [invalid(path, oneSource)]
  const sent = sourceIdOf(disk)
  if (sent === undefined) return [requiredProblem(`${path}.managedDisk.id`)]
  const says = disk.snapshot ? 'snapshot' : 'managed disk'
  const target = `${path}.${disk.snapshot ? 'snapshot' : 'managedDisk'}.id`
  const type = `Microsoft.Compute/${disk.snapshot ? 'snapshots' : 'disks'}`
  if (!sameType(parseResourceId(sent)?.type ?? '', type)) {
    return [invalid(target, `'${sent}' is not the id of a ${says}.`)]
  }
  const row = fact?.row
  if (!row) return [{ code: 'NotFound', message: `The ${says} '${sent}' was not found.`, target }]
  const here = regionName(next.location)
  return [
    ...unless(
      row.region === here,
      'InvalidParameter',
      target,
      `The ${says} '${sent}' is in region '${row.region}'. An image is made in the region of its disks; '${here}' is another one.`,
    ),
    ...unless(
      liesIn(fact, row.region ?? here),
      'Conflict',
      target,
      `The ${says} '${sent}' has no content yet: its state is ${String(row.status.diskState)}. Finish its upload (endGetAccess) first.`,
    ),
  ]
}

function invalid(path: string, message: string): Problem {
  return { code: 'InvalidParameter', message, target: path }
}

/** An image is ready at once: it keeps the images of its disks where they lie. */
function imageEffects({ id, next, before }: Write<ManagedImage>, facts: Facts): Effects {
  if (before) return { state: 'Succeeded' }
  const found = disksOf(next).flatMap(({ lun }) => {
    const fact = facts[factName({ lun })]
    const content = fact?.row && contentOf(fact.row.status)[0]
    return fact && content ? [{ fact, content: { ...content, lun } }] : []
  })
  const to = { region: next.location, keeper: id.key }
  return {
    state: 'Succeeded',
    status: contentStatus(found.map(({ content }) => content)),
    keeps: found.flatMap(({ fact, content }) => pins(fact.placements, [content], to)),
  }
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
        ...(osDisk && { osDisk: { ...osDisk, ...size(undefined) } }),
        dataDisks: dataDisks.map((disk) => ({ ...disk, ...size(disk.lun) })),
      },
    },
  })
}
