import { sameRegion } from '../domain/regions.ts'
import type { JsonObject, ReplicaRow } from '../domain/rows.ts'
import type { Stored, View } from './declaration.ts'
import { shownStorage } from './image-version-disks.ts'
import { regionsOf } from './image-version-regions.ts'
import type { ImageVersion } from './image-version-schema.ts'
import { jsonOf } from './paths.ts'

/** A version as GET shows it in the newest shape. */
export function showVersion(stored: Stored<ImageVersion>, view: View): JsonObject {
  const { doc, status } = stored
  const { publishingProfile, safetyProfile, securityProfile } = doc.properties
  const expands = (name: string) => view.expand?.split(',').includes(name) === true
  return jsonOf({
    ...doc,
    properties: {
      publishingProfile: { ...publishingProfile, publishedDate: status.publishedDate ?? '' },
      storageProfile: shownStorage(stored),
      safetyProfile: {
        allowDeletionOfReplicatedLocations: false,
        ...safetyProfile,
        reportedForPolicyViolation: false,
      },
      ...(securityProfile && expands('uefisettings') && { securityProfile }),
      ...(expands('replicationstatus') && {
        replicationStatus: replicationStatus(stored, view.replicas),
      }),
    },
  })
}

/** Requirement 65: every wanted region with its own progress. */
export function replicationStatus(
  { doc }: { readonly doc: Parameters<typeof regionsOf>[0] },
  replicas: readonly ReplicaRow[],
): JsonObject {
  const summary = regionsOf(doc).map(({ name }) => {
    const row = replicas.find((replica) => sameRegion(replica.region, name))
    return {
      region: name,
      state: row?.state ?? 'Unknown',
      details: row?.reason ?? '',
      progress: row ? progressOf(row) : 0,
    }
  })
  return { aggregatedState: aggregated(summary.map((region) => region.state)), summary }
}

function aggregated(states: readonly ReplicaRow['state'][]): string {
  if (states.every((state) => state === 'Completed')) return 'Completed'
  if (states.includes('Replicating') || states.includes('Unknown')) return 'InProgress'
  return 'Failed'
}

/** Whole percent; 100 is said by a completed region only. */
function progressOf({ state, bytesDone, bytesTotal }: ReplicaRow): number {
  if (state === 'Completed') return 100
  if (bytesTotal <= 0) return 0
  return Math.min(99, Math.floor((bytesDone / bytesTotal) * 100))
}
