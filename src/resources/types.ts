import { sameType } from '../domain/resource-id.ts'
import { applicationVersions } from './application-version.ts'
import type { ResourceType } from './declaration.ts'
import { disks } from './disk.ts'
import { galleries } from './gallery.ts'
import { galleryApplications } from './gallery-application.ts'
import { imageDefinitions } from './image-definition.ts'
import { imageVersions } from './image-version.ts'
import { managedImages } from './managed-image.ts'
import { resourceGroups } from './resource-group.ts'
import { snapshots } from './snapshot.ts'
import { storageAccounts } from './storage-account.ts'

/** Every type that is served, parents before children. */
export const resourceTypes: readonly ResourceType[] = [
  resourceGroups,
  galleries,
  imageDefinitions,
  imageVersions,
  galleryApplications,
  applicationVersions,
  disks,
  snapshots,
  managedImages,
  storageAccounts,
]

/** By its name in any case; undefined when it is not served. */
export function findType(type: string): ResourceType | undefined {
  return resourceTypes.find((known) => sameType(known.type, type))
}
