import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ClientError } from '../../client/client-error.ts'
import { loginByDevice } from '../../client/device-login.ts'
import { openHttp } from '../../client/http.ts'
import { fileFault } from '../../client/local-file.ts'
import { parseJson, postForm, type SignedIn } from '../../client/tokens.ts'
import { ownClientId } from '../../domain/own-client.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, on } from '../flag.ts'
import {
  type Access,
  accessOf,
  type Owner,
  type Profile,
  readAccess,
  readOwner,
  removeProfile,
  writeProfile,
} from '../profile.ts'
import { secretGiven } from '../secret-input.ts'
import { caOf, openSession } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import { accountColumns, subscriptionsOf, withoutSecret } from './account.ts'

const login = command({
  name: 'login',
  says: 'Log in to a server, and keep the login for the next commands.',
  more: 'With --data the owner of an installation on this machine logs in; its secret stays in its own file. With --device a person logs in, in a browser on any machine; what is kept lets the commands go on for a month. With --token-file whoever has an access token for the server, of whatever issuer it trusts, works with that until it ends. Otherwise name server, tenant, client id and secret.',
  examples: [
    'vitrine login --data ./data',
    'vitrine login --base https://images.example:8443 --ca ca.pem --tenant TENANT -u CLIENT_ID -p @secret.txt',
    'vitrine login --device --base https://images.example:8443 --ca ca.pem --tenant TENANT',
    'GET-A-TOKEN | vitrine login --token-file /dev/stdin --base https://images.example:8443 --ca ca.pem',
  ],
  flags: {
    data: may('--data <folder>', 'Data folder of a local installation.'),
    base: may('--base <url>', 'URL of the server.'),
    ca: may('--ca <file>', "PEM file of the authority that signed the server's certificate."),
    device: on('--device', 'Log in as a person, by a code that is entered in a browser.'),
    tokenFile: may('--token-file <file>', 'File with an access token of an issuer elsewhere.'),
    tenant: may('-t, --tenant <id>', 'Tenant; left out with --device, that of the operators.'),
    username: may('-u, --username <id>', 'Client id of the application.'),
    password: may(
      '-p, --password <secret>',
      'Client secret of the application; @FILE reads it from a file, @- from standard input.',
    ),
    allowNoSubscriptions: on(
      '--allow-no-subscriptions',
      'Log in where there is none yet: for the directory of a new tenant.',
    ),
  },
  run: async (context, given) => {
    await writeProfile(context.homeFolder, await profileOf(context, given))
    const access = await readAccess(context.homeFolder)
    await tryAccess(context, access)
    return { value: withoutSecret(access), columns: accountColumns }
  },
})

function profileOf(context: Context, given: Remote & { readonly data: string | undefined }) {
  if (given.tokenFile !== undefined) return tokenLogin(context, given, given.tokenFile)
  if (given.device) return deviceLogin(context, given)
  return given.data === undefined ? remoteLogin(context, given) : localLogin(given.data)
}

/** Of whatever tenant answers to this name: the operators'. */
const homeTenant = 'organizations'

async function deviceLogin(context: Context, given: Remote): Promise<Profile> {
  const { tenant = homeTenant, username, password } = given
  if (!given.base || username || password) {
    throw new UsageError('Give --base with --device, and neither --username nor --password.')
  }
  const base = given.base.replace(/\/+$/, '')
  const caFile = given.ca === undefined ? {} : { caFile: resolve(given.ca) }
  const show = (message: string): void =>
    context.err.write(
      `${message}\nWaiting until the page says that you are signed in. A code is good once: if you left the page before, stop this (Ctrl-C) and start again.\n`,
    )
  const { world, signal } = context
  const parts = { base, world, http: openHttp(await caOf(caFile)) }
  const signedIn = await loginByDevice(parts, { tenantId: tenant, show, signal })
  parts.http.close()
  const tenantId = claimsOf(signedIn.accessToken)?.tid ?? tenant
  const who = { base, tenantId, clientId: ownClientId, ...caFile }
  return personsProfile(context, { ...who, signedIn }, given)
}

