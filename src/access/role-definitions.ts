import { z } from 'zod'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import type { Permission, Role, RoleDefinition, RoleDefinitionRows } from '../domain/directory.ts'
import { ArmError, Denied } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { isWithin, keyOf } from '../domain/resource-id.ts'
import { allBuiltInRoles, ownRoles, type RolePorts } from './roles.ts'
import { parseScope, type Scope } from './scope.ts'

const namespace = 'Microsoft.Authorization/roleDefinitions'

const words = z
  .array(z.string().min(1).max(512))
  .max(1_000)
  .nullish()
  .transform((list) => list ?? [])

const Body = z.object({
  properties: z.object({
    roleName: z.string().trim().min(1).max(512),
    description: z.string().max(2_048).nullish(),
    assignableScopes: z.array(z.string().max(2_048)).min(1).max(2_000),
    permissions: z
      .array(
        z.object({ actions: words, notActions: words, dataActions: words, notDataActions: words }),
      )
      .max(100),
  }),
})

/** Azure's own roles and those of the installation that may be given at, below or above this scope. */
export async function rolesAt(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
): Promise<readonly (Role | RoleDefinition)[]> {
  mustBeAllowed(caller, `${namespace}/read`, scope.text)
  const own = (await ownRoles(ports)).filter(({ assignableScopes }) =>
    assignableScopes.some(
      (one) => isWithin(scope.key, keyOf(one)) || isWithin(keyOf(one), scope.key),
    ),
  )
  return [...allBuiltInRoles, ...own]
}

/**
 * Makes or replaces a role of the installation's own. Who does it must be allowed to at every scope where the role could be
 * given, before and after, and can put nothing into it that he has not himself.
 */
export async function writeRole(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
  asked: { readonly id: string; readonly body: unknown; readonly nowMs: number },
): Promise<RoleDefinition> {
  const id = asked.id.toLowerCase()
  mustBeAllowed(caller, `${namespace}/write`, scope.text)
  mustBeGuid(id, 'role definition')
  if (allBuiltInRoles.some((role) => role.id === id)) {
    throw invalid(
      'A built-in role never changes. Make a role of your own under another id.',
      'name',
    )
  }
  const { roleName, description, permissions, assignableScopes } = parseBody(asked.body)
  const before = (await ownRoles(ports)).find((one) => one.id === id)
  const { roleDefinitions, tenantId } = ports
  const reach = assignableScopes.map((text) => assignableScope(text, tenantId))
  if (!reach.some(({ key }) => isWithin(scope.key, key) || isWithin(key, scope.key))) {
    const message = `The scope '${scope.text}' of the request is not among the assignableScopes of the role.`
    throw invalid(message, 'properties.assignableScopes')
  }
  for (const text of [...reach.map((one) => one.text), ...(before?.assignableScopes ?? [])]) {
    mustBeAllowed(caller, `${namespace}/write`, text)
    mustBeGivable(caller, permissions, text)
  }
  const definition: RoleDefinition = {
    id,
    tenantId,
    name: roleName,
    description: description ?? '',
    permissions,
    assignableScopes: reach.map(({ text }) => text),
    createdMs: before?.createdMs ?? asked.nowMs,
    createdBy: before?.createdBy ?? caller.principalId,
    updatedMs: asked.nowMs,
    updatedBy: caller.principalId,
  }
  mustBeSmall(definition)
  accepted(await roleDefinitions.put(definition, before), definition)
  return definition
}

function accepted(put: Awaited<ReturnType<RoleDefinitionRows['put']>>, { name }: RoleDefinition) {
  if (put === 'named') {
    const message = `A custom role with the name '${name}' already exists in this directory. Use a different name.`
    throw new ArmError('RoleDefinitionWithSameNameExists', message, 'properties.roleName')
  }
  if (put === 'full') {
    const message = `Role definition limit exceeded: there are ${limits.roleDefinitionsMax} custom roles. Delete some first.`
    throw new ArmError('RoleDefinitionLimitExceeded', message)
  }
  if (put === 'assigned') {
    const message = `There are existing role assignments referencing the role '${name}' outside of its new assignableScopes. Delete them first, or keep the scopes.`
    throw new ArmError('RoleDefinitionHasAssignments', message, 'properties.assignableScopes')
  }
  if (put === 'differs') {
    const message = `Another request changed the role '${name}' at the same time. Read it again and retry.`
    throw new ArmError('Conflict', message)
  }
}

/** All roles are held in memory. */
function mustBeSmall({ permissions, assignableScopes }: RoleDefinition): void {
  const { length } = JSON.stringify({ permissions, assignableScopes })
  if (length <= limits.documentCharsMax) return
  throw invalid(
    `The permissions and assignableScopes of the role take ${length} characters as JSON, but at most ${limits.documentCharsMax} are kept. Use patterns such as 'Microsoft.Compute/*/read', or make several roles.`,
    'properties.permissions',
  )
}

/** Answers what it was; undefined when there is none. */
export async function removeRole(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
  name: string,
): Promise<RoleDefinition | undefined> {
  mustBeAllowed(caller, `${namespace}/delete`, scope.text)
  const id = name.toLowerCase()
  const found = (await ownRoles(ports)).find((one) => one.id === id)
  if (!found) return undefined
  for (const text of found.assignableScopes) mustBeAllowed(caller, `${namespace}/delete`, text)
  const removed = await ports.roleDefinitions.remove(id)
  if (removed !== 'assigned') return removed
  const message = `There are existing role assignments referencing the role '${found.name}'. Delete them first.`
  throw new ArmError('RoleDefinitionHasAssignments', message)
}

/** Throws AuthorizationFailed unless the caller has all of it himself at `scope`. */
export function mustBeGivable(
  caller: Caller,
  permissions: readonly Permission[],
  scope: string,
): void {
  if (caller.mayGive(permissions, scope)) return
  throw new Denied(
    'AuthorizationFailed',
    `The client '${caller.name}' with object id '${caller.principalId}' cannot give more than it has: the role allows what the client may not do over scope '${scope}'.`,
    { action: 'Microsoft.Authorization/roleAssignments/write', scope },
  )
}

export function mustBeGuid(text: string, what: string): void {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return
  throw invalid(`The ${what} ID '${text}' is not valid. The ${what} ID must be a GUID.`, 'name')
}

export function invalid(message: string, target: string): ArmError {
  return new ArmError('InvalidParameter', message, target)
}

function assignableScope(text: string, tenantId: string): Scope {
  const scope = parseScope(text.replace(/\/$/, ''), tenantId)
  if (scope && scope.key !== '') return scope
  throw invalid(
    `'${text}' is no scope at which a custom role can be given: name subscriptions, resource groups, resources or the management group '${tenantId}'.`,
    'properties.assignableScopes',
  )
}

function parseBody(body: unknown) {
  const parsed = Body.safeParse(body)
  if (parsed.success) return parsed.data.properties
  const [issue] = parsed.error.issues
  throw invalid(
    `The role definition is not right: ${issue?.message ?? 'it has another shape'}.`,
    issue?.path.join('.') ?? 'properties',
  )
}
