import { z } from 'zod'
import { parseScope } from '../../access/scope.ts'
import { mustBeAllowed } from '../../domain/access.ts'
import { auditorOf, tellAs } from '../../domain/audit.ts'
import { ArmError } from '../../domain/errors.ts'
import {
  type EventSubscriptionRow,
  eventEndpointSeal,
  eventSubscriptionSeal,
  tenantScope,
} from '../../domain/event-subscriptions.ts'
import type { EventRows } from '../../domain/events.ts'
import { limits } from '../../domain/limits.ts'
import { type LockedVerb, type LockRows, mustBeUnlocked } from '../../domain/locks.ts'
import { keyOf } from '../../domain/resource-id.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { refuse } from '../../providers/ports.ts'
import { parseBody } from '../../resources/parse.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'
import { knownTypes } from './event-types.ts'
import { admittedOrigin, endpointOf, mustAgree } from './webhook-endpoint.ts'

const kind = 'Vitrine.Gallery/eventSubscriptions'

const Body = z.strictObject({
  properties: z.strictObject({
    endpoint: z.string().max(2_048),
    types: z.array(z.string().min(1).max(128)).max(50).readonly().exactOptional(),
    subjectBeginsWith: z.string().max(2_048).exactOptional(),
    /** Kept when it is left out. */
    secret: z.string().min(16).max(256).exactOptional(),
  }),
})

/** Who is told of events by webhook: `{scope}/providers/Vitrine.Gallery/eventSubscriptions[/{name}[/deliver]]`. */
export async function answerEventSubscriptions(
  request: ArmRequest,
  { scope: path, name, action }: Extract<Address, { is: 'eventSubscriptions' }>,
): Promise<Answer> {
  const { method, asked, providers } = request
  const scope = parseScope(path, asked.caller.tenantId)
  if (!scope) throw new ArmError('NotFound', `'${path}' is no scope.`)
  const may = (verb: string) => mustBeAllowed(asked.caller, `${kind}/${verb}`, scope.text)
  const rows = providers.store.read.eventSubscriptions
  // What lies above all subscriptions is each tenant's own.
  const home = scope.subscription.toLowerCase() || tenantScope(asked.caller.tenantId)
  const own = scope.subscription === '' ? `${home}${scope.key}` : scope.key
  if (name === undefined) {
    if (method !== 'GET') throw notAllowed(method)
    may('read')
    const found = await rows.of(own)
    return listAnswer(
      request,
      found.map((row) => JSON.stringify(bodyOf(row))),
      undefined,
    )
  }
  const id = `${scope.key === '' ? '' : scope.text}/providers/${kind}/${name}`
  const key = `${scope.subscription === '' ? home : ''}${keyOf(id)}`
  const at = { id, key, scopeKey: own, name, home, scope: scope.text }
  if (action !== undefined) {
    if (method !== 'POST') throw notAllowed(method)
    may('deliver/action')
    return await deliverAgain(request, at)
  }
  switch (method) {
    case 'GET': {
      may('read')
      return { status: 200, body: bodyOf(await existing(request, at)) }
    }
    case 'PUT':
      may('write')
      return await write(request, at)
    case 'DELETE': {
      may('delete')
      const was = await providers.store.write(async (each) => {
        await mustBeFree(each, 'delete', at)
        const removed = await each.eventSubscriptions.remove(at.key)
        if (removed) await each.audit.add([told(request, at.id, 'delete', {})])
        return removed
      })
      return { status: was ? 200 : 204 }
    }
    default:
      throw notAllowed(method)
  }
}

type At = Pick<EventSubscriptionRow, 'id' | 'key' | 'scopeKey'> & {
  readonly name: string
  /** Of which they are counted: a key of a subscription, or of what is above them in a tenant. */
  readonly home: string
  readonly scope: string
}

async function write(request: ArmRequest, at: At): Promise<Answer> {
  const { providers, webhooks } = request
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(at.name)) {
    throw new ArmError(
      'InvalidResourceName',
      `The name '${at.name}' is invalid: write letters, digits, dashes, underscores and periods, at most 64.`,
    )
  }
  const sent = await readSent(request, at)
  const agreed = givenBefore(
    request,
    sent,
    await providers.store.read.eventSubscriptions.get(at.key),
  )
  if (agreed.endpoint !== agreed.known) await mustAgree(webhooks, agreed.endpoint)
  const nowMs = await providers.store.nowMs()
  const { next, isNew } = await providers.store.write(async (rows) => {
    // They are counted and made one after another.
    await rows.locks.turn(at.home)
    await mustBeFree(rows, 'write', at)
    const was = await rows.eventSubscriptions.get(at.key)
    if (!was && (await rows.eventSubscriptions.count(at.home)) >= limits.eventSubscriptionsMax) {
      throw new ArmError(
        'QuotaExceeded',
        `There are ${limits.eventSubscriptionsMax} event subscriptions already. Delete some that are not needed.`,
      )
    }
    const given = givenBefore(request, sent, was)
    if (given.endpoint !== given.known && given.endpoint !== agreed.endpoint) {
      throw writtenMeanwhile(at.name)
    }
    // What happens from now on.
    const cursor = was?.cursor ?? (await lastNow(rows))
    const next = { ...rowOf(request, at, { sent, was, given, nowMs }), cursor }
    await rows.eventSubscriptions.put(next)
    await rows.audit.add([told(request, at.id, 'write', { endpoint: next.doc.endpoint ?? null })])
    return { next, isNew: !was }
  })
  return { status: isNew ? 201 : 200, body: bodyOf(next) }
}

