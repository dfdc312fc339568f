import { z } from 'zod'
import type { Problem } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { galleryApiVersions } from './api-versions.ts'
import { flag, tracked, word } from './coerce.ts'
import type { Claim, Count, ResourceType, Settings, Stored, View, Write } from './declaration.ts'
import { changeProblem } from './merge.ts'
import { isObject, jsonOf } from './paths.ts'

const Gallery = z.object({
  ...tracked,
  identity: z
    .object({
      type: word([
        'None',
        'SystemAssigned',
        'UserAssigned',
        'SystemAssigned, UserAssigned',
      ]).exactOptional(),
      userAssignedIdentities: z.record(z.string(), z.object({})).exactOptional(),
    })
    .exactOptional(),
  properties: z.object({
    description: z.string().exactOptional(),
    sharingProfile: z
      .object({
        permissions: word(['Private', 'Groups', 'Community']).exactOptional(),
        communityGalleryInfo: z
          .object({
            publisherUri: z.string().exactOptional(),
            publisherContact: z.string().exactOptional(),
            eula: z.string().exactOptional(),
            publicNamePrefix: z.string().exactOptional(),
          })
          .exactOptional(),
      })
      .exactOptional(),
    softDeletePolicy: z.object({ isSoftDeleteEnabled: flag.exactOptional() }).exactOptional(),
  }),
})
type Gallery = z.infer<typeof Gallery>

/** Requirements 1-6: a repository that one controls access to. */
export const galleries: ResourceType<Gallery> = {
  type: 'Microsoft.Compute/galleries',
  apiVersions: galleryApiVersions,
  parent: undefined,
  target: 'gallery',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: galleryNameProblems,
  schema: Gallery,
  evolution: {
    since: {
      identity: '2024-03-03',
      'properties.sharingProfile': '2020-09-30',
      'properties.softDeletePolicy': '2021-07-01',
      'properties.sharingProfile.communityGalleryInfo': '2021-10-01',
      'properties.sharingStatus': '2021-10-01',
    },
    defaults: [],
    moves: [],
  },
  readOnly: [
    'properties.provisioningState',
    'properties.identifier',
    'properties.sharingStatus',
    'properties.sharingProfile.groups',
  ],
  keep: ['properties.sharingProfile'],
  by: {},
  immutable: [],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: undefined },
  },
  problems: galleryProblems,
  claims: galleryClaims,
  counts: (id, doc, settings) => [
    galleryCount(id, doc.location, {
      name: 'Gallery',
      says: 'Gallery',
      limit: settings.quotas.galleriesPerRegion,
    }),
  ],
  effects: galleryEffects,
  show: showGallery,
}

/** One resource of a subscription and region against its quota (requirements 80-82). */
export function galleryCount(
  id: ResourceId,
  location: string,
  quota: Pick<Count, 'name' | 'says' | 'limit'>,
): Count {
  return { ...quota, scope: `${id.subscription.toLowerCase()}|${regionName(location)}`, by: 1 }
}

function galleryNameProblems(name: string, { compatibility }: Settings): readonly Problem[] {
  const strict = compatibility.galleryNames === 'strict'
  const inner = strict ? /^[A-Za-z0-9.]*$/ : /^[A-Za-z0-9._]*$/
  const ends = /^[A-Za-z0-9](?:.*[A-Za-z0-9])?$/
  if (name.length <= 80 && inner.test(name) && ends.test(name)) return []
  const allowed = strict
    ? 'English alphanumeric characters, with periods allowed in the middle, up to 80 characters total. All other special characters, including dashes and underscores, are disallowed.'
    : 'English alphanumeric characters, with underscores, and periods allowed in the middle, up to 80 characters total. All other special characters, including dashes, are disallowed.'
  return [
    {
      code: 'InvalidParameter',
      message: `Gallery name is invalid. Allowed characters are ${allowed}`,
      target: 'galleryName',
    },
  ]
}

/** Sharing is decided at creation: only a reset makes a gallery private again. */
function galleryProblems({ before, next }: Write<Gallery>): readonly Problem[] {
  const was = before?.doc.properties.sharingProfile?.permissions ?? 'Private'
  const asked = next.properties.sharingProfile?.permissions ?? 'Private'
  if (!before || was === asked || was === 'Private') return []
  return [changeProblem('gallery.properties.sharingProfile.permissions')]
}

/** Requirement 3. */
function galleryClaims(id: ResourceId): readonly Claim[] {
  return [
    {
      name: `gallery-name|${id.subscription}|${id.name}`.toLowerCase(),
      refusal: {
        code: 'Conflict',
        message: `The gallery name '${id.name}' is not unique within the subscription '${id.subscription}'. Please pick another gallery name.`,
        target: 'galleryName',
      },
    },
  ]
}

/** A gallery that becomes a community one gets its public name, for good. */
function galleryEffects({ next, before, freshId }: Write<Gallery>) {
  const { permissions, communityGalleryInfo } = next.properties.sharingProfile ?? {}
  if (permissions !== 'Community' || before?.status.publicName !== undefined)
    return { state: 'Succeeded' } as const
  const prefix = communityGalleryInfo?.publicNamePrefix ?? 'gallery'
  return { state: 'Succeeded', status: { publicName: `${prefix}-${freshId}` } } as const
}

function showGallery({ doc, id, status }: Stored<Gallery>, _view: View): JsonObject {
  const subscription = id.split('/')[2] ?? ''
  const name = id.split('/').at(-1) ?? ''
  const { sharingProfile, ...properties } = doc.properties
  return jsonOf({
    ...doc,
    properties: {
      ...properties,
      identifier: { uniqueName: `${subscription}-${name.toUpperCase()}` },
      ...(sharingProfile && { sharingProfile: shownSharing(jsonOf(sharingProfile), status) }),
    },
  })
}

function shownSharing(profile: JsonObject, status: JsonObject): JsonObject {
  const info = profile.communityGalleryInfo
  const publicName = status.publicName
  if (profile.permissions !== 'Community' || typeof publicName !== 'string') return profile
  return {
    ...profile,
    communityGalleryInfo: {
      ...(isObject(info) && info),
      communityGalleryEnabled: false,
      publicNames: [publicName],
    },
  }
}