async function tokenLogin(context: Context, given: Remote, file: string): Promise<Profile> {
  const { base, tenant, device, username, password } = given
  if (!base || device || username || password) {
    const message =
      'Give --base with --token-file, and neither --device nor --username nor --password.'
    throw new UsageError(message)
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw fileFault(file, error)
  })
  const accessToken = text.trim()
  const claims = claimsOf(accessToken)
  if (claims?.exp === undefined) {
    throw new UsageError(`${file} holds no access token: three parts with dots, one line.`)
  }
  const signedIn = { accessToken, renewAtMs: claims.exp * 1000 }
  const tenantId = tenant ?? claims.tid ?? homeTenant
  const who = { base: base.replace(/\/+$/, ''), tenantId, clientId: claims.azp ?? '' }
  const caFile = given.ca === undefined ? {} : { caFile: resolve(given.ca) }
  return personsProfile(context, { ...who, ...caFile, signedIn }, given)
}

async function personsProfile(
  context: Context,
  known: Omit<Profile, 'subscriptionId'> & { readonly signedIn: SignedIn },
  given: Remote,
): Promise<Profile> {
  const { signedIn, ...who } = known
  const credentials = { ...who, turn: async () => signedIn }
  const access = { ...who, subscriptionId: '', credentials }
  return { ...known, subscriptionId: await firstSubscription(context, access, given) }
}

const Claims = z.object({
  tid: z.string().optional(),
  azp: z.string().optional(),
  exp: z.number().optional(),
})

/** What a token says; it is not checked, since only the server that takes it is told. */
function claimsOf(token: string): z.infer<typeof Claims> | undefined {
  return Claims.safeParse(parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url'))).data
}

async function localLogin(data: string): Promise<Profile> {
  const ownerFile = resolve(data, 'owner.json')
  const { clientSecret: _, ...rest } = await readOwner(ownerFile)
  return { ...rest, ownerFile }
}

type Remote = {
  readonly base: string | undefined
  readonly ca: string | undefined
  readonly tenant: string | undefined
  readonly device: boolean
  readonly tokenFile: string | undefined
  readonly allowNoSubscriptions: boolean
  readonly username: string | undefined
  readonly password: string | undefined
}

async function remoteLogin(context: Context, given: Remote): Promise<Profile> {
  const { base, tenant, username, password } = given
  if (!base || !tenant || !username || !password)
    throw new UsageError('Give --data, or all of --base, --tenant, --username and --password.')
  const owner: Owner = {
    base: base.replace(/\/+$/, ''),
    tenantId: tenant,
    subscriptionId: '',
    clientId: username,
    clientSecret: await secretGiven(password),
    ...(given.ca === undefined ? {} : { caFile: resolve(given.ca) }),
  }
  return { ...owner, subscriptionId: await firstSubscription(context, accessOf(owner), given) }
}

/** '' where there is none, and that is allowed. */
async function firstSubscription(
  context: Context,
  access: Access,
  { allowNoSubscriptions }: Pick<Remote, 'allowNoSubscriptions'>,
): Promise<string> {
  const { client } = await openSession(access, context.world)
  try {
    const [first] = await subscriptionsOf(client, context.signal)
    if (first) return String(first.subscriptionId)
    if (allowNoSubscriptions) return ''
    throw new ClientError({
      code: 'NoSubscription',
      message: 'You may see no subscription.',
      nextStep:
        'Ask an owner for a role on one, then log in again; or log in with --allow-no-subscriptions.',
    })
  } finally {
    client.close()
  }
}

/** By a list, which nobody who is let in is refused. */
async function tryAccess(context: Context, access: Access): Promise<void> {
  const { client } = await openSession(access, context.world)
  try {
    await subscriptionsOf(client, context.signal)
  } finally {
    client.close()
  }
}

const logout = command({
  name: 'logout',
  says: 'Forget the login.',
  more: 'Of a person the server forgets it too. An owner file, and what it opens, stays.',
  flags: {},
  run: async (context) => {
    const held = await removeProfile(context.homeFolder)
    const token = held?.signedIn?.refreshToken
    if (held && token !== undefined) await endLogin(context, held, token)
    return undefined
  },
})

async function endLogin(context: Context, held: Profile, token: string): Promise<void> {
  const { base, tenantId, clientId } = held
  const http = openHttp(await caOf(held))
  const asked = { credentials: { tenantId, clientId }, grant: { token }, path: 'revoke' }
  const parts = { http, base, world: context.world }
  const why = await postForm(parts, { ...asked, signal: context.signal })
    .then(({ status }) => (status < 400 ? undefined : `it answered ${status}`))
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    .finally(() => http.close())
  if (why === undefined) return
  throw new ClientError({
    code: 'LogoutNotTold',
    message: `The login is forgotten here, but the server was not told: ${why}.`,
    nextStep: 'A copy of it is good for a month. Change your password to end it at once.',
  })
}

export const loginCommands: CommandGroup = { name: '', says: '', commands: [login, logout] }
