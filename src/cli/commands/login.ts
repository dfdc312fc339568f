import { resolve } from 'node:path'
import { ClientError } from '../../client/client-error.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { type Access, type Profile, readAccess, readOwner, writeProfile } from '../profile.ts'
import { openSession } from '../session.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'

const accountColumns: readonly Column[] = [
  ['Server', 'base'],
  ['Tenant', 'tenantId'],
  ['Subscription', 'subscriptionId'],
  ['Client', 'clientId'],
]

const login = command({
  name: 'login',
  says: 'Log in to a server, and keep the login for the next commands.',
  more: 'With --data the owner of an installation on this machine logs in; its secret stays in its own file. Otherwise name server, tenant, client id and secret.',
  examples: [
    'vitrine login --data ./data',
    'vitrine login --base https://images.example:8443 --ca ca.pem --tenant TENANT -u CLIENT_ID -p SECRET',
  ],
  flags: {
    data: may('--data <folder>', 'Data folder of a local installation.'),
    base: may('--base <url>', 'URL of the server.'),
    ca: may('--ca <file>', "PEM file of the authority that signed the server's certificate."),
    tenant: may('-t, --tenant <id>', 'Tenant.'),
    username: may('-u, --username <id>', 'Client id of the application.'),
    password: may('-p, --password <secret>', 'Client secret of the application.'),
  },
  run: async (context, given) => {
    const profile =
      given.data === undefined ? await remoteLogin(context, given) : await localLogin(given.data)
    await writeProfile(context.homeFolder, profile)
    const access = await readAccess(context.homeFolder)
    await tryAccess(context, access)
    return { value: withoutSecret(access), columns: accountColumns }
  },
})

async function localLogin(data: string): Promise<Profile> {
  const ownerFile = resolve(data, 'owner.json')
  const { clientSecret: _, ...rest } = await readOwner(ownerFile)
  return { ...rest, ownerFile }
}

type Remote = {
  readonly base: string | undefined
  readonly ca: string | undefined
  readonly tenant: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
}

async function remoteLogin(context: Context, given: Remote): Promise<Profile> {
  const { base, tenant, username, password } = given
  if (!base || !tenant || !username || !password)
    throw new UsageError('Give --data, or all of --base, --tenant, --username and --password.')
  const access: Access = {
    base: base.replace(/\/+$/, ''),
    tenantId: tenant,
    subscriptionId: '',
    clientId: username,
    clientSecret: password,
    ...(given.ca === undefined ? {} : { caFile: resolve(given.ca) }),
  }
  return { ...access, subscriptionId: await firstSubscription(context, access) }
}

async function firstSubscription(context: Context, access: Access): Promise<string> {
  const { client } = await openSession(access, context.world)
  try {
    const options = { apiVersion: apiVersions.subscriptions, signal: context.signal }
    for await (const row of client.list('/subscriptions', options))
      return String(row.subscriptionId)
    throw new ClientError({
      code: 'NoSubscription',
      message: 'This application may see no subscription.',
      nextStep: 'Ask an owner for a role on one, then log in again.',
    })
  } finally {
    client.close()
  }
}

async function tryAccess(context: Context, access: Access): Promise<void> {
  const { client, paths } = await openSession(access, context.world)
  try {
    const options = { apiVersion: apiVersions.subscriptions, signal: context.signal }
    await client.call('GET', paths.subscription, options)
  } finally {
    client.close()
  }
}

function withoutSecret(access: Access) {
  const { clientSecret: _, ...rest } = access
  return rest
}

const show = command({
  name: 'show',
  says: 'Show which server, tenant and subscription the commands work with.',
  flags: {},
  run: async (context) => ({
    value: withoutSecret(await readAccess(context.homeFolder)),
    columns: accountColumns,
  }),
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

export const loginCommands: CommandGroup = { name: '', says: '', commands: [login] }
export const accountCommands: CommandGroup = {
  name: 'account',
  says: 'The login, the subscription and its regions.',
  commands: [show, locations],
}
