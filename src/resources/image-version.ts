import { type Problem, unless } from '../domain/problem.ts'
import { type RegionName, regionName, sameRegion } from '../domain/regions.ts'
import { keyOf, parseResourceId, type ResourceId, sameType } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { type StorageType, storageTypes } from '../domain/spaces.ts'
import { galleryApiVersions } from './api-versions.ts'
import { formatTime, parseTime } from './coerce.ts'
import { contentOf, contentStatus, pins } from './content.ts'
import type {
  Claim,
  DiskContent,
  Effects,
  Facts,
  ResourceType,
  Settings,
  Stored,
  Write,
} from './declaration.ts'
import { pendingEffects } from './disk-file-source.ts'
import { exactId } from './exact-version.ts'
import { galleryCount } from './gallery.ts'
import { imageDefinitionType } from './image-definition.ts'
import { completeStorage, storageChangeProblems } from './image-version-disks.ts'
import { imageVersionEvolution } from './image-version-evolution.ts'
import {
  foundDisks,
  foundFiles,
  guestOfDefinition,
  guestOfSource,
  sourceMismatches,
  sourceProblems,
} from './image-version-facts.ts'
import { completeProfile, publishingProblems } from './image-version-regions.ts'
import { ImageVersion } from './image-version-schema.ts'
import { showVersion } from './image-version-show.ts'
import { sourceNeeds, versionSourceOf } from './image-version-source.ts'
import { againEffects, againNeeds, againProblems } from './made-again.ts'
import { isList, isObject, jsonOf, valueAt } from './paths.ts'
import { ingestRequest } from './pending-content.ts'
import { replicatedVersions } from './replicated-versions.ts'
import { versionRemovedSoftly } from './soft-delete.ts'

const imageVersionType = 'Microsoft.Compute/galleries/images/versions'

/** Requirements 23-30, 59-68: the bits, and where they are wanted. */
export const imageVersions: ResourceType<ImageVersion> = {
  type: imageVersionType,
  apiVersions: galleryApiVersions,
  parent: imageDefinitionType,
  target: 'galleryImageVersion',
  ...replicatedVersions('image version name', 'galleryImageVersionName'),
  schema: ImageVersion,
  evolution: imageVersionEvolution,
  readOnly: [
    'properties.provisioningState',
    'properties.replicationStatus',
    'properties.validationsProfile',
    'properties.publishingProfile.publishedDate',
  ],
  keep: [
    'properties.storageProfile',
    'properties.storageProfile.source',
    'properties.storageProfile.osDiskImage',
    'properties.storageProfile.osDiskImage.hostCaching',
    'properties.storageProfile.osDiskImage.source',
    'properties.storageProfile.dataDiskImages',
    'properties.storageProfile.dataDiskImages[].hostCaching',
    'properties.storageProfile.dataDiskImages[].source',
    'properties.publishingProfile.storageAccountType',
    'properties.publishingProfile.storageAccountStrategy',
    'properties.publishingProfile.replicationMode',
    'properties.publishingProfile.targetRegions[].storageAccountType',
    'properties.safetyProfile.allowDeletionOfReplicatedLocations',
    'properties.safetyProfile.blockDeletionBeforeEndOfLife',
    'properties.securityProfile',
  ],
  by: {
    'properties.publishingProfile.targetRegions': 'name',
    'properties.storageProfile.dataDiskImages': 'lun',
  },
  immutable: [
    'properties.publishingProfile.storageAccountType',
    'properties.publishingProfile.storageAccountStrategy',
    'properties.publishingProfile.replicationMode',
    'properties.securityProfile',
  ],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: 'Updating' },
  },
  complete: completeVersion,
  needs: ({ next, before, apiVersion, settings }) =>
    before ? againNeeds(before) : sourceNeeds(versionSourceOf(next, apiVersion), settings),
  problems: versionProblems,
  claims: versionClaims,
  counts: (id, doc, settings) => [
    galleryCount(id, doc.location, {
      name: 'GalleryImageVersion',
      says: 'Gallery Image Version',
      limit: settings.quotas.versionsPerRegion,
    }),
  ],
  effects: versionEffects,
  deleteProblems: blockedProblems,
  remove: ({ key, generation }) => [
    { kind: 'Remove', subject: key, queue: 'control', generation: generation + 1, key },
  ],
  removeSoftly: versionRemovedSoftly,
  restores: ({ properties }) => properties.restore === true,
  show: showVersion,
}

