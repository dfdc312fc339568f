import { z } from 'zod'
import type { Problem } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import { flag, formatTime, tracked, word } from './coerce.ts'
import type { Effects, Facts, Need, ResourceType, Stored, View, Write } from './declaration.ts'
import {
  type DiskFileSource,
  diskFileBytes,
  diskFileNeed,
  diskFileProblems,
  keptUri,
  pendingEffects,
  uploadFor,
} from './disk-file-source.ts'
import { withoutSignatures } from './foreign-urls.ts'
import {
  applicationApiVersions,
  CustomActions,
  galleryApplicationType,
} from './gallery-application.ts'
import { completeProfile, publishingProblems } from './image-version-regions.ts'
import { PublishingProfile } from './image-version-schema.ts'
import { replicationStatus } from './image-version-show.ts'
import { againEffects, againNeeds, againProblems } from './made-again.ts'
import { jsonOf } from './paths.ts'
import { ingestRequest } from './pending-content.ts'
import { replicatedVersions } from './replicated-versions.ts'

export const applicationVersionType = 'Microsoft.Compute/galleries/applications/versions'

/** Azure's longest name of a file on the machine. */
const fileNameMax = 4096
const fileName = z.string().max(fileNameMax).exactOptional()

/** A version of a gallery application in the newest shape. */
const ApplicationVersion = z.object({
  ...tracked,
  properties: z.object({
    publishingProfile: PublishingProfile.extend({
      source: z.object({
        mediaLink: z.string(),
        defaultConfigurationLink: z.string().exactOptional(),
      }),
      manageActions: z
        .object({ install: z.string(), remove: z.string(), update: z.string().exactOptional() })
        .exactOptional(),
      settings: z
        .object({
          packageFileName: fileName,
          configFileName: fileName,
          scriptBehaviorAfterReboot: word(['None', 'Rerun']).exactOptional(),
        })
        .exactOptional(),
      advancedSettings: z.record(z.string(), z.string()).exactOptional(),
      enableHealthCheck: flag.exactOptional(),
      customActions: CustomActions,
    }),
    safetyProfile: z
      .object({ allowDeletionOfReplicatedLocations: flag.exactOptional() })
      .exactOptional(),
  }),
})
type ApplicationVersion = z.infer<typeof ApplicationVersion>

const publishing = 'properties.publishingProfile'

/** The bytes of a package and where they are wanted: stored and replicated as those of an image version are. */
export const applicationVersions: ResourceType<ApplicationVersion> = {
  type: applicationVersionType,
  apiVersions: applicationApiVersions,
  parent: galleryApplicationType,
  target: 'galleryApplicationVersion',
  ...replicatedVersions('gallery application version name', 'galleryApplicationVersionName'),
  schema: ApplicationVersion,
  evolution: {
    since: {
      [`${publishing}.targetRegions[].encryption`]: '2019-12-01',
      [`${publishing}.replicationMode`]: '2021-07-01',
      [`${publishing}.targetExtendedLocations`]: '2021-10-01',
      [`${publishing}.settings`]: '2022-01-03',
      [`${publishing}.advancedSettings`]: '2022-01-03',
      [`${publishing}.customActions`]: '2022-03-03',
      [`${publishing}.targetRegions[].excludeFromLatest`]: '2022-03-03',
      'properties.safetyProfile': '2022-03-03',
      [`${publishing}.settings.scriptBehaviorAfterReboot`]: '2024-03-03',
      [`${publishing}.targetRegions[].additionalReplicaSets`]: '2024-03-03',
      [`${publishing}.storageAccountStrategy`]: '2025-03-03',
    },
    defaults: [
      { path: `${publishing}.replicaCount`, value: 1 },
      { path: `${publishing}.excludeFromLatest`, value: false },
      { path: `${publishing}.enableHealthCheck`, value: false },
    ],
    moves: [],
  },
  readOnly: [
    'properties.provisioningState',
    'properties.replicationStatus',
    `${publishing}.publishedDate`,
  ],
  // `az sig gallery-application version update` leaves most of them out.
  keep: [
    `${publishing}.source`,
    `${publishing}.source.mediaLink`,
    `${publishing}.source.defaultConfigurationLink`,
    `${publishing}.manageActions`,
    `${publishing}.settings`,
    `${publishing}.storageAccountType`,
    `${publishing}.storageAccountStrategy`,
    `${publishing}.replicationMode`,
    `${publishing}.targetRegions[].storageAccountType`,
    'properties.safetyProfile.allowDeletionOfReplicatedLocations',
  ],
  by: {
    [`${publishing}.targetRegions`]: 'name',
    [`${publishing}.customActions`]: 'name',
  },
  immutable: [
    `${publishing}.source`,
    `${publishing}.storageAccountType`,
    `${publishing}.storageAccountStrategy`,
    `${publishing}.replicationMode`,
  ],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: 'Updating' },
  },
  complete: completeVersion,
  needs: ({ next, before, settings }) => {
    if (before) return againNeeds(before)
    const needs = filesOf(next).map((file): [string, Need | undefined] => [
      file.fact,
      diskFileNeed(file, settings),
    ])
    return Object.fromEntries(needs.flatMap(([name, need]) => (need ? [[name, need]] : [])))
  },
  problems: versionProblems,
  effects: versionEffects,
  remove: ({ key, generation }) => [
    { kind: 'Remove', subject: key, queue: 'control', generation: generation + 1, key },
  ],
  show: showVersion,
}

