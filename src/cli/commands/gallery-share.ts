import { objectIn } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type Context, command } from '../command.ts'
import { many, may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { defined, propertiesOf } from '../resources.ts'
import { at, type Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'
import { gallery, group } from './common-flags.ts'

const apiVersion = apiVersions.galleries

export const sharingColumns: readonly Column[] = [
  ['Name', 'name'],
  ['Permissions', 'sharingProfile.permissions'],
  ['Subscriptions', (row) => idsOf(row, 'Subscriptions')],
  ['Tenants', (row) => idsOf(row, 'AADTenants')],
  ['Public name', (row) => publicNameOf(row)],
]

function idsOf(row: JsonObject, type: string): string {
  const groups = at(row, 'sharingProfile.groups')
  const of = Array.isArray(groups) ? groups.find((one) => one?.type === type) : undefined
  return Array.isArray(of?.ids) ? of.ids.join(',') : ''
}

function publicNameOf(row: JsonObject): string {
  const info = 'sharingProfile.communityGalleryInfo'
  const names = at(row, `${info}.publicNames`)
  if (!Array.isArray(names) || names.length === 0) return ''
  const isOn = at(row, `${info}.communityGalleryEnabled`) === true
  return `${String(names[0])}${isOn ? '' : ' (not enabled)'}`
}

const operations = {
  add: 'Add',
  remove: 'Remove',
  reset: 'Reset',
  'enable-community': 'EnableCommunity',
} as const

export const share = command({
  name: 'share',
  says: 'Share a gallery with subscriptions, tenants or everybody, or stop that.',
  more: 'add and remove need a gallery with --permissions Groups, enable-community one with --permissions Community; reset makes either private, at once. Who it is shared with finds it with `vitrine shared-gallery`.',
  examples: [
    'vitrine gallery share add -g images -r corpImages --subscription-ids GUID GUID',
    'vitrine gallery share remove -g images -r corpImages --tenant-ids GUID',
    'vitrine gallery share enable-community -g images -r openImages',
  ],
  flags: {
    operation: needs('<operation>', 'What to do.', { choices: Object.keys(operations) }),
    group,
    gallery,
    subscriptions: many('--subscription-ids <guid...>', 'Subscriptions.', { read: (id) => id }),
    tenants: many('--tenant-ids <guid...>', 'Tenants.', { read: (id) => id }),
  },
  run: async (context, given) => {
    const { client, paths } = await context.connect()
    const { subscriptions, tenants } = given
    const groups = [
      ...(subscriptions ? [{ type: 'Subscriptions', ids: [...subscriptions] }] : []),
      ...(tenants ? [{ type: 'AADTenants', ids: [...tenants] }] : []),
    ]
    const operation = Object.entries(operations).find(([name]) => name === given.operation)?.[1]
    const takesIds = operation === 'Add' || operation === 'Remove'
    if (takesIds !== groups.length > 0) {
      throw new UsageError(
        takesIds
          ? `Name whom to ${given.operation}: --subscription-ids, --tenant-ids, or both.`
          : `${given.operation} takes no --subscription-ids and no --tenant-ids.`,
      )
    }
    const path = paths.gallery(given.group, given.gallery)
    if (operation === 'Remove') mustBeShared(await readSharing(context, path), groups)
    const body = defined({ operationType: operation, ...(takesIds && { groups }) })
    const options = { apiVersion, body, signal: context.signal }
    const answer = await client.call('POST', `${path}/share`, options)
    await client.wait(answer, { signal: context.signal })
    return { value: await readSharing(context, path), columns: sharingColumns }
  },
})

/** ARM takes back what was never given without a word; a mistyped id wants to be told. Throws ClientError. */
function mustBeShared(row: JsonObject, groups: readonly { type: string; ids: string[] }[]): void {
  for (const { type, ids } of groups) {
    const shared = idsOf(propertiesOf(row), type)
    const held = new Set(shared.toLowerCase().split(','))
    const unknown = ids.find((id) => !held.has(id.toLowerCase()))
    if (unknown === undefined) continue
    const kind = type === 'Subscriptions' ? 'subscription' : 'tenant'
    throw new ClientError({
      code: 'NotFound',
      message: `It is not shared with the ${kind} '${unknown}'; nothing was changed.`,
      status: 404,
      nextStep: shared === '' ? `It is shared with no ${kind}.` : `It is shared with: ${shared}.`,
    })
  }
}

async function readSharing(context: Context, path: string): Promise<JsonObject> {
  const { client } = await context.connect()
  const query = { $select: 'Permissions' }
  return objectIn(await client.call('GET', path, { apiVersion, query, signal: context.signal }))
}

/** What a gallery is made with so that it can be shared. */
export const sharingFlags = {
  permissions: may('--permissions <who>', 'Whom it can be shared with. Default: Private.', {
    choices: ['Private', 'Groups', 'Community'],
  }),
  publisherUri: may('--publisher-uri <url>', 'Community: the site of who publishes.'),
  publisherEmail: may('--publisher-email <mail>', 'Community: how to reach who publishes.'),
  eula: may('--eula <url>', 'Community: the terms.'),
  publicNamePrefix: may('--public-name-prefix <text>', 'Community: how the public name begins.'),
}

/** The sharing profile of these flags, over the stored one; nothing when none was given. */
export function sharingProfileOf(
  given: {
    readonly permissions: string | undefined
    readonly publisherUri: string | undefined
    readonly publisherEmail: string | undefined
    readonly eula: string | undefined
    readonly publicNamePrefix: string | undefined
  },
  before: JsonObject = {},
): JsonObject | undefined {
  const { permissions, publisherUri, publisherEmail, eula, publicNamePrefix } = given
  const info = defined({ publisherUri, publisherContact: publisherEmail, eula, publicNamePrefix })
  const hasInfo = Object.keys(info).length > 0
  if (permissions === undefined && !hasInfo) return undefined
  const stored = before.communityGalleryInfo
  const known = typeof stored === 'object' && stored !== null ? stored : {}
  return {
    ...before,
    ...defined({ permissions }),
    ...(hasInfo && { communityGalleryInfo: { ...known, ...info } }),
  }
}
