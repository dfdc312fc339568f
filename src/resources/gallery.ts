import type { Problem } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type { JsonObject } from '../domain/rows.ts'
import { galleryApiVersions } from './api-versions.ts'
import type { Claim, Count, ResourceType, Settings, Stored, View } from './declaration.ts'
import { Gallery } from './gallery-schema.ts'
import {
  publicNameStatus,
  shareAction,
  sharedDeleteProblems,
  sharingProblems,
  shownSharing,
} from './gallery-sharing.ts'
import { trailingProblems } from './image-definition-rules.ts'
import { jsonOf } from './paths.ts'

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
  keep: ['properties.sharingProfile', 'properties.sharingProfile.communityGalleryInfo'],
  by: {},
  immutable: [],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: undefined },
  },
  problems: sharingProblems,
  claims: galleryClaims,
  counts: (id, doc, settings) => [
    galleryCount(id, doc.location, {
      name: 'Gallery',
      says: 'Gallery',
      limit: settings.quotas.galleriesPerRegion,
    }),
  ],
  effects: (write) => ({ state: 'Succeeded', status: publicNameStatus(write) }),
  deleteProblems: sharedDeleteProblems,
  actions: { share: shareAction },
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
  const trailing = trailingProblems(name, 'galleryName')
  if (trailing.length > 0) return trailing
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

/** Requirement 3. */
function galleryClaims(id: ResourceId): readonly Claim[] {
  return [
    {
      name: claimName(id.subscription, id.name),
      refusal: {
        code: 'Conflict',
        message: `The gallery name '${id.name}' is not unique within the subscription '${id.subscription}'. Please pick another gallery name.`,
        target: 'galleryName',
      },
    },
  ]
}

function claimName(subscription: string, name: string): string {
  return `gallery-name|${subscription}|${name}`.toLowerCase()
}

/** What others know it by when it is shared to them. */
export function uniqueNameOf({ id, name }: { readonly id: string; readonly name: string }): string {
  return `${id.split('/')[2] ?? ''}-${name.toUpperCase()}`
}

/** The claim of the gallery that has this unique name; undefined for what is none. */
export function claimOfUniqueName(uniqueName: string): string | undefined {
  const [, subscription, name] = /^([\da-f-]{36})-(.+)$/i.exec(uniqueName) ?? []
  return subscription === undefined || name === undefined
    ? undefined
    : claimName(subscription, name)
}

function showGallery(stored: Stored<Gallery>, view: View): JsonObject {
  const { doc } = stored
  const { sharingProfile: _, ...properties } = doc.properties
  return jsonOf({
    ...doc,
    properties: {
      ...properties,
      identifier: { uniqueName: uniqueNameOf(stored) },
      ...shownSharing(stored, view),
    },
  })
}
