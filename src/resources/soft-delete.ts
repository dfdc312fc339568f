import { sameType } from '../domain/resource-id.ts'
import type { JsonObject, ResourceRow, WorkRequest } from '../domain/rows.ts'
import { formatTime } from './coerce.ts'
import { contentOf } from './content.ts'
import type { Stored } from './declaration.ts'
import { isObject, jsonOf, valueAt } from './paths.ts'
import { pendingOf } from './pending-content.ts'

/** From here on clients know of soft deletion: what is deleted softly is seen, restored and purged. */
export const softDeleteSince = '2024-03-03'

/**
 * What deletes a version softly; undefined where its gallery does not want that, or there is nothing to restore: it was
 * never made of anything, or a deletion took a part of it.
 */
export function versionRemovedSoftly(
  version: Stored<unknown>,
  ancestors: readonly ResourceRow[],
): readonly WorkRequest[] | undefined {
  const gallery = ancestors.find(({ type }) => sameType(type, 'Microsoft.Compute/galleries'))
  const wanted = valueAt(gallery?.doc, 'properties.softDeletePolicy.isSoftDeleteEnabled')
  const { key, generation, status } = version
  const isWhole =
    contentOf(status).length > 0 &&
    pendingOf({ ...version, doc: jsonOf(version.doc) }).length === 0 &&
    !isObject(status.mismatch) &&
    status.removalFailed === undefined
  if (wanted !== true || !isWhole) return undefined
  const queue = 'control'
  return [{ kind: 'RemoveSoftly', subject: key, queue, generation: generation + 1, key }]
}

/** Under which id a version that is deleted softly is listed. */
export function softDeletedId(id: string): string {
  return id.replace(
    /\/images\/([^/]+)\/versions\/([^/]+)$/,
    '/softDeletedArtifactTypes/Images/artifacts/$1/versions/$2',
  )
}

/** As the list tells it. */
export function softDeletedShape({ id, name, doc, deletedMs = 0 }: ResourceRow): JsonObject {
  return {
    name,
    id: softDeletedId(id),
    type: 'Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions',
    ...(doc.location !== undefined && { location: doc.location }),
    ...(doc.tags !== undefined && { tags: doc.tags }),
    properties: {
      resourceArmId: id,
      softDeletedArtifactType: 'Images',
      softDeletedTime: formatTime(new Date(deletedMs)),
    },
  }
}
