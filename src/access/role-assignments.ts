import { z } from 'zod'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import {
  type Assignment,
  type AssignmentRows,
  assignableAt,
  type Role,
} from '../domain/directory.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { keyOf } from '../domain/resource-id.ts'
import { builtInRoles } from './built-in-roles.ts'
import { invalid, mustBeGivable, mustBeGuid } from './role-definitions.ts'
import { openRoles, ownRoles, type RolePorts } from './roles.ts'
import type { Scope } from './scope.ts'

const namespace = 'Microsoft.Authorization/roleAssignments'

const principalTypes = ['User', 'Group', 'ServicePrincipal', 'ForeignGroup', 'Device'] as const

const Body = z.object({
  properties: z.object({
    roleDefinitionId: z.string().max(2_048),
    principalId: z.guid('a valid principal ID must be provided: a GUID'),
    principalType: z.enum(principalTypes).nullish(),
    description: z.string().max(2_048).nullish(),
    condition: z.string().nullish(),
    delegatedManagedIdentityResourceId: z.string().nullish(),
  }),
})

/**
 * Gives a role to a principal at a scope. Nobody gives more than he has (only who may do everything with roles there gives
 * any). Throws RoleAssignmentExists and the like in Azure's words.
 */
export async function assignRole(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
  asked: { readonly id: string; readonly body: unknown; readonly nowMs: number },
): Promise<Assignment> {
  mustBeAllowed(caller, `${namespace}/write`, scope.text)
  mustBeGuid(asked.id, 'role assignment')
  const sent = parseBody(asked.body)
  const { role, own } = await roleNamed(ports, sent.roleDefinitionId)
  mustBeGivable(caller, role.permissions, scope.text)
  mustBeAssignable(role, scope)
  const principalId = sent.principalId.toLowerCase()
  const { principalType, isKnown } = await typeOf(ports, principalId, sent.principalType)
  const assignment = {
    id: asked.id.toLowerCase(),
    principalId,
    principalType,
    tenantId: ports.tenantId,
    roleId: role.id,
    scope: scope.text,
    description: sent.description ?? undefined,
    createdMs: asked.nowMs,
    createdBy: caller.principalId,
    updatedMs: asked.nowMs,
    updatedBy: caller.principalId,
  }
  return accepted(await ports.assignments.put(assignment, { role: own, isKnown }), scope)
}

function accepted(
  { is, assignment }: Awaited<ReturnType<AssignmentRows['put']>>,
  { text }: Scope,
): Assignment {
  switch (is) {
    case 'made':
    case 'kept':
      return assignment
    case 'exists': {
      const message = `The role assignment already exists. The ID of the existing role assignment is ${assignment.id.replaceAll('-', '')}.`
      throw new ArmError('RoleAssignmentExists', message)
    }
    case 'differs': {
      const message =
        'Tenant ID, application ID, principal ID, and scope are not allowed to be updated. Delete the assignment and make another.'
      throw new ArmError('RoleAssignmentUpdateNotPermitted', message)
    }
    case 'gone':
      throw new ArmError('ResourceNotFound', `There is no resource at the scope '${text}'.`)
    case 'overtaken':
      throw overtaken()
    case 'full': {
      const message = `No more role assignments can be created: a principal has at most ${limits.assignmentsPerPrincipalMax}. Give roles to groups, or higher up.`
      throw new ArmError('RoleAssignmentLimitExceeded', message)
    }
  }
}

/** The role or the principal is not any more what it was when the request was judged. */
export function overtaken(): ArmError {
  const message =
    'Another request changed or deleted the role or the principal at the same time. Read them again and retry.'
  return new ArmError('Conflict', message)
}

/** Takes a role back; answers what it was, undefined when there is none of this id at the scope. */
export async function unassignRole(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
  id: string,
): Promise<Assignment | undefined> {
  mustBeAllowed(caller, `${namespace}/delete`, scope.text)
  const found = await ports.assignments.get(id.toLowerCase())
  if (!found || !isAt(found, ports, scope)) return undefined
  const role = openRoles(await ownRoles(ports))(found.roleId)
  if (role) mustBeGivable(caller, role.permissions, scope.text)
  const lastOf = scope.key === '' ? builtInRoles.owner.id : ''
  const removed = await ports.assignments.remove(found.id, lastOf)
  if (removed !== 'last') return removed
  const message =
    'Cannot delete the last RBAC admin assignment: make another Owner at the root first.'
  throw new ArmError('LastRbacAdminAssignment', message)
}

/** Throws RoleAssignmentNotFound. */
export async function readAssignment(
  ports: RolePorts,
  caller: Caller,
  scope: Scope,
  id: string,
): Promise<Assignment> {
  mustBeAllowed(caller, `${namespace}/read`, scope.text)
  const found = await ports.assignments.get(id.toLowerCase())
  if (found && isAt(found, ports, scope)) return found
  throw new ArmError('RoleAssignmentNotFound', `The role assignment '${id}' is not found.`)
}

