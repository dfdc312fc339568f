import { type Problem, unless } from '../domain/problem.ts'
import { type RegionName, regionName } from '../domain/regions.ts'
import { keyOf, parseResourceId, sameType } from '../domain/resource-id.ts'
import { parseSharedImageId, type SharedImageId } from '../domain/shared-image-id.ts'
import type { Need, Settings } from './declaration.ts'
import { type DiskFileSource, diskFileNeed } from './disk-file-source.ts'
import { linkedActionOf } from './disk-source.ts'
import { sourceMovedIn } from './image-version-evolution.ts'
import type { ImageVersion, StorageProfile } from './image-version-schema.ts'
import { rangeProblems, requiredProblem } from './parse.ts'

/** What a version is made from (requirements 35-40), with every reason why it cannot be. */
export type VersionSource =
  | { readonly is: 'image'; readonly id: string }
  | { readonly is: 'version'; readonly id: string }
  /** The latest version of a definition; `id` as it was sent. */
  | {
      readonly is: 'latest'
      readonly id: string
      readonly definition: string
      readonly region: RegionName
    }
  /** Of a gallery that is shared; `id` as it was sent. */
  | {
      readonly is: 'shared'
      readonly id: string
      readonly image: SharedImageId
      readonly region: RegionName
    }
  | { readonly is: 'disks'; readonly disks: readonly SourceDisk[] }
  | { readonly is: 'refused'; readonly problems: readonly Problem[] }

/** `lun` undefined: the OS disk. Of a disk or snapshot, or of a disk file. */
export type SourceDisk = { readonly lun: number | undefined } & (
  | { readonly id: string; readonly file?: never }
  | { readonly file: DiskFileSource; readonly id?: never }
)

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
  if (whole) return wholeSource(profile.source ?? {}, { apiVersion, location: doc.location })
  if (perDisk) return diskSources(profile, apiVersion)
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
  { apiVersion, location }: { readonly apiVersion: string; readonly location: string },
): VersionSource {
  const { id: sent, virtualMachineId, communityGalleryImageId } = source
  const path = `${target}.source`
  if (Object.keys(source).length > 1) return refused(path, oneSource)
  if (communityGalleryImageId !== undefined) {
    const found = sharedSource(communityGalleryImageId, location)
    const wanted = '/CommunityGalleries/{publicName}/Images/{image}/Versions/{version}'
    const why = `'${communityGalleryImageId}' is not the id of a community image. Write ${wanted}.`
    return found?.image.via === 'community'
      ? found
      : refused(`${path}.communityGalleryImageId`, why)
  }
  if (virtualMachineId !== undefined) return refused(path, noMachines)
  if (sent === undefined) return { is: 'refused', problems: [requiredProblem(`${path}.id`)] }
  const shared = sharedSource(sent, location)
  if (shared) return shared
  if (!sent.startsWith('/')) return { is: 'refused', problems: [notQualified(sent, `${path}.id`)] }
  const id = parseResourceId(sent)
  if (id && sameType(id.type, 'Microsoft.Compute/images')) return { is: 'image', id: sent }
  if (id && sameType(id.type, 'Microsoft.Compute/galleries/images/versions')) {
    const definition = id.text.split('/').slice(0, -2).join('/')
    return id.name.toLowerCase() === 'latest'
      ? { is: 'latest', id: sent, definition, region: regionName(location) }
      : { is: 'version', id: sent }
  }
  if (id && sameType(id.type, 'Microsoft.Compute/galleries/images')) {
    return { is: 'latest', id: sent, definition: id.text, region: regionName(location) }
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
    `The source id: '${sent}' must either be a managed image, virtual machine or another gallery image version`,
  )
}

function sharedSource(id: string, location: string) {
  const image = parseSharedImageId(id)
  return image && ({ is: 'shared', id, image, region: regionName(location) } as const)
}

const noMachines =
  'Virtual machines are not available here yet as a source. Use a managed disk, a managed image or another image version.'

