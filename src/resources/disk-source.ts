import type { Problem } from '../domain/problem.ts'
import { parseResourceId, type ResourceId, sameType } from '../domain/resource-id.ts'
import { parseSharedImageId, type SharedImageId } from '../domain/shared-image-id.ts'
import type { DiskFileSource } from './disk-file-source.ts'
import type { Disk } from './disk-schema.ts'
import { requiredProblem } from './parse.ts'

export const snapshotType = 'Microsoft.Compute/snapshots'

/** What a disk or snapshot is made of. `shown`: the id as it was sent, for messages. */
export type DiskSource =
  | { readonly is: 'none' }
  | { readonly is: 'upload' }
  /** Of a disk or snapshot. `far`: the bytes are copied to where the snapshot is, wherever they lie. */
  | { readonly is: 'copy'; readonly id: string; readonly linked: string; readonly far: boolean }
  | { readonly is: 'file'; readonly file: DiskFileSource }
  | { readonly is: 'version'; readonly id: string; readonly shown: string }
  | { readonly is: 'latest'; readonly definition: string; readonly shown: string }
  | { readonly is: 'shared'; readonly image: SharedImageId; readonly shown: string }
  | { readonly is: 'refused'; readonly problem: Problem }

/** `disk` or `snapshot`: what the messages about a resource call it. */
export function wordOf({ type }: Pick<ResourceId, 'type'>): 'disk' | 'snapshot' {
  return sameType(type, snapshotType) ? 'snapshot' : 'disk'
}

const optionsOf = {
  disk: ['Empty', 'Upload', 'Copy', 'FromImage', 'Import'],
  snapshot: ['Copy', 'CopyStart', 'Upload', 'Import'],
} as const

export function diskSourceOf({ properties }: Disk, id: Pick<ResourceId, 'type'>): DiskSource {
  const { creationData } = properties
  const { createOption } = creationData
  const word = wordOf(id)
  const path = `${word}.properties.creationData`
  const options: readonly string[] = optionsOf[word]
  if (!options.includes(createOption)) {
    const use = `${options.slice(0, -1).join(', ')} or ${options.at(-1)}`
    const why = `createOption '${createOption}' is not available here for a ${word}. Use ${use}.`
    return refused(`${path}.createOption`, why)
  }
  if (createOption === 'Empty') return { is: 'none' }
  if (createOption === 'Upload') return { is: 'upload' }
  if (createOption === 'FromImage') return imageSource(creationData, path)
  if (createOption === 'Import') return fileSource(creationData, path)
  return copySource(creationData.sourceResourceId, path, createOption === 'CopyStart')
}

function fileSource(
  { sourceUri: uri, storageAccountId: account }: Disk['properties']['creationData'],
  above: string,
): DiskSource {
  const path = `${above}.sourceUri`
  if (uri === undefined) return { is: 'refused', problem: requiredProblem(path) }
  return { is: 'file', file: { uri, account, path } }
}

function copySource(sent: string | undefined, above: string, far: boolean): DiskSource {
  const path = `${above}.sourceResourceId`
  if (sent === undefined) return { is: 'refused', problem: requiredProblem(path) }
  const linked = linkedActionOf(sent)
  if (linked === undefined) {
    const wanted =
      'a managed disk or snapshot (/subscriptions/…/providers/Microsoft.Compute/disks/…)'
    return refused(path, `'${sent}' is not the id of ${wanted}.`)
  }
  if (far && !linked.startsWith(snapshotType)) {
    const why = `CopyStart copies a snapshot, and '${sent}' is a disk. Make a snapshot of it first.`
    return refused(path, why)
  }
  return { is: 'copy', id: sent, linked, far }
}

/** What its reader must be allowed on a disk or snapshot; undefined for the id of anything else. */
export function linkedActionOf(sent: string): string | undefined {
  const id = parseResourceId(sent)
  const types = ['Microsoft.Compute/disks', snapshotType]
  const type = types.find((known) => id && sameType(id.type, known))
  return type && `${type}/beginGetAccess/action`
}

function imageSource(
  { galleryImageReference }: Disk['properties']['creationData'],
  above: string,
): DiskSource {
  const path = `${above}.galleryImageReference`
  if (galleryImageReference === undefined) {
    return refused(
      path,
      'createOption FromImage needs galleryImageReference.id: the id of a gallery image version, or of an image definition for its latest version. Platform images are not available here.',
    )
  }
  const {
    id: own,
    sharedGalleryImageId: shared,
    communityGalleryImageId: community,
  } = galleryImageReference
  const [sent = '', ...others] = [own, shared, community].filter((one) => one !== undefined)
  if (sent === '' || others.length > 0) {
    return refused(
      path,
      'One of id, sharedGalleryImageId and communityGalleryImageId names the image.',
    )
  }
  if (own === undefined || parseSharedImageId(own))
    return sharedSource(sent, path, { shared, community })
  const id = parseResourceId(sent)
  if (id && sameType(id.type, 'Microsoft.Compute/galleries/images')) {
    return { is: 'latest', definition: id.text, shown: sent }
  }
  if (id && sameType(id.type, 'Microsoft.Compute/galleries/images/versions')) {
    const definition = id.text.split('/').slice(0, -2).join('/')
    return id.name.toLowerCase() === 'latest'
      ? { is: 'latest', definition, shown: sent }
      : { is: 'version', id: id.text, shown: sent }
  }
  return refused(`${path}.id`, `'${sent}' is not the id of a gallery image version or definition.`)
}

function sharedSource(
  shown: string,
  path: string,
  {
    shared,
    community,
  }: { readonly shared: string | undefined; readonly community: string | undefined },
): DiskSource {
  const image = parseSharedImageId(shown)
  const isMeant =
    image &&
    (shared === undefined || image.via === 'shared') &&
    (community === undefined || image.via === 'community')
  if (isMeant) return { is: 'shared', image, shown }
  const forms =
    '/SharedGalleries/{uniqueName}/Images/{image}/Versions/{version} or /CommunityGalleries/{publicName}/Images/{image}/Versions/{version}'
  return refused(
    path,
    `'${shown}' is not the id of a shared image. Write ${forms}; the version may be latest.`,
  )
}

function refused(target: string, message: string): DiskSource {
  return { is: 'refused', problem: { code: 'InvalidParameter', message, target } }
}