type PackageFile = DiskFileSource & { readonly fact: string; readonly lun: number | undefined }

/** The package, and the configuration that it has unless a machine says another one. */
function filesOf({ location: _, properties }: ApplicationVersion): readonly PackageFile[] {
  const { mediaLink, defaultConfigurationLink } = properties.publishingProfile.source
  const path = `galleryApplicationVersion.${publishing}.source`
  const account = undefined
  return [
    { uri: mediaLink, account, path: `${path}.mediaLink`, fact: 'package', lun: undefined },
    ...(defaultConfigurationLink === undefined
      ? []
      : [
          {
            ...{ uri: defaultConfigurationLink, account, fact: 'configuration', lun: 0 },
            path: `${path}.defaultConfigurationLink`,
          },
        ]),
  ]
}

function completeVersion(write: Write<ApplicationVersion>): ApplicationVersion {
  const { next, before } = write
  const { publishingProfile, safetyProfile } = next.properties
  const { source } = publishingProfile
  const allow = safetyProfile?.allowDeletionOfReplicatedLocations
  const was = before?.doc.properties.safetyProfile?.allowDeletionOfReplicatedLocations
  // GET shows false where nothing was said; sent back it still says nothing.
  const says = allow !== undefined && !(before && was === undefined && !allow)
  const stored = before?.doc.properties.publishingProfile.source
  const configuration = keptUri(source.defaultConfigurationLink, stored?.defaultConfigurationLink)
  return {
    ...next,
    properties: {
      ...(says && { safetyProfile: { allowDeletionOfReplicatedLocations: allow } }),
      publishingProfile: {
        ...publishingProfile,
        ...completeProfile(write),
        source: {
          mediaLink: keptUri(source.mediaLink, stored?.mediaLink) ?? source.mediaLink,
          ...(configuration !== undefined && { defaultConfigurationLink: configuration }),
        },
      },
    },
  }
}

function versionProblems(write: Write<ApplicationVersion>, facts: Facts): readonly Problem[] {
  const { next, before, settings } = write
  const { location } = next
  return [
    ...publishingProblems(write).map(asOfApplication),
    ...(before
      ? againProblems(before, facts)
      : filesOf(next).flatMap((file) =>
          diskFileProblems(file, facts[file.fact], { location, settings }),
        )),
  ]
}

/** The rules of regions are those of image versions. */
function asOfApplication({ code, message, target }: Problem): Problem {
  const told = (text: string) =>
    text
      .replaceAll('galleryImageVersion', 'galleryApplicationVersion')
      .replaceAll('Gallery image version', 'Gallery application version')
      .replaceAll('image version', 'application version')
      .replaceAll('galleries/images/versions', 'galleries/applications/versions')
  return { code, message: told(message), ...(target !== undefined && { target: told(target) }) }
}

function versionEffects(write: Write<ApplicationVersion>, facts: Facts): Effects {
  const { id, next, before, now, freshId, settings } = write
  const key = id.key
  if (before) {
    const state = before.state === 'Creating' ? 'Creating' : 'Updating'
    const generation = before.generation + 1
    const work = [{ kind: 'Publish', subject: key, queue: 'control', generation, key }] as const
    return againEffects(write, before, facts) ?? { state, work }
  }
  const files = filesOf(next).map((file) => {
    const to = { location: next.location, upload: uploadFor(freshId, file.lun), settings }
    return { lun: file.lun, from: diskFileBytes(file, facts[file.fact], to) }
  })
  const pending = pendingEffects(files)
  const work = [ingestRequest({ key, region: next.location, generation: 1 })]
  const status = { publishedDate: formatTime(now), ...pending.status }
  return { ...pending, state: 'Creating', status, work }
}

function showVersion(stored: Stored<ApplicationVersion>, view: View): JsonObject {
  const { doc, status } = stored
  const { publishingProfile, safetyProfile } = doc.properties
  const expands = view.expand?.split(',').includes('replicationstatus') === true
  return withoutSignatures(
    jsonOf({
      ...doc,
      properties: {
        publishingProfile: { ...publishingProfile, publishedDate: status.publishedDate ?? '' },
        safetyProfile: { allowDeletionOfReplicatedLocations: false, ...safetyProfile },
        ...(expands && { replicationStatus: replicationStatus(stored, view.replicas) }),
      },
    }),
  )
}
