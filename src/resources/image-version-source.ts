import { type Problem, unless } from '../domain/problem.ts'
import { keyOf, parseResourceId, sameType } from '../domain/resource-id.ts'
import type { Need } from './declaration.ts'
import { linkedActionOf } from './disk-source.ts'
import { sourceMovedIn } from './image-version-evolution.ts'
import type { ImageVersion, StorageProfile } from './image-version-schema.ts'
import { rangeProblems, requiredProblem } from './parse.ts'

/** What a version is made from (requirements 35-40), with every reason why it cannot be. */
export type VersionSource =
  | { readonly is: 'image'; readonly id: string }
  | { readonly is: 'version'; readonly id: string }
  | { readonly is: 'disks'; readonly disks: readonly SourceDisk[] }
  | { readonly is: 'refused'; readonly problems: readonly Problem[] }

/** `lun` undefined: the OS disk. */
type SourceDisk = { readonly lun: number | undefined; readonly id: string }

const target = 'galleryImageVersion.properties.storageProfile'
const lunMax = 63

/** Reads the source out of a version that is to be created. */
export function versionSourceOf(doc: ImageVersion, apiVersion: string): VersionSource {
  const profile = doc.properties.storageProfile ?? {}
  const whole = profile.source !== undefined
  const perDisk =
    profile.osDiskImage?.source !== undefined ||
    (profile.dataDiskImages ?? []).some((disk) => disk.source !== undefined)
  if (whole && perDisk) return refused(target, oneSource)
  if (whole) return wholeSource(profile.source ?? {}, apiVersion)
  if (perDisk) return diskSources(profile)
  const path =
    apiVersion < sourceMovedIn
      ? 'galleryImageVersion.properties.publishingProfile.source.managedImage.id'
      : `${target}.source`
  return { is: 'refused', problems: [requiredProblem(path)] }
}

const oneSource =
  'The gallery artifact version source can only be specified either directly under storageProfile or within individual OS or data disks. One and only one source type (user image, snapshot, disk, virtual machine) can be provided'

function wholeSource(
  source: NonNullable<StorageProfile['source']>,
  apiVersion: string,
): VersionSource {
  const { id: sent, virtualMachineId, communityGalleryImageId } = source
  const path = `${target}.source`
  if (Object.keys(source).length > 1) return refused(path, oneSource)
  if (communityGalleryImageId !== undefined) {
    return refused(path, 'Community gallery images are not available here yet as a source.')
  }
  if (virtualMachineId !== undefined) return refused(path, noMachines)
  if (sent === undefined) return { is: 'refused', problems: [requiredProblem(`${path}.id`)] }
  const id = parseResourceId(sent)
  if (id && sameType(id.type, 'Microsoft.Compute/images')) return { is: 'image', id: sent }
  if (id && sameType(id.type, 'Microsoft.Compute/galleries/images/versions')) {
    return { is: 'version', id: sent }
  }
  if (id && sameType(id.type, 'Microsoft.Compute/virtualMachines')) {
    if (apiVersion < '2023-07-03') return refused(`${path}.id`, noMachines)
    return refused(
      path,
      `The gallery image version source id: '${sent}' must be specified in '${path}.virtualMachineId'.`,
    )
  }
  return refused(
    `${path}.id`,
    `Source id: '${sent}' must either be a managed image, virtual machine or another gallery image version`,
  )
}

const noMachines =
  'Virtual machines are not available here yet as a source. Use a managed disk, a managed image or another image version.'

function diskSources({ osDiskImage, dataDiskImages = [] }: StorageProfile): VersionSource {
  const images = [
    { path: `${target}.osDiskImage.source`, lun: undefined, source: osDiskImage?.source },
    ...dataDiskImages.map(({ lun, source }) => ({
      path: `${target}.dataDiskImages[${lun}].source`,
      lun,
      source,
    })),
  ]
  const ids = images.flatMap(({ source }) => (source?.id === undefined ? [] : [keyOf(source.id)]))
  const luns = dataDiskImages.map((disk) => disk.lun)
  const path = `${target}.dataDiskImages`
  const problems = [
    ...images.flatMap((image) => diskSourceProblems(image.path, image.source)),
    ...luns.flatMap((lun) => rangeProblems(lun, { min: 0, max: lunMax, target: `${path}.lun` })),
    ...unless(
      new Set(luns).size === luns.length,
      'InvalidParameter',
      path,
      `Duplicated lun numbers are not allowed: ${luns.join(', ')}.`,
    ),
    ...unless(
      new Set(ids).size === ids.length,
      'InvalidParameter',
      target,
      'Duplicated source ids are not allowed: every disk of a version has a source of its own.',
    ),
  ]
  if (problems.length > 0) return { is: 'refused', problems }
  return { is: 'disks', disks: images.map(({ lun, source }) => ({ lun, id: source?.id ?? '' })) }
}

type DiskSource = NonNullable<NonNullable<StorageProfile['osDiskImage']>['source']>

function diskSourceProblems(path: string, source: DiskSource | undefined): readonly Problem[] {
  if (source === undefined) return [requiredProblem(path)]
  const { id: sent, uri, storageAccountId } = source
  const id = sent === undefined ? undefined : parseResourceId(sent)
  const account = id && sameType(id.type, 'Microsoft.Storage/storageAccounts')
  const says = (message: string): readonly Problem[] => [
    { code: 'InvalidParameter', message, target: path },
  ]
  if (uri !== undefined || storageAccountId !== undefined || account) {
    return says(
      'VHD blobs are not available here yet as a source. Upload the VHD to a managed disk (createOption Upload) and use the id of that disk.',
    )
  }
  if (sent === undefined) return [requiredProblem(`${path}.id`)]
  if (linkedActionOf(sent) !== undefined) return []
  return says(`Source id: '${sent}' must be a managed disk or snapshot`)
}

/** The rows that the rules have to see, each with the action that its reader needs. */
export function sourceNeeds(source: VersionSource): Readonly<Record<string, Need>> {
  switch (source.is) {
    case 'image':
      return { source: { resource: source.id, linked: 'Microsoft.Compute/images/read' } }
    case 'version': {
      const linked = 'Microsoft.Compute/galleries/images/versions/read'
      return { source: { resource: source.id, linked } }
    }
    case 'disks':
      return Object.fromEntries(
        source.disks.flatMap((disk) => {
          const linked = linkedActionOf(disk.id)
          return linked ? [[diskFactName(disk), { resource: disk.id, linked }]] : []
        }),
      )
    case 'refused':
      return {}
  }
}

export function diskFactName({ lun }: Pick<SourceDisk, 'lun'>): string {
  return lun === undefined ? 'osDisk' : `dataDisk${lun}`
}

function refused(path: string, message: string): VersionSource {
  return { is: 'refused', problems: [{ code: 'InvalidParameter', message, target: path }] }
}
