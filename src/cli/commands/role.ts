import { readFile } from 'node:fs/promises'
import { objectIn } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, needs } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import { principalNamed, principalNames } from '../principals.ts'
import { defined, propertiesOf } from '../resources.ts'
import type { Column } from '../table.ts'
import { UsageError } from '../usage-error.ts'

const apiVersion = apiVersions.roles
const namespace = 'providers/Microsoft.Authorization'

const scope = may(
  '--scope <id>',
  'Id of a gallery, definition, version, group, …; `/` is everything. Left out: the subscription.',
)
const who = {
  assignee: may(
    '--assignee <name>',
    "A user's principal name, a group's name, an application's name or client id, or an object id.",
  ),
  objectId: may(
    '--assignee-object-id <guid>',
    'Object id, also of one whom the directory does not know.',
  ),
}
const principalTypes = ['User', 'Group', 'ServicePrincipal', 'ForeignGroup', 'Device']

const assignmentColumns: readonly Column[] = [
  ['Principal', 'principalName'],
  ['Type', 'principalType'],
  ['Role', 'roleName'],
  ['Scope', 'scope'],
  ['Principal id', 'principalId'],
  ['Name', 'name'],
]

const create = command({
  name: 'create',
  says: 'Give a role to a user, group or service principal.',
  more: 'It reaches the scope and everything below it. Nobody gives more than he has himself.',
  examples: [
    'vitrine role-assignment create --assignee ann@example.org --role Reader --scope /subscriptions/…/galleries/corpImages',
  ],
  flags: {
    ...who,
    role: needs('--role <name>', 'Name or GUID of the role, e.g. Reader.'),
    scope,
    type: may(
      '--assignee-principal-type <type>',
      'Needed for one whom the directory does not know.',
      {
        choices: principalTypes,
      },
    ),
    description: may('--description <text>', 'Why.'),
  },
  run: async (context, given) => {
    const { client } = await context.connect()
    const at = await scopeOf(context, given.scope)
    const role = await findRole(context, at, given.role)
    const properties = defined({
      roleDefinitionId: String(role.id),
      principalId: await mustSayWho(context, given),
      principalType: given.type,
      description: given.description,
    })
    const path = `${at}/${namespace}/roleAssignments/${context.world.id()}`
    const options = { apiVersion, body: { properties }, signal: context.signal }
    const made = objectIn(await client.call('PUT', path, options))
    const [value = made] = await readable(context, [made], [role])
    return { value, columns: assignmentColumns }
  },
})

const list = command({
  name: 'list',
  says: 'List who has which role: at a scope, above it and below it.',
  flags: { scope, ...who },
  run: async (context, given) => {
    const at = await scopeOf(context, given.scope)
    const rows = await assignmentsAt(context, at, await assigneeOf(context, given))
    const value = await readable(context, rows, await rolesAt(context, at))
    return { value, columns: assignmentColumns }
  },
})

const remove = command({
  name: 'delete',
  says: 'Take a role back.',
  flags: {
    ...who,
    role: needs('--role <name>', 'Name or GUID of the role.'),
    scope,
  },
  run: async (context, given) => {
    const { client } = await context.connect()
    const at = await scopeOf(context, given.scope)
    const role = await findRole(context, at, given.role)
    const principalId = await mustSayWho(context, given)
    const found = (await assignmentsAt(context, at, principalId)).find((row) => {
      const { scope: where, roleDefinitionId } = propertiesOf(row)
      return isSame(where, at === '' ? '/' : at) && isSame(roleDefinitionId, role.id)
    })
    if (!found) {
      throw new ClientError({
        code: 'RoleAssignmentNotFound',
        message: `'${given.assignee ?? principalId}' was not given the role '${given.role}' at ${at || '/'}.`,
        nextStep: 'See `vitrine role-assignment list`: what was given above is taken back there.',
        status: 404,
      })
    }
    await client.call('DELETE', String(found.id), { apiVersion, signal: context.signal })
    return undefined
  },
})

export const roleAssignmentCommands: CommandGroup = {
  name: 'role-assignment',
  says: 'Role assignments: who may do what, and where.',
  commands: [create, list, remove],
}

const roleColumns: readonly Column[] = [
  ['Name', 'roleName'],
  ['Type', 'type'],
  ['Id', 'name'],
  ['Description', 'description'],
]

const listRoles = command({
  name: 'list',
  says: 'List the roles that can be given at a scope.',
  flags: { scope },
  run: async (context, given) => ({
    value: [...(await rolesAt(context, await scopeOf(context, given.scope)))],
    columns: roleColumns,
  }),
})

