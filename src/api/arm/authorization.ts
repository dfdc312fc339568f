import { z } from 'zod'
import {
  assignmentsAt,
  assignRole,
  readAssignment,
  unassignRole,
} from '../../access/role-assignments.ts'
import { removeRole, rolesAt, writeRole } from '../../access/role-definitions.ts'
import { isBuiltIn, isDataAction, type RolePorts } from '../../access/roles.ts'
import { parseScope, type Scope } from '../../access/scope.ts'
import { mustBeAllowed } from '../../domain/access.ts'
import { auditorOf } from '../../domain/audit.ts'
import type { Assignment, Role, RoleDefinition, Written } from '../../domain/directory.ts'
import { ArmError } from '../../domain/errors.ts'
import { subscriptionOf } from '../../domain/tenants.ts'
import { findSubscription } from '../../providers/front-door.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'
import { answerLocks, lockApiVersions } from './locks.ts'

/** What hangs at scopes, and at which api-versions. */
export const apiVersions = {
  locks: lockApiVersions,
  roleassignments: [
    '2015-07-01',
    '2017-10-01-preview',
    '2018-01-01-preview',
    '2018-07-01',
    '2018-09-01-preview',
    '2020-03-01-preview',
    '2020-04-01-preview',
    '2020-08-01-preview',
    '2020-10-01-preview',
    '2021-04-01-preview',
    '2022-04-01',
  ],
  roledefinitions: [
    '2015-07-01',
    '2018-01-01-preview',
    '2018-07-01',
    '2022-04-01',
    '2022-05-01-preview',
  ],
  permissions: [
    '2015-07-01',
    '2018-01-01-preview',
    '2018-07-01',
    '2022-04-01',
    '2022-05-01-preview',
  ],
  checkaccess: ['2018-09-01-preview', '2020-10-01', '2021-06-01-preview'],
} as const

type Kind = keyof typeof apiVersions

/** What hangs at any scope under `Microsoft.Authorization`: roles, and who has them. */
export async function answerAuthorization(
  request: ArmRequest,
  address: Address & { readonly is: 'authorization' },
): Promise<Answer> {
  const { kind, name } = address
  if (!isKind(kind)) throw unknownType(kind)
  const type = `Microsoft.Authorization/${kind}`
  mustHaveApiVersion({ type, apiVersions: apiVersions[kind] }, request.asked.apiVersion)
  if (kind === 'locks') return answerLocks(request, address)
  const { caller, correlationId } = request.asked
  const roles = request.rolesFor(auditorOf(caller, correlationId))
  const scope = parseScope(address.scope, roles.tenantId)
  if (!scope) {
    throw new ArmError('NotFound', `'${address.scope}' is no scope at which roles are given.`)
  }
  const at = { ...request, roles, scope, name: name ?? '' }
  if (kind === 'permissions' && name === undefined) return answerPermissions(at)
  if (kind === 'checkaccess' && name === undefined) return answerCheckAccess(at)
  if (kind === 'roleassignments') {
    return name === undefined ? listAssignments(at) : answerAssignment(at)
  }
  if (kind === 'roledefinitions') return name === undefined ? listRoles(at) : answerRole(at)
  throw unknownType(kind)
}

type AtScope = ArmRequest & {
  readonly roles: RolePorts
  readonly scope: Scope
  readonly name: string
}

/** Nobody else is told which subscriptions there are. Throws SubscriptionNotFound. */
function mustHaveSubscription({ providers, asked, scope }: AtScope, kind: string): void {
  const id = subscriptionOf(scope.key)
  if (id === undefined || !asked.caller.may(`Microsoft.Authorization/${kind}/write`, scope.text))
    return
  findSubscription(providers, id)
}

function isKind(kind: string): kind is Kind {
  return kind in apiVersions
}

