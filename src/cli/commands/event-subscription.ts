import { objectIn, objectOr } from '../../client/client.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { many, may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { defined, listResources, missing, readResource } from '../resources.ts'
import { secretGiven } from '../secret-input.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'

const apiVersion = apiVersions.vitrine
const prefix = 'Vitrine.Gallery.'

const columns: readonly Column[] = [
  ['Name', 'name'],
  ['Endpoint', 'endpoint'],
  ['State', 'state'],
  ['Told up to', 'cursor'],
  ['Last delivered', (row) => formatWhen(row.lastDelivered ?? 'never')],
  ['Failed', 'attempts'],
  ['Reason', 'reason'],
  ['Missed', (row) => missedOf(objectOr(row.missed))],
]

/** Numbers of events that were not kept until the endpoint could be told. */
function missedOf({ from, to }: JsonObject): string {
  return from === undefined ? '' : `${from} to ${to}`
}

const scope = may(
  '--scope <id>',
  'What happens at this id and below it; `/` is everything. Left out: the subscription.',
)
const named = { name: needs('-n, --name <name>', 'Name of the event subscription.'), scope }

type Named = { readonly name: string; readonly scope: string | undefined }

async function pathOf(context: Context, given: Pick<Named, 'scope'>, name?: string) {
  const { paths } = await context.connect()
  const all = `${paths.scope(given.scope)}/providers/Vitrine.Gallery/eventSubscriptions`
  return name === undefined ? all : `${all}/${encodeURIComponent(name)}`
}

const create = command({
  name: 'create',
  says: 'Have an endpoint told of what happens from now on.',
  more: 'The endpoint is asked first whether it agrees. The same name again changes it: it goes on where it stopped, and keeps its secret while the endpoint is the same.',
  examples: [
    'vitrine event-subscription create -n builds --endpoint https://hooks.example.com/vitrine --secret @secret.txt --types ImageVersion.Published',
  ],
  flags: {
    ...named,
    endpoint: needs(
      '--endpoint <url>',
      'Where to. The operator allows its host. `@FILE` or `@-` reads it: its path may be a secret.',
    ),
    secret: may('--secret <secret>', 'Signs what is sent. Rather `@FILE` or `@-`.'),
    types: many('--types <type...>', 'Only these, e.g. ImageVersion.Published.', { read: typeOf }),
    begins: may('--subject-begins-with <id>', 'Only of resources whose id begins so.'),
  },
  run: async (context, given) => {
    const { client } = await context.connect()
    const properties = defined({
      endpoint: await secretGiven(given.endpoint),
      secret: given.secret === undefined ? undefined : await secretGiven(given.secret),
      types: given.types,
      subjectBeginsWith: given.begins,
    })
    const path = await pathOf(context, given, given.name)
    const options = { apiVersion, body: { properties }, signal: context.signal }
    return { value: objectIn(await client.call('PUT', path, options)), columns }
  },
})

const list = command({
  name: 'list',
  says: 'List the event subscriptions of a scope itself.',
  flags: { scope },
  run: async (context, given) => {
    const path = await pathOf(context, given)
    return { value: await listResources(context, { path, apiVersion }), columns }
  },
})

const show = command({
  name: 'show',
  says: 'Show an event subscription: how far it is told, and why not further.',
  flags: named,
  run: async (context, given) => {
    const path = await pathOf(context, given, given.name)
    return { value: await readResource(context, { path, apiVersion }), columns }
  },
})

const deliver = command({
  name: 'deliver',
  says: 'Go on at once with one that waits or was given up, where it stopped.',
  flags: named,
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = `${await pathOf(context, given, given.name)}/deliver`
    const answer = await client.call('POST', path, { apiVersion, signal: context.signal })
    return { value: objectIn(answer), columns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Tell an endpoint nothing more.',
  flags: named,
  run: async (context, given) => {
    const { client } = await context.connect()
    const path = await pathOf(context, given, given.name)
    const { status } = await client.call('DELETE', path, { apiVersion, signal: context.signal })
    if (status === 204) throw missing(path)
    return undefined
  },
})

function typeOf(text: string): string {
  return text.startsWith(prefix) ? text : `${prefix}${text}`
}

export const eventSubscriptionCommands: CommandGroup = {
  name: 'event-subscription',
  says: 'Webhooks: endpoints that are told what happens.',
  commands: [create, list, show, deliver, remove],
}
