import type { Client } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, command } from '../command.ts'
import { apiVersions } from '../paths.ts'
import { type Access, keepSubscription, readAccess } from '../profile.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'

export const accountColumns: readonly Column[] = [
  ['Server', 'base'],
  ['Tenant', 'tenantId'],
  ['Subscription', 'subscriptionId'],
  ['Client', 'clientId'],
]

const subscriptionColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Subscription', 'subscriptionId'],
  ['Tenant', 'tenantId'],
  ['Default', 'isDefault'],
]

const show = command({
  name: 'show',
  says: 'Show which server, tenant and subscription the commands work with.',
  flags: {},
  run: async (context) => ({
    value: withoutSecret(await readAccess(context.homeFolder)),
    columns: accountColumns,
  }),
})

const list = command({
  name: 'list',
  says: 'List the subscriptions in which you hold a role.',
  flags: {},
  run: async (context) => {
    const { client, access } = await context.connect()
    const rows = await subscriptionsOf(client, context.signal)
    const value = rows.map((row) => ({
      ...row,
      isDefault: row.subscriptionId === access.subscriptionId,
    }))
    return { value, columns: subscriptionColumns }
  },
})

const set = command({
  name: 'set',
  says: 'Choose the subscription of the commands that follow, by --subscription.',
  examples: ['vitrine account set --subscription GUID'],
  flags: {},
  run: async (context) => {
    const { client, access } = await context.connect()
    const wanted = access.subscriptionId.toLowerCase()
    if (wanted === '') throw new UsageError('Give --subscription.')
    const rows = await subscriptionsOf(client, context.signal)
    const found = rows.find((row) =>
      [row.subscriptionId, row.displayName].some((name) => String(name).toLowerCase() === wanted),
    )
    if (!found) {
      throw new ClientError({
        code: 'SubscriptionNotFound',
        message: `You hold nothing in a subscription '${access.subscriptionId}'.`,
        nextStep: 'See `vitrine account list`.',
        status: 404,
      })
    }
    await keepSubscription(context.homeFolder, String(found.subscriptionId))
    return { value: { ...found, isDefault: true }, columns: subscriptionColumns }
  },
})

const locations = command({
  name: 'list-locations',
  says: 'List the regions that are served.',
  flags: {},
  run: async (context) => {
    const { client, paths } = await context.connect()
    const options = { apiVersion: apiVersions.subscriptions, signal: context.signal }
    const rows = []
    for await (const row of client.list(paths.locations, options)) rows.push(row)
    return {
      value: rows,
      columns: [
        ['Name', 'name'],
        ['Region', 'displayName'],
      ],
    }
  },
})

export async function subscriptionsOf(client: Client, signal: AbortSignal): Promise<JsonObject[]> {
  const rows: JsonObject[] = []
  const options = { apiVersion: apiVersions.subscriptions, signal }
  for await (const row of client.list('/subscriptions', options)) rows.push(row)
  return rows
}

export function withoutSecret({ credentials: _, ...rest }: Access) {
  return rest
}

export const accountCommands: CommandGroup = {
  name: 'account',
  says: 'The login, the subscription and its regions.',
  commands: [show, list, set, locations],
}
