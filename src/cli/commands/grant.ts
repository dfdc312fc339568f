import { objectIn, objectOr } from '../../client/client.ts'
import { advising } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, mayRead, needs, on } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { defined, missing } from '../resources.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { UsageError } from '../usage-error.ts'

const apiVersion = apiVersions.vitrine

const columns: readonly Column[] = [
  ['Name', 'name'],
  ['To', (row) => granteeOf(row)],
  ['Role', 'role'],
  ['State', 'state'],
  ['Expires', (row) => formatWhen(row.expiresOn ?? 'never')],
  ['Scope', 'scope'],
]

const toMe: readonly Column[] = [
  ['Scope', 'scope'],
  ['Of tenant', 'tenantId'],
  ['Role', 'role'],
  ['Expires', (row) => formatWhen(row.expiresOn ?? 'never')],
  ['Description', 'description'],
]

const where = {
  group: may('-g, --resource-group <name>', 'Resource group.', { completes: 'group' }),
  gallery: may('-r, --gallery-name <name>', 'Gallery.', { completes: 'gallery' }),
  definition: may(
    '-i, --gallery-image-definition <name>',
    'Only this image definition of it, and not the gallery.',
    { completes: 'definition' },
  ),
}
const name = needs('-n, --name <name>', 'Name of the grant.')

const create = command({
  name: 'create',
  says: 'Let another tenant, subscription or application read a gallery or image definition.',
  more: 'They read it with their own login, and make disks and versions of it; what they made stays theirs when the grant ends. The same name again changes its end and description.',
  examples: [
    'vitrine grant create -g images -r corpImages --to-tenant GUID --expires 2027-01-31',
    'vitrine grant create -g images -r corpImages -i debian --to-application GUID -n builds',
  ],
  flags: {
    ...where,
    name: may('-n, --name <name>', 'Name of the grant. Default: a GUID.'),
    tenant: may('--to-tenant <guid>', 'To everybody of this tenant.'),
    subscription: may('--to-subscription <guid>', 'To whoever has a role in this subscription.'),
    application: may('--to-application <guid>', 'To the application of this client id.'),
    role: may('--role <name>', 'A role that reads. Default: Compute Gallery Image Reader.'),
    expires: mayRead('--expires <time>', 'When it ends. Default: never.', readTime),
    description: may('--description <text>', 'Why; those it is granted to read it too.'),
  },
  run: async (context, given) => {
    const { client } = await context.connect()
    const to = defined({
      tenantId: given.tenant,
      subscriptionId: given.subscription,
      applicationId: given.application,
    })
    if (Object.keys(to).length !== 1) {
      throw new UsageError(
        'Name one of --to-tenant, --to-subscription and --to-application; make a grant for each.',
      )
    }
    const { role, description, expires } = given
    const properties = defined({ to, role, description, expiresOn: expires })
    const path = `${await grantsOf(context, given)}/${encodeURIComponent(given.name ?? context.world.id())}`
    const options = { apiVersion, body: { properties }, signal: context.signal }
    const advice = {
      Conflict:
        'The same command with `-n` and that name changes its end: `vitrine grant create … -n NAME --expires TIME`.',
    }
    return { value: objectIn(await advising(client.call('PUT', path, options), advice)), columns }
  },
})

const list = command({
  name: 'list',
  says: 'List the grants of a gallery or image definition, or what is granted to you.',
  examples: ['vitrine grant list -g images -r corpImages', 'vitrine grant list --to-me'],
  flags: { ...where, toMe: on('--to-me', 'All that others let you read.') },
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = given.toMe ? '/providers/Vitrine.Gallery/grants' : await grantsOf(context, given)
    const value: JsonObject[] = []
    const options = { apiVersion, signal: context.signal }
    for await (const row of client.list(path, options)) value.push(row)
    return { value, columns: given.toMe ? toMe : columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show a grant.',
  flags: { ...where, name },
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = `${await grantsOf(context, given)}/${encodeURIComponent(given.name)}`
    const options = { apiVersion, signal: context.signal }
    return { value: objectIn(await client.call('GET', path, options)), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Take a grant back, at once.',
  flags: { ...where, name },
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = `${await grantsOf(context, given)}/${encodeURIComponent(given.name)}`
    const { status } = await client.call('DELETE', path, { apiVersion, signal: context.signal })
    if (status === 204) throw missing(path, `See which there are: \`${listLine(given)}\`.`)
    return undefined
  },
})

export const grantCommands: CommandGroup = {
  name: 'grant',
  says: 'Grants: galleries and image definitions that other tenants read.',
  commands: [create, list, show, remove],
}

type Where = {
  readonly group: string | undefined
  readonly gallery: string | undefined
  readonly definition: string | undefined
}

/** `tenant GUID`. */
function granteeOf(row: JsonObject): string {
  const names = Object.entries(objectOr(row.to))
  return names.map(([kind, id]) => `${kind.replace(/Id$/, '')} ${id}`).join(', ')
}

function listLine({ group, gallery, definition }: Where): string {
  const of = definition === undefined ? '' : ` -i ${definition}`
  return `vitrine grant list -g ${group} -r ${gallery}${of}`
}

/** Throws UsageError. */
async function grantsOf(context: Context, { group, gallery, definition }: Where): Promise<string> {
  if (group === undefined || gallery === undefined) {
    throw new UsageError('Name the gallery: --resource-group and --gallery-name.')
  }
  const { paths } = await context.connect()
  const scope =
    definition === undefined
      ? paths.gallery(group, gallery)
      : paths.definition(group, gallery, definition)
  return `${scope}/providers/Vitrine.Gallery/grants`
}

/** Throws UsageError. */
function readTime(text: string): string {
  const atMs = Date.parse(text)
  if (!Number.isNaN(atMs)) return new Date(atMs).toISOString()
  throw new UsageError(`--expires is no time: ${text}. Write it as 2027-01-31T08:00:00Z.`)
}