async function answerAssignment(request: AtScope): Promise<Answer> {
  const { method, roles, scope, name, asked } = request
  const nowMs = request.providers.world.now().getTime()
  switch (method) {
    case 'GET': {
      const found = await readAssignment(roles, asked.caller, scope, name)
      return { status: 200, body: assignmentBody(found, scope) }
    }
    case 'PUT': {
      const body = await request.json()
      mustHaveSubscription(request, 'roleAssignments')
      const given = await assignRole(roles, asked.caller, scope, { id: name, body, nowMs })
      audit(request, 'role-assigned', { ...given })
      return { status: 201, body: assignmentBody(given, scope) }
    }
    case 'DELETE': {
      const taken = await unassignRole(roles, asked.caller, scope, name)
      if (!taken) return { status: 204 }
      audit(request, 'role-unassigned', { ...taken })
      return { status: 200, body: assignmentBody(taken, scope) }
    }
    default:
      throw notAllowed(method)
  }
}

async function listAssignments(request: AtScope): Promise<Answer> {
  const { method, roles, scope, asked, query } = request
  if (method !== 'GET') throw notAllowed(method)
  const { page, next } = await assignmentsAt(roles, asked.caller, scope, {
    filter: query.get('$filter'),
    after: query.get('$skiptoken'),
  })
  const texts = page.map((one) => JSON.stringify(assignmentBody(one, scope)))
  return listAnswer(request, texts, next)
}

async function answerRole(request: AtScope): Promise<Answer> {
  const { method, roles, scope, name, asked } = request
  const nowMs = request.providers.world.now().getTime()
  switch (method) {
    case 'GET': {
      const found = (await rolesAt(roles, asked.caller, scope)).find(
        (role) => role.id === name.toLowerCase(),
      )
      if (found) return { status: 200, body: roleBody(found, scope) }
      const message = `The specified role definition with ID '${name}' does not exist.`
      throw new ArmError('RoleDefinitionDoesNotExist', message)
    }
    case 'PUT': {
      const body = await request.json()
      mustHaveSubscription(request, 'roleDefinitions')
      const written = await writeRole(roles, asked.caller, scope, { id: name, body, nowMs })
      audit(request, 'role-definition-written', { id: written.id, name: written.name })
      return { status: 201, body: roleBody(written, scope) }
    }
    case 'DELETE': {
      const removed = await removeRole(roles, asked.caller, scope, name)
      if (!removed) return { status: 204 }
      audit(request, 'role-definition-removed', { id: removed.id, name: removed.name })
      return { status: 200, body: roleBody(removed, scope) }
    }
    default:
      throw notAllowed(method)
  }
}

async function listRoles(request: AtScope): Promise<Answer> {
  const { method, roles, scope, asked, query } = request
  if (method !== 'GET') throw notAllowed(method)
  const wanted = roleFilter(query.get('$filter'))
  const found = await rolesAt(roles, asked.caller, scope)
  const texts = found.filter(wanted).map((role) => JSON.stringify(roleBody(role, scope)))
  return listAnswer(request, texts, undefined)
}

function roleFilter(filter: string | undefined): (role: Role) => boolean {
  const text = filter?.trim() ?? ''
  if (text === '' || /^(atScopeAndBelow|atScope)\(\s*\)$/i.test(text)) return () => true
  const [, member = '', value = ''] = /^(roleName|type)\s+eq\s+'((?:[^']|'')*)'$/i.exec(text) ?? []
  const said = value.replaceAll("''", "'").toLowerCase()
  if (member.toLowerCase() === 'rolename') return ({ name }) => name.toLowerCase() === said
  if (member.toLowerCase() === 'type')
    return (role) => (isBuiltIn(role) ? 'builtinrole' : 'customrole') === said
  const message = `The $filter '${filter}' is not understood. Use roleName eq '…', type eq 'BuiltInRole' or atScopeAndBelow().`
  throw new ArmError('InvalidParameter', message, '$filter')
}

/** What the caller itself may do here. */
function answerPermissions({ method, asked, scope }: AtScope): Answer {
  if (method !== 'GET') throw notAllowed(method)
  const value = asked.caller.heldAt(scope.text)
  if (value.length === 0) {
    mustBeAllowed(asked.caller, 'Microsoft.Authorization/permissions/read', scope.text)
  }
  return { status: 200, body: { value } }
}

