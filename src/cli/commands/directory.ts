import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, command } from '../command.ts'
import { may, mayRead, needs, on, onOrOff, wholeNumber } from '../flag.ts'
import { askGraph, idNamed, listGraph } from '../graph.ts'
import { defined } from '../resources.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'

const dayMs = 24 * 3_600_000
/** A hundred years. */
const daysMax = 36_500

const userColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Principal name', 'userPrincipalName'],
  ['Type', 'userType'],
  ['Enabled', 'accountEnabled'],
  ['Id', 'id'],
]
const passwordColumns: readonly Column[] = [
  ['Id', 'id'],
  ['Temporary password', 'temporaryPassword'],
  ['Change at', 'changeAt'],
]
const user = needs('-n, --name <name>', 'Principal name or id of the user.')

const createUser = command({
  name: 'create',
  says: 'Add a user to the directory.',
  examples: ['vitrine user create --principal-name ann@example.org --display-name "Ann Lee"'],
  flags: {
    principalName: needs('--principal-name <name@domain>', 'What the user is known by; unique.'),
    displayName: needs('--display-name <text>', 'Name that people read.'),
    mail: may('--mail <address>', 'E-mail address.'),
    type: may('--type <type>', 'Default Member. A Guest sees only himself and his groups.', {
      choices: ['Member', 'Guest'],
    }),
  },
  run: async (context, { principalName, displayName, mail, type }) => {
    const named = { userPrincipalName: principalName, displayName, mail, userType: type }
    const body = defined({ ...named, accountEnabled: true })
    const value = (await askGraph(context, 'POST', { path: 'users', body })) ?? {}
    if (context.output === 'table') {
      context.err.write(
        `Next: a password to sign in with, vitrine user reset-password -n ${principalName}\n`,
      )
    }
    return { value, columns: userColumns }
  },
})

const resetPassword = command({
  name: 'reset-password',
  says: 'Give a user a temporary password; it is shown this once.',
  more: 'It is good for nothing but choosing another, which the page of the first sign-in asks for. Every session of the user ends.',
  examples: ['vitrine user reset-password -n ann@example.org'],
  flags: { user },
  run: async (context, { user: name }) => {
    const id = await idNamed(context, { collection: 'users', name })
    const password = randomBytes(12).toString('base64url')
    const body = { passwordProfile: { password, forceChangePasswordNextSignIn: true } }
    await askGraph(context, 'PATCH', { path: `users/${id}`, body })
    const { access } = await context.connect()
    const { base, tenantId } = access
    const changeAt = `${base}/${tenantId}/password`
    if (context.output === 'table') {
      const login = `vitrine login --device --base ${base} --tenant ${tenantId}`
      context.err.write(`The user signs in with it (${login}), and chooses another.\n`)
    }
    return { value: { id, temporaryPassword: password, changeAt }, columns: passwordColumns }
  },
})

const updateUser = command({
  name: 'update',
  says: 'Change a user: its name, or whether it may do anything.',
  flags: {
    user,
    displayName: may('--display-name <text>', 'Name that people read.'),
    enabled: onOrOff(
      '--enabled [true|false]',
      'false takes all rights away at once, and keeps them for later.',
    ),
  },
  run: async (context, { user: name, displayName, enabled }) => {
    const path = `users/${await idNamed(context, { collection: 'users', name })}`
    const body = defined({ displayName, accountEnabled: enabled })
    await askGraph(context, 'PATCH', { path, body })
    return { value: (await askGraph(context, 'GET', { path })) ?? {}, columns: userColumns }
  },
})

const listUsers = command({
  name: 'list',
  says: 'List the users.',
  flags: {},
  run: async (context) => ({
    value: await listGraph(context, { path: 'users' }),
    columns: userColumns,
  }),
})

const deleteUser = command({
  name: 'delete',
  says: 'Delete a user, with its memberships and the roles it was given.',
  flags: { user },
  run: async (context, { user: name }) => {
    const id = await idNamed(context, { collection: 'users', name })
    await askGraph(context, 'DELETE', { path: `users/${id}` })
    return undefined
  },
})