type Sent = z.infer<typeof Body>['properties']

/** What is wanted, by somebody who may have it told to himself. */
async function readSent({ asked, providers, json }: ArmRequest, at: At): Promise<Sent> {
  const parsed = parseBody(Body, await json())
  if ('problems' in parsed) refuse(parsed.problems)
  const { types, ...rest } = Body.parse(parsed.body).properties
  const sent = { ...rest, ...(types && { types: knownTypes(providers, types) }) }
  // Nobody brings a token when events are sent.
  const works = (await asked.caller.mayAlone?.(`${kind}/write`, at.scope)) ?? true
  if (!works) throw onlyByToken(at.name)
  return sent
}

/** What was written before, by one of the same tenant, and the endpoint that is meant beside it. */
function givenBefore(
  { asked, deployments }: ArmRequest,
  { endpoint }: Sent,
  was: EventSubscriptionRow | undefined,
) {
  const before = was?.principal.tenantId === asked.caller.tenantId ? was : undefined
  return { before, ...endpointOf(endpoint, before, deployments.sealing.open) }
}

type Writing = {
  readonly sent: Sent
  readonly was: EventSubscriptionRow | undefined
  readonly given: ReturnType<typeof givenBefore>
  readonly nowMs: number
}

function rowOf(
  { asked, deployments, webhooks }: ArmRequest,
  { id, key, scopeKey }: At,
  { sent, was, given, nowMs }: Writing,
): Omit<EventSubscriptionRow, 'cursor'> {
  const { seal } = deployments.sealing
  const { principalId, tenantId, clientId, name, kind: who } = asked.caller
  const { secret, ...doc } = sent
  const { before, known, endpoint } = given
  const sealed = secret && seal(eventSubscriptionSeal(key), secret)
  const origin = admittedOrigin(webhooks.hosts, endpoint)
  return {
    ...{ id: was?.id ?? id, key, scopeKey },
    doc: {
      ...jsonOf({ ...doc, endpoint: origin }),
      sealedEndpoint: seal(eventEndpointSeal(key), endpoint),
    },
    // It was made for who had it there.
    secret: sealed ?? (endpoint === known ? before?.secret : undefined),
    principal: {
      ...{ principalId, tenantId, name, kind: who },
      ...(clientId !== undefined && { clientId }),
    },
    ...{ state: 'Active', reason: undefined, attempts: 0 },
    deliveredMs: was?.deliveredMs,
    createdMs: was?.createdMs ?? nowMs,
    updatedMs: nowMs,
  }
}

function writtenMeanwhile(name: string): ArmError {
  return new ArmError(
    'Conflict',
    `The event subscription '${name}' was changed meanwhile. Send the whole endpoint again.`,
  )
}

function onlyByToken(name: string): ArmError {
  return new ArmError(
    'OperationNotAllowed',
    `The event subscription '${name}' would be told nothing: each delivery needs its maker's roles, and yours come from a group that only your token names. Have the role given to yourself.`,
  )
}

/** Pages of events without a number that one request numbers. */
const numberPagesMax = 20
const numberRows = 500

/** The last number once all that happened before has one. */
async function lastNow({ events }: { readonly events: EventRows }): Promise<number> {
  for (let page = 0; page < numberPagesMax; page++) {
    if ((await events.number(numberRows)) < numberRows) break
  }
  return await events.last()
}

async function deliverAgain(request: ArmRequest, at: At): Promise<Answer> {
  const { store } = request.providers
  const nowMs = await store.nowMs()
  await store.write(async (rows) => {
    await mustBeFree(rows, 'write', at)
    await rows.eventSubscriptions.revive(at.key, nowMs)
  })
  return { status: 200, body: bodyOf(await existing(request, at)) }
}

/** As Azure: a lock holds what hangs on its scope, too. What lies above all subscriptions is never locked. */
async function mustBeFree(
  { locks }: { readonly locks: LockRows },
  verb: LockedVerb,
  { id }: At,
): Promise<void> {
  if (keyOf(id).startsWith('/subscriptions/')) await mustBeUnlocked(locks, verb, id)
}

async function existing({ providers }: ArmRequest, { key, id }: At): Promise<EventSubscriptionRow> {
  const row = await providers.store.read.eventSubscriptions.get(key)
  if (row) return row
  throw new ArmError('ResourceNotFound', `The event subscription '${id}' was not found.`)
}

function told({ asked, providers }: ArmRequest, scope: string, verb: string, about: JsonObject) {
  const tell = tellAs(auditorOf(asked.caller, asked.correlationId), providers.world)
  return tell({ action: `${kind}/${verb}`, scope, about })
}

function jsonOf({
  endpoint,
  types,
  subjectBeginsWith,
}: {
  readonly endpoint: string
  readonly types?: readonly string[]
  readonly subjectBeginsWith?: string
}): JsonObject {
  return {
    endpoint,
    ...(types && { types }),
    ...(subjectBeginsWith !== undefined && { subjectBeginsWith }),
  }
}

/** Never the secret, nor more of the endpoint than its origin. */
function bodyOf({ id, doc, state, reason, secret, ...row }: EventSubscriptionRow) {
  const { sealedEndpoint: _, ...shown } = doc
  return {
    id,
    name: id.split('/').at(-1),
    type: kind,
    properties: {
      ...shown,
      hasSecret: secret !== undefined,
      state,
      ...(reason !== undefined && { reason }),
      cursor: row.cursor,
      attempts: row.attempts,
      lastDelivered: row.deliveredMs === undefined ? null : new Date(row.deliveredMs).toISOString(),
    },
  }
}
