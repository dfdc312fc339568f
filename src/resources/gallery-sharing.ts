import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { limits } from '../domain/limits.ts'
import { type Problem, unless } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { Share } from '../domain/shares.ts'
import type { Action, Stored, View, Write } from './declaration.ts'
import { type Gallery, SharingUpdate } from './gallery-schema.ts'
import { changeProblem } from './merge.ts'
import { requiredProblem } from './parse.ts'
import { isObject, jsonOf } from './paths.ts'

/** What a gallery is shared to, as its status keeps it: the ids as they were sent. */
const Sharing = z.object({
  groups: z.array(
    z.object({ type: z.enum(['Subscriptions', 'AADTenants']), ids: z.array(z.string()) }),
  ),
  communityEnabled: z.boolean(),
})
type Sharing = z.infer<typeof Sharing>

const nobody: Sharing = { groups: [], communityEnabled: false }

function sharingOf(status: JsonObject): Sharing {
  return isObject(status.sharing) ? Sharing.parse(status.sharing) : nobody
}

const profilePath = 'gallery.properties.sharingProfile'

/** With whom a gallery can be shared is decided before it is: only a reset makes it private again. */
export function sharingProblems({ before, next }: Write<Gallery>): readonly Problem[] {
  const old = before?.doc.properties.sharingProfile
  const asked = next.properties.sharingProfile
  const was = old?.permissions ?? 'Private'
  const permissions = asked?.permissions ?? 'Private'
  if (was !== permissions && was !== 'Private') return [changeProblem(`${profilePath}.permissions`)]
  const info = asked?.communityGalleryInfo
  const path = `${profilePath}.communityGalleryInfo`
  if (permissions !== 'Community') {
    return unless(
      info === undefined,
      'InvalidParameter',
      path,
      `communityGalleryInfo belongs to permissions 'Community'; they are '${permissions}'. Leave it out.`,
    )
  }
  const stored = old?.communityGalleryInfo
  // Older releases asked for less: what is stored may be sent back.
  if (was === 'Community' && isDeepStrictEqual(stored, info)) return []
  const isRenamed = was === 'Community' && stored?.publicNamePrefix !== info?.publicNamePrefix
  return [
    ...communityProblems(info ?? {}, path),
    ...(isRenamed ? [changeProblem(`${path}.publicNamePrefix`)] : []),
  ]
}

type CommunityInfo = NonNullable<
  NonNullable<Gallery['properties']['sharingProfile']>['communityGalleryInfo']
>

/** It becomes a part of URLs: `{prefix}-{guid}`. */
const prefixForm = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/
const contactForm = /^[^\s@]+@[^\s@]+$/

function communityProblems(info: CommunityInfo, path: string): readonly Problem[] {
  const names = ['publisherUri', 'publisherContact', 'eula', 'publicNamePrefix'] as const
  const missing = names.filter((name) => (info[name] ?? '').trim() === '')
  if (missing.length > 0) return missing.map((name) => requiredProblem(`${path}.${name}`))
  return [
    ...unless(
      contactForm.test(info.publisherContact ?? ''),
      'InvalidParameter',
      `${path}.publisherContact`,
      `'${info.publisherContact}' is not an e-mail address: those who use the images reach the publisher by it.`,
    ),
    ...unless(
      prefixForm.test(info.publicNamePrefix ?? ''),
      'InvalidParameter',
      `${path}.publicNamePrefix`,
      `'${info.publicNamePrefix}' is no prefix of a public name: 1 to 64 letters, digits, '.', '_' and '-', beginning and ending with a letter or digit.`,
    ),
  ]
}

/** A gallery that becomes a community one gets its public name at once, and another one after a reset. */
export function publicNameStatus({ next, before, freshId }: Write<Gallery>): JsonObject {
  const { permissions, communityGalleryInfo } = next.properties.sharingProfile ?? {}
  if (permissions !== 'Community' || typeof before?.status.publicName === 'string') return {}
  return { publicName: `${communityGalleryInfo?.publicNamePrefix}-${freshId}` }
}

/** `POST …/share`: Add, Remove, Reset, EnableCommunity. */
export const shareAction: Action<Gallery> = {
  permission: 'Microsoft.Compute/galleries/share/action',
  since: '2020-09-30',
  body: SharingUpdate,
  problems: (stored, body) => shareProblems(stored, SharingUpdate.parse(body)),
  effects: (stored, body) => shareEffects(stored, SharingUpdate.parse(body)),
}

function shareProblems(stored: Stored<Gallery>, update: SharingUpdate): readonly Problem[] {
  const { operationType } = update
  const permissions = stored.doc.properties.sharingProfile?.permissions ?? 'Private'
  if (operationType === 'Reset') return []
  const wanted = operationType === 'EnableCommunity' ? 'Community' : 'Groups'
  const fits = unless(
    permissions === wanted,
    'OperationNotAllowed',
    'operationType',
    `Operation '${operationType}' is not allowed on gallery '${stored.name}': the permissions of its sharingProfile are '${permissions}', and must be '${wanted}'. A Reset makes a shared gallery private, and then they can be set.`,
  )
  if (fits.length > 0 || wanted === 'Community') return fits
  const ids = (update.groups ?? []).flatMap((group) => group.ids ?? [])
  return [
    ...(ids.length === 0 ? [requiredProblem('groups')] : ids.flatMap(idProblems)),
    ...limitProblems(sharingAfter(stored, update)),
  ]
}