function completeVersion(write: Write<ImageVersion>): ImageVersion {
  const { next, before } = write
  const { storageProfile: _, safetyProfile, restore: __, ...others } = next.properties
  const storage = completeStorage(write)
  const was = before?.doc.properties.safetyProfile?.allowDeletionOfReplicatedLocations
  const { allowDeletionOfReplicatedLocations: allow, ...otherSafety } = safetyProfile ?? {}
  // GET shows false where nothing was said; sent back it still says nothing.
  const saysNothing = allow === undefined || (before && was === undefined && !allow)
  const safety = {
    ...otherSafety,
    ...(!saysNothing && { allowDeletionOfReplicatedLocations: allow }),
  }
  return {
    ...next,
    properties: {
      ...others,
      publishingProfile: completeProfile(write),
      ...(storage && { storageProfile: storage }),
      ...(Object.keys(safety).length > 0 && { safetyProfile: safety }),
    },
  }
}

function versionProblems(write: Write<ImageVersion>, facts: Facts): readonly Problem[] {
  const { before } = write
  return [
    ...restoreProblems(write),
    ...publishingProblems(write),
    ...storageChangeProblems(write),
    ...(before ? againProblems(before, facts) : sourceProblems(write, facts)),
  ]
}

function restoreProblems({ id, asked, before }: Write<ImageVersion>): readonly Problem[] {
  if (asked.properties.restore !== true || before?.deletedMs !== undefined) return []
  const why = before ? 'is not deleted' : 'was not found among those that are soft deleted'
  return [
    {
      code: before ? 'Conflict' : 'NotFound',
      message: `The gallery image version '${id.name}' ${why}: there is nothing to restore. Leave out restore.`,
      target: 'galleryImageVersion.properties.restore',
    },
  ]
}

/** Requirement 45: released by the work that completes the version. */
export function sourceClaim(doc: JsonObject): string[] {
  const source = valueAt(doc, 'properties.storageProfile.source.id')
  const id = typeof source === 'string' ? parseResourceId(source) : undefined
  if (!id || !sameType(id.type, 'Microsoft.Compute/images')) return []
  return [`feeds|${keyOf(id.text)}`]
}

function versionClaims(_id: ResourceId, doc: ImageVersion): readonly Claim[] {
  const source = doc.properties.storageProfile?.source?.id
  return sourceClaim(jsonOf(doc)).map((name) => ({
    name,
    refusal: {
      code: 'Conflict',
      message: `The managed image '${source}' already feeds another gallery image version that is not complete. Wait until that one is built and replicated, or use another source.`,
      target: 'galleryImageVersion.properties.storageProfile.source.id',
    },
  }))
}

function versionEffects(write: Write<ImageVersion>, facts: Facts): Effects {
  const { id, before, now } = write
  const generation = (before?.generation ?? 0) + 1
  const work = [
    { kind: 'Publish', subject: id.key, queue: 'control', generation, key: id.key },
  ] as const
  if (!before) return { state: 'Creating', work, ...created(write, facts, formatTime(now)) }
  const state = before.state === 'Creating' ? 'Creating' : 'Updating'
  return againEffects(write, before, facts) ?? { state, work }
}

