import { type Client, objectIn } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { propertiesOf } from '../resources.ts'
import type { Column } from '../table.ts'

const collection = '/providers/Vitrine.Gallery/tenants'
const columns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Tenant', 'tenantId'],
  ['Subscriptions', ({ subscriptions }) => [subscriptions].flat().join(' ')],
]
const madeColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Tenant', 'tenantId'],
  ['Client', 'owner.clientId'],
  ['Secret', 'owner.clientSecret'],
]
const tenant = needs('-n, --name <name>', 'Name or id of the tenant.')

const create = command({
  name: 'create',
  says: 'Make a tenant, and the application that owns all of it.',
  more: 'The secret of that application is shown once: log in with it to make users, groups and roles there. A subscription belongs to a tenant by the settings of the server (subscriptions, tenantId); log in with --allow-no-subscriptions until it has one.',
  examples: [
    'vitrine tenant create -n Fabrikam',
    'vitrine login --base https://images.example:8443 --ca ca.pem --tenant TENANT -u CLIENT_ID -p SECRET',
  ],
  flags: {
    name: needs('-n, --name <name>', 'Name that people read; unique.'),
    tenantId: may('--tenant-id <guid>', 'Id that it is to have; left out, a fresh one.'),
  },
  run: async (context, { name, tenantId = context.world.id() }) => {
    const before = (await tenants(context)).find((one) => named(one, name) || named(one, tenantId))
    if (before) throw taken(String(propertiesOf(before).displayName))
    const body = { properties: { displayName: name } }
    const made = await ask(context, 'PUT', { id: tenantId, body })
    return { value: made, columns: madeColumns }
  },
})

const list = command({
  name: 'list',
  says: 'List the tenants of the installation.',
  flags: {},
  run: async (context) => ({ value: await tenants(context), columns }),
})

const show = command({
  name: 'show',
  says: 'Show a tenant.',
  flags: { tenant },
  run: async (context, { tenant: name }) => ({
    value: await tenantNamed(context, name),
    columns,
  }),
})

const remove = command({
  name: 'delete',
  says: 'Delete a tenant that has no subscription, and nobody but its first owner.',
  flags: { tenant },
  run: async (context, { tenant: name }) => {
    const { name: id } = await tenantNamed(context, name)
    await ask(context, 'DELETE', { id: String(id) })
    return undefined
  },
})

export const tenantCommands: CommandGroup = {
  name: 'tenant',
  says: 'Tenants: directories with subscriptions of their own.',
  commands: [create, list, show, remove],
}

async function ask(
  context: Context,
  method: Parameters<Client['call']>[0],
  { id, body }: { readonly id: string; readonly body?: JsonObject },
): Promise<JsonObject> {
  const { client } = await context.connect()
  const options = { apiVersion: apiVersions.vitrine, signal: context.signal, ...(body && { body }) }
  const answer = await client.call(method, `${collection}/${encodeURIComponent(id)}`, options)
  return answer.body === undefined ? {} : objectIn(answer)
}

async function tenants(context: Context): Promise<JsonObject[]> {
  const { client } = await context.connect()
  const options = { apiVersion: apiVersions.vitrine, signal: context.signal }
  const rows: JsonObject[] = []
  for await (const row of client.list(collection, options)) rows.push(row)
  return rows
}

async function tenantNamed(context: Context, name: string): Promise<JsonObject> {
  const found = (await tenants(context)).find((one) => named(one, name))
  if (found) return found
  throw new ClientError({
    code: 'NotFound',
    message: `There is no tenant '${name}'. See vitrine tenant list.`,
    status: 404,
  })
}

function named(one: JsonObject, name: string): boolean {
  const { displayName } = propertiesOf(one)
  return [displayName, one.name].some((text) => String(text).toLowerCase() === name.toLowerCase())
}

function taken(name: string): ClientError {
  const message = `There is a tenant '${name}' already. See vitrine tenant show.`
  return new ClientError({ code: 'Conflict', message, status: 409 })
}