function diskSources(
  { osDiskImage, dataDiskImages = [] }: StorageProfile,
  apiVersion: string,
): VersionSource {
  const images = [
    { path: `${target}.osDiskImage.source`, lun: undefined, source: osDiskImage?.source },
    ...dataDiskImages.map(({ lun, source }) => ({
      path: `${target}.dataDiskImages[${lun}].source`,
      lun,
      source,
    })),
  ]
  const ids = images.flatMap(({ source }) => source?.uri ?? (source?.id ? keyOf(source.id) : []))
  const luns = dataDiskImages.map((disk) => disk.lun)
  const path = `${target}.dataDiskImages`
  const problems = [
    ...images.flatMap((image) => diskSourceProblems(image, apiVersion)),
    ...luns.flatMap((lun) => rangeProblems(lun, { min: 0, max: lunMax, target: `${path}.lun` })),
    ...unless(
      new Set(luns).size === luns.length,
      'InvalidParameter',
      path,
      `Duplicated lun numbers have been detected in the input data disks: ${luns.join(', ')}. Lun number must be unique for each data disk.`,
    ),
    ...unless(
      new Set(ids).size === ids.length,
      'InvalidParameter',
      target,
      'Duplicated source ids are found in the input disks. Source id should be unique for each disk.',
    ),
  ]
  if (problems.length > 0) return { is: 'refused', problems }
  return { is: 'disks', disks: images.map(diskOf) }
}

type DiskImage = {
  readonly path: string
  readonly lun: number | undefined
  readonly source: NonNullable<StorageProfile['osDiskImage']>['source']
}

function diskOf({ path, lun, source }: DiskImage): SourceDisk {
  const { id = '', uri, storageAccountId } = source ?? {}
  if (uri === undefined) return { lun, id }
  // Until 2023-07-03 the id that stands beside the URI is the account's.
  const account = storageAccountId ?? (id === '' ? undefined : id)
  return { lun, file: { uri, account, path: `${path}.uri` } }
}

function diskSourceProblems({ path, source }: DiskImage, apiVersion: string): readonly Problem[] {
  if (source === undefined) return [requiredProblem(path)]
  const { id: sent, uri, storageAccountId } = source
  const isAccount = sameType(parseResourceId(sent ?? '')?.type ?? '', storageAccountType)
  const says = (message: string): readonly Problem[] => [
    { code: 'InvalidParameter', message, target: path },
  ]
  if (isAccount && apiVersion >= accountMovedIn) {
    return says(
      `The storage account '${sent}' must be specified in '${path}.storageAccountId', not in '${path}.id'.`,
    )
  }
  if (uri !== undefined) {
    const others = [sent, storageAccountId].filter((one) => one !== undefined)
    const isOne = others.length < 2 && (sent === undefined || isAccount)
    return isOne ? [] : says(oneSource)
  }
  if (storageAccountId !== undefined || isAccount) return [requiredProblem(`${path}.uri`)]
  if (sent === undefined) return [requiredProblem(`${path}.id`)]
  if (!sent.startsWith('/')) return [notQualified(sent, `${path}.id`)]
  if (linkedActionOf(sent) !== undefined) return []
  return says(`The source id: '${sent}' must be a managed disk or snapshot`)
}

/** What ARM's front door says of an id that begins nowhere. */
function notQualified(id: string, path: string): Problem {
  const at = path.replace(/^galleryImageVersion\./, '')
  const message = `Property id '${id}' at path '${at}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`
  return { code: 'LinkedInvalidPropertyId', message, target: path }
}

const storageAccountType = 'Microsoft.Storage/storageAccounts'
/** From here on a VHD's account has a member of its own and nothing else will do. */
const accountMovedIn = '2023-07-03'

/** The rows that the rules have to see, each with the action that its reader needs. */
export function sourceNeeds(
  source: VersionSource,
  settings: Settings,
): Readonly<Record<string, Need>> {
  switch (source.is) {
    case 'image':
      return { source: { resource: source.id, linked: 'Microsoft.Compute/images/read' } }
    case 'version': {
      const linked = 'Microsoft.Compute/galleries/images/versions/read'
      return { source: { resource: source.id, linked } }
    }
    case 'latest': {
      const { definition, region } = source
      const linked = 'Microsoft.Compute/galleries/images/versions/read'
      return { source: { latestOf: definition, region, linked } }
    }
    case 'shared':
      return { source: { shared: source.image, region: source.region } }
    case 'disks':
      return Object.fromEntries(
        source.disks.flatMap((disk) => {
          const need = diskNeed(disk, settings)
          return need ? [[diskFactName(disk), need]] : []
        }),
      )
    case 'refused':
      return {}
  }
}

function diskNeed({ id, file }: SourceDisk, settings: Settings): Need | undefined {
  if (file) return diskFileNeed(file, settings)
  const linked = linkedActionOf(id)
  return linked === undefined ? undefined : { resource: id, linked }
}

export function diskFactName({ lun }: Pick<SourceDisk, 'lun'>): string {
  return lun === undefined ? 'osDisk' : `dataDisk${lun}`
}

function refused(path: string, message: string): VersionSource {
  return { is: 'refused', problems: [{ code: 'InvalidParameter', message, target: path }] }
}