export const userCommands: CommandGroup = {
  name: 'user',
  says: 'Users of the directory.',
  commands: [createUser, resetPassword, updateUser, listUsers, deleteUser],
}

const groupColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Description', 'description'],
  ['Id', 'id'],
]
const memberColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Kind', 'kind'],
  ['Id', 'id'],
]
const group = needs('-n, --name <name>', 'Name or id of the group.')
const member = needs('--member-id <guid>', 'Object id of a user, group or service principal.')

const createGroup = command({
  name: 'create',
  says: 'Make a group; what it is given, all its members have.',
  examples: [
    'vitrine user-group create -n readers',
    'vitrine role-assignment create --assignee readers --role Reader',
  ],
  flags: { name: group, description: may('--description <text>', 'What it is for.') },
  run: async (context, { name, description }) => {
    const body = defined({ displayName: name, description })
    const value = (await askGraph(context, 'POST', { path: 'groups', body })) ?? {}
    return { value, columns: groupColumns }
  },
})

const listGroups = command({
  name: 'list',
  says: 'List the groups.',
  flags: {},
  run: async (context) => ({
    value: await listGraph(context, { path: 'groups' }),
    columns: groupColumns,
  }),
})

const deleteGroup = command({
  name: 'delete',
  says: 'Delete a group, with the roles it was given. Its members stay.',
  flags: { group },
  run: async (context, { group: name }) => {
    const id = await idNamed(context, { collection: 'groups', name })
    await askGraph(context, 'DELETE', { path: `groups/${id}` })
    return undefined
  },
})

const addMember = command({
  name: 'add-member',
  says: 'Put a user, another group or a service principal into a group.',
  flags: { group, member },
  run: async (context, { group: name, member: id }) => {
    const groupId = await idNamed(context, { collection: 'groups', name })
    const { client } = await context.connect()
    const body = { '@odata.id': `${client.base}/graph/v1.0/directoryObjects/${id}` }
    await askGraph(context, 'POST', { path: `groups/${groupId}/members/$ref`, body })
    return undefined
  },
})

const removeMember = command({
  name: 'remove-member',
  says: 'Take somebody out of a group.',
  flags: { group, member },
  run: async (context, { group: name, member: id }) => {
    const groupId = await idNamed(context, { collection: 'groups', name })
    const path = `groups/${groupId}/members/${encodeURIComponent(id)}/$ref`
    await askGraph(context, 'DELETE', { path })
    return undefined
  },
})

const listMembers = command({
  name: 'list-members',
  says: 'List who is in a group.',
  flags: { group },
  run: async (context, { group: name }) => {
    const id = await idNamed(context, { collection: 'groups', name })
    const rows = await listGraph(context, { path: `groups/${id}/members` })
    const kindOf = (row: JsonObject) =>
      String(row['@odata.type'] ?? '')
        .split('.')
        .at(-1) ?? ''
    const value = rows.map((row) => ({ ...row, kind: kindOf(row) }))
    return { value, columns: memberColumns }
  },
})

export const userGroupCommands: CommandGroup = {
  name: 'user-group',
  says: 'Groups of users, applications and other groups.',
  commands: [createGroup, listGroups, deleteGroup, addMember, removeMember, listMembers],
}

const applicationColumns: readonly Column[] = [
  ['Name', 'displayName'],
  ['Client id', 'appId'],
  ['Object id', 'id'],
]
const secretColumns: readonly Column[] = [
  ['Client id', 'appId'],
  ['Object id', 'objectId'],
  ['Key id', 'keyId'],
  ['Until', 'endDateTime'],
  ['Secret', 'secretText'],
]
const application = needs('-n, --name <name>', 'Name or client id of the application.')
const days = mayRead(
  '--days <n>',
  'How long the secret counts. Default two years.',
  wholeNumber('--days'),
)

