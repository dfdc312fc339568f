import type { Problem } from '../domain/problem.ts'
import { parseResourceId, sameType } from '../domain/resource-id.ts'
import type { Disk } from './disk-schema.ts'
import { requiredProblem } from './parse.ts'

/** What a disk is made of. `shown`: the id as it was sent, for messages. */
export type DiskSource =
  | { readonly is: 'none' }
  | { readonly is: 'upload' }
  | { readonly is: 'disk'; readonly id: string }
  | { readonly is: 'version'; readonly id: string; readonly shown: string }
  | { readonly is: 'latest'; readonly definition: string; readonly shown: string }
  | { readonly is: 'refused'; readonly problem: Problem }

const creationData = 'disk.properties.creationData'

export function diskSourceOf({ properties }: Disk): DiskSource {
  const { createOption } = properties.creationData
  switch (createOption) {
    case 'Empty':
      return { is: 'none' }
    case 'Upload':
      return { is: 'upload' }
    case 'Copy':
      return copySource(properties.creationData.sourceResourceId)
    case 'FromImage':
      return imageSource(properties.creationData)
    default:
      return refused(
        'createOption',
        `createOption '${createOption}' is not available here yet. Use Empty, Upload, Copy or FromImage.`,
      )
  }
}

function copySource(sent: string | undefined): DiskSource {
  const path = 'sourceResourceId'
  if (sent === undefined)
    return { is: 'refused', problem: requiredProblem(`${creationData}.${path}`) }
  const id = parseResourceId(sent)
  if (id && sameType(id.type, 'Microsoft.Compute/disks')) return { is: 'disk', id: sent }
  return refused(
    path,
    id && sameType(id.type, 'Microsoft.Compute/snapshots')
      ? `Snapshots are not available here yet: '${sent}' cannot be copied. Copy the disk itself.`
      : `'${sent}' is not the id of a managed disk (/subscriptions/…/providers/Microsoft.Compute/disks/…).`,
  )
}

function imageSource({ galleryImageReference }: Disk['properties']['creationData']): DiskSource {
  const path = 'galleryImageReference'
  if (galleryImageReference === undefined) {
    return refused(
      path,
      'createOption FromImage needs galleryImageReference.id: the id of a gallery image version, or of an image definition for its latest version. Platform images are not available here.',
    )
  }
  const { id: sent } = galleryImageReference
  if (sent === undefined) {
    return refused(
      path,
      'Shared and community gallery ids are not available here yet. Use galleryImageReference.id with the id of the version.',
    )
  }
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

function refused(path: string, message: string): DiskSource {
  const problem = { code: 'InvalidParameter', message, target: `${creationData}.${path}` } as const
  return { is: 'refused', problem }
}