const CheckAccess = z.object({
  Subject: z
    .object({ Attributes: z.object({ ObjectId: z.string().max(512).nullish() }).nullish() })
    .nullish(),
  Actions: z
    .array(z.object({ Id: z.string().max(512), IsDataAction: z.boolean().nullish() }))
    .min(1)
    .max(100),
})

/** Whether the caller may do each of these here. */
async function answerCheckAccess({ method, asked, scope, ...request }: AtScope): Promise<Answer> {
  if (method !== 'POST') throw notAllowed(method)
  const parsed = CheckAccess.safeParse(await request.json())
  if (!parsed.success) {
    const message =
      'Name the actions to check: { "Actions": [{ "Id": "…", "IsDataAction": false }] }.'
    throw new ArmError('InvalidParameter', message, 'Actions')
  }
  const { Subject, Actions } = parsed.data
  const { principalId, may } = asked.caller
  if ((Subject?.Attributes?.ObjectId ?? principalId).toLowerCase() !== principalId.toLowerCase()) {
    const message = `Who asks is told of itself: leave ObjectId out, or name '${principalId}'.`
    throw new ArmError('InvalidParameter', message, 'Subject.Attributes.ObjectId')
  }
  const body = Actions.map(({ Id, IsDataAction }) => {
    const isSaid = IsDataAction ?? isDataAction(Id)
    const isAllowed = isSaid === isDataAction(Id) && may(Id, scope.text)
    const accessDecision = isAllowed ? 'Allowed' : 'NotAllowed'
    return { actionId: Id, isDataAction: isSaid, accessDecision }
  })
  return { status: 200, body }
}

/** Role ids begin with the subscription in which they are looked at, as in Azure: az compares them as texts. */
function roleIdAt(id: string, { subscription }: Scope): string {
  return `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`
}

function assignmentBody(one: Assignment, at: Scope) {
  const above = one.scope === '/' ? '' : one.scope
  return {
    id: `${above}/providers/Microsoft.Authorization/roleAssignments/${one.id}`,
    name: one.id,
    type: 'Microsoft.Authorization/roleAssignments',
    properties: {
      roleDefinitionId: roleIdAt(one.roleId, at),
      principalId: one.principalId,
      principalType: one.principalType,
      scope: one.scope,
      description: one.description ?? null,
      condition: null,
      conditionVersion: null,
      ...writtenBody(one),
      delegatedManagedIdentityResourceId: null,
    },
  }
}

function roleBody(role: Role | RoleDefinition, at: Scope) {
  const unwritten = { createdOn: null, updatedOn: null, createdBy: null, updatedBy: null }
  return {
    id: roleIdAt(role.id, at),
    name: role.id,
    type: 'Microsoft.Authorization/roleDefinitions',
    properties: {
      roleName: role.name,
      type: isBuiltIn(role) ? 'BuiltInRole' : 'CustomRole',
      description: role.description,
      assignableScopes: role.assignableScopes,
      permissions: role.permissions,
      ...('createdMs' in role ? writtenBody(role) : unwritten),
    },
  }
}

function writtenBody({ createdMs, createdBy, updatedMs, updatedBy }: Written) {
  return {
    createdOn: new Date(createdMs).toISOString(),
    updatedOn: new Date(updatedMs).toISOString(),
    createdBy: createdBy || null,
    updatedBy: updatedBy || null,
  }
}

/** Who gave or took what: in the log, for whoever asks later. */
function audit(
  { asked, providers }: AtScope,
  event: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const { correlationId, caller } = asked
  const by = { by: caller.principalId, correlationId }
  providers.world.log({ level: 'info', event, ...facts, ...by })
}

function unknownType(kind: string): ArmError {
  return new ArmError(
    'InvalidResourceType',
    `The resource type '${kind}' could not be found in the namespace 'Microsoft.Authorization'. The supported types are '${Object.keys(apiVersions).join(',')}'.`,
  )
}