function until(count: number | undefined, nowMs: number) {
  if (count === undefined) return {}
  if (count < 1 || count > daysMax) throw new UsageError(`--days takes 1 to ${daysMax}.`)
  return { endDateTime: new Date(nowMs + count * dayMs).toISOString() }
}

const createApplication = command({
  name: 'create',
  says: 'Make an application that signs in with a secret; the secret is shown this once.',
  more: 'It may do nothing yet: give its object id a role, or put it into a group.',
  examples: ['vitrine application create -n pipeline --days 90'],
  flags: {
    name: application,
    days,
    multiTenant: on('--multi-tenant', 'Other tenants may admit it, and give it roles of theirs.'),
  },
  run: async (context, { name, days: count, multiTenant }) => {
    const passwordCredential = until(count, context.world.now().getTime())
    const signInAudience = multiTenant ? 'AzureADMultipleOrgs' : 'AzureADMyOrg'
    const body = { displayName: name, signInAudience }
    const made = (await askGraph(context, 'POST', { path: 'applications', body })) ?? {}
    const appId = String(made.appId)
    const principal = await askGraph(context, 'POST', {
      path: 'servicePrincipals',
      body: { appId },
    })
    const path = `applications/${appId}/addPassword`
    const secret = await askGraph(context, 'POST', { path, body: { passwordCredential } })
    return { value: { appId, objectId: principal?.id ?? null, ...secret }, columns: secretColumns }
  },
})

const addSecret = command({
  name: 'add-secret',
  says: 'Give an application one more secret; it is shown this once.',
  more: 'To change a secret without a gap: add one, use it, then remove the old one.',
  flags: { application, days },
  run: async (context, { application: name, days: count }) => {
    const appId = await idNamed(context, { collection: 'applications', name })
    const passwordCredential = until(count, context.world.now().getTime())
    const path = `applications/${appId}/addPassword`
    const secret = await askGraph(context, 'POST', { path, body: { passwordCredential } })
    return { value: { appId, ...secret }, columns: secretColumns }
  },
})

const removeSecret = command({
  name: 'remove-secret',
  says: 'Take a secret away; tokens that it gave count until they run out.',
  flags: { application, key: needs('--key-id <guid>', 'Key id of the secret.') },
  run: async (context, { application: name, key }) => {
    const appId = await idNamed(context, { collection: 'applications', name })
    const path = `applications/${appId}/removePassword`
    await askGraph(context, 'POST', { path, body: { keyId: key } })
    return undefined
  },
})

const admitApplication = command({
  name: 'admit',
  says: 'Let an application of another tenant sign in here and be given roles.',
  more: 'It must be one for several tenants. It gets an object id of its own here; give that one roles. Deleting the service principal, or disabling it, ends it here alone.',
  flags: { appId: needs('--app-id <guid>', 'Client id of the application.') },
  run: async (context, { appId }) => {
    const body = { appId }
    const value = (await askGraph(context, 'POST', { path: 'servicePrincipals', body })) ?? {}
    return { value, columns: applicationColumns }
  },
})

const listApplications = command({
  name: 'list',
  says: 'List the service principals: the applications that can sign in.',
  flags: {},
  run: async (context) => ({
    value: await listGraph(context, { path: 'servicePrincipals' }),
    columns: applicationColumns,
  }),
})

const deleteApplication = command({
  name: 'delete',
  says: 'Delete an application, with its secrets and the roles it was given.',
  flags: { application },
  run: async (context, { application: name }) => {
    const appId = await idNamed(context, { collection: 'applications', name })
    await askGraph(context, 'DELETE', { path: `applications/${appId}` })
    return undefined
  },
})

export const applicationCommands: CommandGroup = {
  name: 'application',
  says: 'Applications that sign in, and their secrets.',
  commands: [
    createApplication,
    admitApplication,
    addSecret,
    removeSecret,
    listApplications,
    deleteApplication,
  ],
}