/**
 * One page of what is given at the scope, above it and (without `atScope()`) below it.
 * Filters, joined by `and`: `atScope()`, `principalId eq '…'`, `assignedTo('…')` (to it, or to a group that it is in).
 */
export async function assignmentsAt(
  { assignments, members, tenantId }: RolePorts,
  caller: Caller,
  scope: Scope,
  asked: { readonly filter: string | undefined; readonly after: string | undefined },
): Promise<{ readonly page: readonly Assignment[]; readonly next: string | undefined }> {
  mustBeAllowed(caller, `${namespace}/read`, scope.text)
  const { atScope, principalId, holder } = readFilter(asked.filter)
  const holders =
    holder === undefined ? [] : [holder, ...(await members.above(holder, 'throughAll'))]
  const principalIds = principalId === undefined ? holders : [principalId]
  const found = await assignments.find({
    tenantId,
    at: scope.lineage,
    below: atScope ? undefined : scope.key,
    principalIds: principalIds.length === 0 ? undefined : principalIds,
    after: asked.after,
    rowsMax: limits.pageRows + 1,
  })
  const page = found.slice(0, limits.pageRows)
  return { page, next: found.length > limits.pageRows ? page.at(-1)?.id : undefined }
}

function readFilter(filter: string | undefined) {
  let atScope = false
  let principalId: string | undefined
  let holder: string | undefined
  for (const term of (filter ?? '').split(/\s+and\s+/i).filter((part) => part.trim() !== '')) {
    const [, id] = /^(?:principalId\s+eq\s+'([^']*)')$/i.exec(term.trim()) ?? []
    const [, assignee] = /^assignedTo\(\s*'([^']*)'\s*\)$/i.exec(term.trim()) ?? []
    if (/^atScope\(\s*\)$/i.test(term.trim())) atScope = true
    else if (id !== undefined) principalId = id.toLowerCase()
    else if (assignee !== undefined) holder = assignee.toLowerCase()
    else {
      const message = `The $filter '${filter}' is not understood. Use atScope(), principalId eq '…' or assignedTo('…').`
      throw invalid(message, '$filter')
    }
  }
  return { atScope, principalId, holder }
}

/** The root of each tenant is another one. */
function isAt(found: Assignment, { tenantId }: RolePorts, scope: Scope): boolean {
  return found.tenantId === tenantId && keyOf(found.scope) === scope.key
}

async function roleNamed(ports: RolePorts, sent: string) {
  const [, id = sent] = /\/roleDefinitions\/([^/]+)$/i.exec(sent) ?? []
  const owned = await ownRoles(ports)
  const role = openRoles(owned)(id)
  if (role) return { role, own: owned.find((one) => one.id === role.id) }
  const message = `The specified role definition with ID '${id}' does not exist.`
  throw new ArmError('RoleDefinitionDoesNotExist', message, 'properties.roleDefinitionId')
}

export function mustBeAssignable(role: Role, scope: Pick<Scope, 'key' | 'text'>): void {
  if (assignableAt(role)(scope.key)) return
  const [first, second, ...more] = role.assignableScopes
  const some = [first, second, more.length > 0 ? `${more.length} more` : undefined]
  throw new ArmError(
    'RoleAssignmentScopeNotAssignableToRoleDefinition',
    `The role assignment's scope '${scope.text}' is not assignable to the role definition '${role.name}'. Its assignableScopes are ${some.filter((text) => text !== undefined).join(', ')}.`,
    'properties.roleDefinitionId',
  )
}

async function typeOf(
  { members, tenantId, isServedElsewhere }: RolePorts,
  principalId: string,
  said: Assignment['principalType'] | null | undefined,
) {
  const [known] = await members.types([principalId])
  if (known) return { principalType: known.type, isKnown: true }
  if (said && isServedElsewhere) return { principalType: said, isKnown: false }
  throw new ArmError(
    'PrincipalNotFound',
    `Principal ${principalId.replaceAll('-', '')} does not exist in the directory ${tenantId}. Check that you have the correct principal ID.${isServedElsewhere ? ' If its issuer names it, set principalType.' : ''}`,
    'properties.principalId',
  )
}

function parseBody(body: unknown) {
  const parsed = Body.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(
      `The role assignment is not right: ${issue?.message ?? 'it has another shape'}.`,
      issue?.path.join('.') ?? 'properties',
    )
  }
  const { condition, delegatedManagedIdentityResourceId, ...sent } = parsed.data.properties
  if (condition) {
    throw invalid('Conditions of role assignments are not available here.', 'properties.condition')
  }
  if (delegatedManagedIdentityResourceId) {
    const member = 'properties.delegatedManagedIdentityResourceId'
    throw invalid('Delegated managed identities are not available here.', member)
  }
  return sent
}
