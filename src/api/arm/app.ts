import { Hono } from 'hono'
import type { Caller } from '../../domain/access.ts'
import { ArmError, Unavailable } from '../../domain/errors.ts'
import { sameType } from '../../domain/resource-id.ts'
import type { Providers } from '../../providers/ports.ts'
import type { ResourceType } from '../../resources/declaration.ts'
import { type Address, parseAddress } from './address.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'
import { errorAnswer } from './envelope.ts'
import { answerExtension } from './extension.ts'
import { answerOperation } from './poll.ts'
import { readApiVersion, readJson, readQuery } from './request.ts'
import { answerResourceList } from './resource-list.ts'
import { answerAction, answerCollection, answerResource } from './resources.ts'
import {
  answerLocations,
  answerProviders,
  answerRegistration,
  answerSubscription,
  answerSubscriptions,
  answerTenants,
  answerUsages,
} from './subscriptions.ts'

export type ArmPorts = {
  readonly providers: Providers
  authenticate(authorization: string | undefined): Promise<Caller>
  /** The `WWW-Authenticate` header of a refusal. */
  challenge(origin: string, why: string): string
  sasUrl(origin: string, grant: string): string
  /** The address clients are to use when it is not the one they used (a proxy in between). */
  readonly publicUrl: string | undefined
}

/** The headers that ARM puts on every answer. */
const everyAnswer = {
  'cache-control': 'no-cache',
  pragma: 'no-cache',
  expires: '-1',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
}

/** Azure Resource Manager over HTTP: routes in, answers out; nothing is decided here. */
export function armApp(ports: ArmPorts): Hono {
  const app = new Hono()
  app.all('*', (context) => answer(ports, context.req.raw))
  return app
}

/** A request as it came in, and the name under which it is traced. */
type Arrival = {
  readonly raw: Request
  readonly url: URL
  readonly origin: string
  readonly requestId: string
  readonly correlationId: string
}

async function answer(ports: ArmPorts, raw: Request): Promise<Response> {
  const requestId = ports.providers.world.id()
  const correlationId = traceId(raw.headers.get('x-ms-correlation-request-id')) ?? requestId
  const url = new URL(raw.url)
  const origin = ports.publicUrl ?? url.origin
  const arrival = { raw, url, origin, requestId, correlationId }
  try {
    return rendered(await answerArm(ports, arrival), arrival)
  } catch (error) {
    return rendered(refusal(ports, arrival, error), arrival)
  }
}

function refusal(ports: ArmPorts, { origin, url, correlationId }: Arrival, error: unknown): Answer {
  const answer = errorAnswer(error, correlationId)
  if (answer.status === 500) {
    const stack = error instanceof Error ? error.stack : String(error)
    const facts = { correlationId, path: url.pathname, stack }
    ports.providers.world.log({ level: 'error', event: 'request-broken', ...facts })
  }
  if (error instanceof Unavailable) {
    const facts = { correlationId, path: url.pathname, message: error.message }
    ports.providers.world.log({ level: 'warn', event: 'request-unavailable', ...facts })
  }
  if (!(error instanceof ArmError) || error.code !== 'AuthenticationFailed') return answer
  const challenge = { 'www-authenticate': ports.challenge(origin, error.message) }
  return { ...answer, headers: { ...answer.headers, ...challenge } }
}

/**
 * With the headers that every answer has. Rendered in one go, from text and plain headers: what is changed on a Response
 * later costs more than all else of a GET.
 */
function rendered(
  { status, headers, ...sent }: Answer,
  { raw, requestId, correlationId }: Arrival,
): Response {
  const all: Record<string, string> = { ...everyAnswer, ...headers }
  const text = sent.body === undefined ? (sent.text ?? null) : JSON.stringify(sent.body)
  if (text !== null) all['content-type'] = 'application/json; charset=utf-8'
  else if (status === 200 || status === 202) all['content-length'] = '0'
  all['x-ms-request-id'] = requestId
  all['x-ms-correlation-request-id'] = correlationId
  const clientId = traceId(raw.headers.get('x-ms-client-request-id'))
  if (clientId && raw.headers.get('x-ms-return-client-request-id') === 'true') {
    all['x-ms-client-request-id'] = clientId
  }
  return new Response(text, { status, headers: all })
}

