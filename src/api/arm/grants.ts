import {
  type GrantScope,
  giveGrant,
  grantsAt,
  nameOfGrant,
  readGrant,
  takeGrant,
} from '../../access/grants.ts'
import { openRoles, type RolePorts } from '../../access/roles.ts'
import { auditorOf } from '../../domain/audit.ts'
import type { Assignment } from '../../domain/directory.ts'
import { limits } from '../../domain/limits.ts'
import { parseResourceId } from '../../domain/resource-id.ts'
import { findSubscription, mustExist } from '../../providers/front-door.ts'
import { formatTime } from '../../resources/coerce.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed, type Resourceful } from './answer.ts'

/** `{gallery or definition}/providers/Vitrine.Gallery/grants[/{name}]`: who of other tenants may read it. */
export function answerGrants(request: Resourceful, name: string | undefined): Promise<Answer> {
  const { id, providers } = request
  const at: GrantScope = { id, tenantId: findSubscription(providers, id.subscription).tenantId }
  return name === undefined ? list(request, at) : one(request, at, name)
}

async function list(request: Resourceful, at: GrantScope): Promise<Answer> {
  const { providers, asked, method } = request
  if (method !== 'GET') throw notAllowed(method)
  const found = await grantsAt(rolesOf(request), asked.caller, at)
  await mustExist(providers, providers.store.read, at.id)
  const bodyOf = await openBodies(request)
  return { status: 200, body: { value: found.map((grant) => bodyOf(grant, written(grant))) } }
}

async function one(request: Resourceful, at: GrantScope, name: string): Promise<Answer> {
  const { asked, method, providers } = request
  const roles = rolesOf(request)
  switch (method) {
    case 'GET': {
      const found = await readGrant(roles, asked.caller, at, name)
      return { status: 200, body: (await openBodies(request))(found, written(found)) }
    }
    case 'PUT': {
      const sent = { name, body: await request.json(), nowMs: providers.world.now().getTime() }
      const { grant, isNew } = await giveGrant(roles, asked.caller, at, sent)
      const body = (await openBodies(request))(grant, written(grant))
      return { status: isNew ? 201 : 200, body }
    }
    case 'DELETE': {
      const taken = await takeGrant(roles, asked.caller, at, name)
      return { status: taken ? 200 : 204 }
    }
    default:
      throw notAllowed(method)
  }
}

/** `/providers/Vitrine.Gallery/grants`: all that others let the caller read; not which person of theirs. */
export async function answerGrantedToMe(request: ArmRequest): Promise<Answer> {
  const { asked, query } = request
  const after = query.get('$skiptoken') ?? ''
  const rest = (asked.caller.granted ?? []).filter(({ id }) => id > after)
  const page = rest.slice(0, limits.pageRows)
  const bodyOf = await openBodies(request)
  const texts = page.map((grant) => {
    const { tenantId } = grant
    return JSON.stringify(bodyOf(grant, { tenantId }))
  })
  const next = rest.length > page.length ? page.at(-1)?.id : undefined
  return listAnswer(request, texts, next)
}

function rolesOf({ rolesFor, asked }: ArmRequest): RolePorts {
  return rolesFor(auditorOf(asked.caller, asked.correlationId))
}

/** Makes the body of a grant, with more properties than those that both sides see. */
async function openBodies(request: ArmRequest) {
  const { providers } = request
  const roleOf = openRoles(await rolesOf(request).roleDefinitions.all())
  const nowMs = providers.world.now().getTime()
  return (grant: Assignment, more: object) => {
    const { scope, roleId, expiresMs, description } = grant
    const name = nameOfGrant(grant)
    const isOver = expiresMs !== undefined && expiresMs <= nowMs
    const isOwners = ownerOf(providers, grant) === grant.tenantId
    return {
      id: `${scope}/providers/Vitrine.Gallery/grants/${name}`,
      name,
      type: 'Vitrine.Gallery/grants',
      properties: {
        scope,
        to: toOf(grant),
        role: roleOf(roleId)?.name ?? roleId,
        state: isOver || !isOwners ? 'Expired' : 'Active',
        ...(expiresMs !== undefined && { expiresOn: formatTime(new Date(expiresMs)) }),
        ...(description !== undefined && { description }),
        ...more,
      },
    }
  }
}

/** Whose the subscription is now; only grants of that tenant hold. */
function ownerOf({ subscriptions }: ArmRequest['providers'], { scope }: Assignment) {
  const id = parseResourceId(scope)?.subscription.toLowerCase()
  return subscriptions.find((known) => known.id.toLowerCase() === id)?.tenantId
}

function toOf({ principalType, principalId }: Assignment) {
  if (principalType === 'Tenant') return { tenantId: principalId }
  if (principalType === 'Subscription') return { subscriptionId: principalId }
  return { applicationId: principalId }
}

function written({ createdMs, createdBy, updatedMs, updatedBy }: Assignment) {
  return {
    ...{ createdOn: formatTime(new Date(createdMs)), createdBy },
    ...{ updatedOn: formatTime(new Date(updatedMs)), updatedBy },
  }
}