const createRole = command({
  name: 'create',
  says: 'Make a role of your own, or replace it.',
  more: 'The file is JSON as `az role definition create` takes it: Name, Description, Actions, NotActions, DataActions, NotDataActions, AssignableScopes; with Id it replaces that role.',
  examples: ['vitrine role-definition create --role-definition publisher.json'],
  flags: { file: needs('--role-definition <file>', 'A JSON file that describes the role.') },
  run: async (context, given) => {
    const { client } = await context.connect()
    const said = await readRole(given.file)
    const list = (name: string) => (Array.isArray(said[name]) ? said[name] : [])
    const assignableScopes = list('AssignableScopes')
    const permission = {
      actions: list('Actions'),
      notActions: list('NotActions'),
      dataActions: list('DataActions'),
      notDataActions: list('NotDataActions'),
    }
    const properties = defined({
      roleName: said.Name,
      description: said.Description,
      assignableScopes,
      permissions: [permission],
    })
    const id = typeof said.Id === 'string' ? said.Id : context.world.id()
    const at = await scopeOf(context, String(assignableScopes[0] ?? ''))
    const path = `${at}/${namespace}/roleDefinitions/${encodeURIComponent(id)}`
    const options = { apiVersion, body: { properties }, signal: context.signal }
    return { value: objectIn(await client.call('PUT', path, options)), columns: roleColumns }
  },
})

const removeRole = command({
  name: 'delete',
  says: 'Delete a role of your own; nobody may have it any more.',
  flags: { role: needs('-n, --name <name>', 'Name or GUID of the role.'), scope },
  run: async (context, given) => {
    const { client } = await context.connect()
    const role = await findRole(context, await scopeOf(context, given.scope), given.role)
    await client.call('DELETE', String(role.id), { apiVersion, signal: context.signal })
    return undefined
  },
})

export const roleDefinitionCommands: CommandGroup = {
  name: 'role-definition',
  says: "Roles: Azure's built-in ones, and your own.",
  commands: [listRoles, createRole, removeRole],
}

/** The scope as a path: '' for the root, the subscription when none is given. */
async function scopeOf(context: Context, given: string | undefined): Promise<string> {
  const { paths } = await context.connect()
  return paths.scope(given === '' ? undefined : given)
}

async function rolesAt(context: Context, at: string): Promise<readonly JsonObject[]> {
  const { client } = await context.connect()
  const rows: JsonObject[] = []
  const options = { apiVersion, signal: context.signal }
  for await (const row of client.list(`${at}/${namespace}/roleDefinitions`, options)) rows.push(row)
  return rows
}

async function assignmentsAt(
  context: Context,
  at: string,
  principalId: string | undefined,
): Promise<readonly JsonObject[]> {
  const { client } = await context.connect()
  const rows: JsonObject[] = []
  const query = principalId === undefined ? {} : { $filter: `principalId eq '${principalId}'` }
  const options = { apiVersion, query, signal: context.signal }
  for await (const row of client.list(`${at}/${namespace}/roleAssignments`, options)) rows.push(row)
  return rows
}

/** By name or GUID. Throws ClientError with the names there are. */
async function findRole(context: Context, at: string, wanted: string): Promise<JsonObject> {
  const roles = await rolesAt(context, at)
  const found = roles.find(
    (role) => isSame(role.name, wanted) || isSame(propertiesOf(role).roleName, wanted),
  )
  if (found) return found
  const names = roles.map((role) => String(propertiesOf(role).roleName)).join(', ')
  throw new ClientError({
    code: 'RoleDefinitionDoesNotExist',
    message: `There is no role '${wanted}' at ${at || '/'}. There are: ${names}.`,
    status: 404,
  })
}

/** Assignments with the names of their roles and, as az has them, of their principals: an id where none is known. */
async function readable(
  context: Context,
  assignments: readonly JsonObject[],
  roles: readonly JsonObject[],
): Promise<JsonObject[]> {
  const ids = assignments.map((row) => String(propertiesOf(row).principalId))
  const names = await principalNames(context, ids)
  const roleNames = new Map(roles.map((role) => [String(role.id), propertiesOf(role).roleName]))
  return assignments.map((row) => {
    const properties = propertiesOf(row)
    const principalName =
      names.get(String(properties.principalId)) ?? String(properties.principalId)
    const roleName = roleNames.get(String(properties.roleDefinitionId)) ?? null
    return { ...row, properties: { ...properties, principalName, roleName } }
  })
}

type Who = { readonly assignee: string | undefined; readonly objectId: string | undefined }

/** The object id; undefined when nobody is named. Throws UsageError, ClientError `NotFound`. */
async function assigneeOf(
  context: Context,
  { assignee, objectId }: Who,
): Promise<string | undefined> {
  if (assignee === undefined) return objectId
  if (objectId === undefined) return await principalNamed(context, assignee)
  throw new UsageError('Give --assignee or --assignee-object-id, not both.')
}

/** Throws UsageError, ClientError `NotFound`. */
async function mustSayWho(context: Context, given: Who): Promise<string> {
  const id = await assigneeOf(context, given)
  if (id !== undefined) return id
  throw new UsageError('Name who: --assignee or --assignee-object-id.')
}

function isSame(one: unknown, other: unknown): boolean {
  return String(one).toLowerCase() === String(other).toLowerCase()
}

/** Throws UsageError. */
async function readRole(file: string): Promise<Readonly<Record<string, never>>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read: ${String(error)}`)
  })
  try {
    const role: unknown = JSON.parse(text)
    if (typeof role === 'object' && role !== null && !Array.isArray(role)) return Object(role)
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${String(error)}`)
  }
  throw new UsageError(`${file} must hold one JSON object: the role.`)
}