/** An id from outside goes into headers and logs only when it looks like one. */
function traceId(text: string | null): string | undefined {
  return text !== null && /^[\w-]{1,64}$/.test(text) ? text : undefined
}

/** ARM's order: authenticate, route and api-version, then what each verb checks. */
async function answerArm(
  ports: ArmPorts,
  { raw, url, origin, correlationId }: Arrival,
): Promise<Answer> {
  const caller = await ports.authenticate(raw.headers.get('authorization') ?? undefined)
  const address = parseAddress(decodePath(url.pathname))
  const query = readQuery(url)
  const apiVersion = readApiVersion(query)
  const request: ArmRequest = {
    providers: ports.providers,
    asked: { caller, correlationId, apiVersion },
    method: raw.method,
    url,
    origin,
    query,
    preconditions: {
      ifMatch: raw.headers.get('if-match') ?? undefined,
      ifNoneMatch: raw.headers.get('if-none-match') ?? undefined,
    },
    json: () => readJson(raw),
    sasUrl: ports.sasUrl,
  }
  return route(request, address)
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new ArmError(
      'BadRequest',
      'The path is not well encoded: a % must be followed by two hex digits.',
    )
  }
}

function route(request: ArmRequest, address: Address): Promise<Answer> | Answer {
  if (isReadOnly(address) && request.method !== 'GET') throw notAllowed(request.method)
  switch (address.is) {
    case 'tenants':
      return answerTenants(request)
    case 'subscriptions':
      return answerSubscriptions(request)
    case 'subscription':
      return answerSubscription(request, address.subscription)
    case 'locations':
      return answerLocations(request, address.subscription)
    case 'providers':
      return answerProviders(request, address.subscription, address.namespace)
    case 'registration':
      return answerRegistration(request, address.subscription, address.namespace)
    case 'usages':
      return answerUsages(request, address.subscription, address.location)
    case 'operation':
      return answerOperation(request, address.subscription, address.operation)
    case 'resources':
      return answerResourceList(request, address.scope)
    case 'collection':
      return answerCollection(request, typeFor(request, address.type), address.scope)
    case 'resource':
      return answerResource({ ...request, id: address.id, type: typeFor(request, address.id.type) })
    case 'action':
      return answerActionOrList(request, address)
    case 'extension': {
      const type = findType(request, address.id.type)
      return answerExtension({ ...request, id: address.id, type }, address.view, address.name)
    }
  }
}

function isReadOnly({ is }: Address): boolean {
  return !['resource', 'action', 'extension', 'registration'].includes(is)
}

/** `{id}/images` is a list of children, `{id}/share` an action: the types tell. */
function answerActionOrList(
  request: ArmRequest,
  { id, action }: Address & { is: 'action' },
): Promise<Answer> {
  const childType = `${id.type}/${action}`
  const isAction = request.method === 'POST' && !request.providers.findType(childType)
  if (!isAction) return answerCollection(request, typeFor(request, childType), id)
  return answerAction({ ...request, id, type: typeFor(request, id.type) }, action)
}

function findType({ providers, asked }: ArmRequest, type: string): ResourceType {
  const found = providers.findType(type)
  if (found) return found
  const [namespace = '', ...rest] = type.split('/')
  throw new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${asked.apiVersion}'. ` +
      `The supported types are '${supportedTypes(providers, namespace)}'.`,
  )
}

function supportedTypes({ types }: Providers, namespace: string): string {
  const inside = types.filter((type) => sameType(type.type.split('/')[0] ?? '', namespace))
  return inside.map((type) => type.type).join(',')
}

/** The type at the asked api-version. Throws InvalidResourceType with Azure's words. */
function typeFor(request: ArmRequest, name: string): ResourceType {
  const type = findType(request, name)
  const { apiVersion } = request.asked
  if (type.apiVersions.includes(apiVersion)) return type
  const [namespace, ...rest] = type.type.split('/')
  throw new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${apiVersion}'. ` +
      `The supported api-versions are '${type.apiVersions.join(',')}'.`,
  )
}