function idProblems(id: string): readonly Problem[] {
  const isGuid = z.guid().safeParse(id).success
  const message = `'${id.slice(0, 80)}' is not the id of a subscription or tenant: both are GUIDs.`
  return unless(isGuid, 'InvalidParameter', 'groups.ids', message)
}

const most = {
  Subscriptions: limits.sharedSubscriptionsMax,
  AADTenants: limits.sharedTenantsMax,
} as const

function limitProblems({ groups }: Sharing): readonly Problem[] {
  return groups.flatMap(({ type, ids }) =>
    unless(
      ids.length <= most[type],
      'OperationNotAllowed',
      'groups',
      `A gallery is shared to at most ${most[type]} ${type === 'AADTenants' ? 'tenants' : 'subscriptions'}; this would be ${ids.length}. Remove some, or share to a tenant as a whole.`,
    ),
  )
}

function shareEffects(stored: Stored<Gallery>, update: SharingUpdate) {
  const { properties } = stored.doc
  const sharing = sharingAfter(stored, update)
  const isReset = update.operationType === 'Reset'
  const reset = { ...properties, sharingProfile: { permissions: 'Private' as const } }
  return {
    state: 'Succeeded' as const,
    status: isReset ? { publicName: null, sharing: null } : { sharing: jsonOf(sharing) },
    doc: isReset ? { ...stored.doc, properties: reset } : stored.doc,
    shares: sharesOf(sharing, stored.status),
    tells: jsonOf(update),
  }
}

/** Ids are merged by type, and kept as they were sent; a type without any goes. */
function sharingAfter({ status }: Stored<Gallery>, update: SharingUpdate): Sharing {
  const { operationType, groups = [] } = update
  if (operationType === 'Reset') return nobody
  const held = sharingOf(status)
  if (operationType === 'EnableCommunity') return { ...held, communityEnabled: true }
  const types = [...new Set([...held.groups, ...groups].map(({ type }) => type))]
  const idsOf = (of: SharingUpdate['groups'], type: string) =>
    (of ?? []).flatMap((group) => (group.type === type ? (group.ids ?? []) : []))
  const after = types.map((type) => {
    const [old, sent] = [idsOf(held.groups, type), idsOf(groups, type)]
    return { type, ids: operationType === 'Add' ? joined(old, sent) : without(old, sent) }
  })
  return { ...held, groups: after.filter(({ ids }) => ids.length > 0) }
}

function joined(old: readonly string[], sent: readonly string[]): string[] {
  const byKey = new Map<string, string>()
  for (const id of [...old, ...sent]) {
    if (!byKey.has(id.toLowerCase())) byKey.set(id.toLowerCase(), id)
  }
  return [...byKey.values()]
}

function without(old: readonly string[], sent: readonly string[]): string[] {
  const gone = new Set(sent.map((id) => id.toLowerCase()))
  return old.filter((id) => !gone.has(id.toLowerCase()))
}

function sharesOf({ groups, communityEnabled }: Sharing, status: JsonObject): readonly Share[] {
  const named = groups.flatMap(({ type, ids }) => {
    const kind = type === 'AADTenants' ? ('Tenant' as const) : ('Subscription' as const)
    return ids.map((target) => ({ kind, target }))
  })
  const { publicName } = status
  if (!communityEnabled || typeof publicName !== 'string') return named
  return [...named, { kind: 'Community', target: publicName }]
}

/** A community gallery is withdrawn before it is deleted: those who use it are not surprised. */
export function sharedDeleteProblems({ doc, name }: Stored<Gallery>): readonly Problem[] {
  return unless(
    doc.properties.sharingProfile?.permissions !== 'Community',
    'OperationNotAllowed',
    `${profilePath}.permissions`,
    `Gallery '${name}' is a community gallery: it cannot be deleted before it is private. Reset its sharing first (POST …/share with operationType Reset).`,
  )
}

/** `sharingProfile` and `sharingStatus` as GET shows them; the groups only to who asks for them and may know. */
export function shownSharing(
  { doc, region, status }: Pick<Stored<Gallery>, 'doc' | 'region' | 'status'>,
  { select, expand, tellsOthers }: Pick<View, 'select' | 'expand' | 'tellsOthers'>,
): JsonObject {
  const { sharingProfile } = doc.properties
  if (!sharingProfile) return {}
  const { groups, communityEnabled } = sharingOf(status)
  const { publicName } = status
  const { communityGalleryInfo, ...profile } = sharingProfile
  const asksForGroups =
    select === 'permissions' || expand?.split(',').includes('sharingprofile/groups')
  const tellsGroups = tellsOthers && asksForGroups && groups.length > 0
  const isShared = groups.length > 0 || communityEnabled
  const regions = [{ region: region ?? '', state: 'Succeeded', details: '' }]
  return jsonOf({
    sharingProfile: {
      ...profile,
      ...(tellsGroups && { groups }),
      ...(profile.permissions === 'Community' && {
        communityGalleryInfo: {
          ...communityGalleryInfo,
          communityGalleryEnabled: communityEnabled,
          publicNames: typeof publicName === 'string' ? [publicName] : [],
        },
      }),
    },
    ...(isShared && { sharingStatus: { aggregatedState: 'Succeeded', summary: regions } }),
  })
}