/** What a new version knows of its source, so that the source may be deleted right after (requirement 47). */
function created(
  write: Write<ImageVersion>,
  facts: Facts,
  publishedDate: string,
): Omit<Effects, 'state'> {
  const { id, next, apiVersion, ancestors } = write
  const source = versionSourceOf(next, apiVersion)
  const found = foundDisks(source, facts)
  const files = foundFiles(write, source, facts)
  const guest = guestOfDefinition(ancestors[0])
  const os = found.find(({ content }) => content.lun === undefined)
  const theirs = os ? guestOfSource(source, os.fact) : {}
  const from = os?.fact.row?.id
  const named = source.is === 'shared' ? source.id : (from ?? '')
  const [mismatch] = sourceMismatches(guest, theirs, named)
  if (mismatch) {
    const { code, message } = mismatch
    return { status: { publishedDate, guest, mismatch: { code, message } } }
  }
  const keeper = { region: next.location, keeper: id.key }
  const status = {
    publishedDate,
    guest,
    ...((source.is === 'latest' || source.is === 'shared') && {
      sourceVersion: exactId(source.id, from),
    }),
    ...contentStatus(found.map(({ content }) => content)),
    hostCaching: Object.fromEntries([
      ...found.map(({ content, hostCaching }) => [content.lun ?? 'os', hostCaching]),
      ...files.map(({ lun, hostCaching }) => [lun ?? 'os', hostCaching]),
    ]),
  }
  const keeps = found.flatMap(({ content, fact }) => pins(fact.placements, [content], keeper))
  if (files.length === 0) return { status, keeps }
  const pending = pendingEffects(files)
  const work = [ingestRequest({ key: id.key, region: next.location, generation: 1 })]
  return { ...pending, status: { ...status, ...pending.status }, keeps, work }
}

/** What work finds in a version's status: its disks, or why its source does not fit. */
export function versionContent(status: JsonObject): {
  readonly disks: readonly DiskContent[]
  readonly mismatch: Problem | undefined
} {
  const { mismatch } = status
  const disks = contentOf(status)
  if (!isObject(mismatch)) return { disks, mismatch: undefined }
  const code = mismatch.code === 'BadRequest' ? 'BadRequest' : 'Conflict'
  return { disks, mismatch: { code, message: String(mismatch.message) } }
}

/** What is wanted of a version in one region. */
export type WantedRegion = {
  readonly region: RegionName
  readonly storageType: StorageType
  readonly replicas: number
  readonly excludeFromLatest: boolean
}

/** What a stored version wants in each of its regions. */
export function wantedRegions(doc: JsonObject, settings: Settings): readonly WantedRegion[] {
  const profile = valueAt(doc, 'properties.publishingProfile')
  const regions = valueAt(profile, 'targetRegions')
  if (!isList(regions)) return []
  const excluded = valueAt(profile, 'excludeFromLatest') === true
  return regions.filter(isObject).map((region) => {
    const name = String(region.name)
    return {
      region: settings.regions.find(name)?.name ?? regionName(name),
      storageType:
        storageTypes.find((known) => known === region.storageAccountType) ?? 'Standard_LRS',
      replicas: Number(region.regionalReplicaCount ?? 1),
      excludeFromLatest:
        typeof region.excludeFromLatest === 'boolean' ? region.excludeFromLatest : excluded,
    }
  })
}

/** Requirements 25, 26: the region's own exclusion beats that of the version. */
export function isLatestCandidate(doc: JsonObject, region: string, settings: Settings): boolean {
  return wantedRegions(doc, settings).some(
    (wanted) => sameRegion(wanted.region, region) && !wanted.excludeFromLatest,
  )
}

function blockedProblems({ doc }: Stored<ImageVersion>, now: Date): readonly Problem[] {
  const { safetyProfile, publishingProfile } = doc.properties
  const end = publishingProfile?.endOfLifeDate
  const endMs = end === undefined ? undefined : parseTime(end)
  return unless(
    safetyProfile?.blockDeletionBeforeEndOfLife !== true ||
      endMs === undefined ||
      endMs <= now.getTime(),
    'DeleteGalleryImageVersionBlockedBeforeEndOfLife',
    'galleryImageVersion.properties.safetyProfile.blockDeletionBeforeEndOfLife',
    'Deletion of Gallery image version is not allowed because the image is enabled for blockDeletionBeforeEndOfLife and its endOfLifeDate has not reached yet',
  )
}
