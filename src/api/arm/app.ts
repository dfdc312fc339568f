import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import { withAuxiliary } from '../../access/auxiliary-tokens.ts'
import { challenge } from '../../access/challenge.ts'
import type { Refusals } from '../../access/denials.ts'
import type { RateLimits } from '../../access/rate-limits.ts'
import { mustBeOfTenant, tenantOfPath } from '../../access/wrong-tenant.ts'
import { secure, securityHeaders } from '../../base/security-headers.ts'
import type { DeploymentPorts } from '../../deployments/ports.ts'
import type { Caller } from '../../domain/access.ts'
import { ArmError, Unavailable } from '../../domain/errors.ts'
import type { Providers } from '../../providers/ports.ts'
import type { Telling } from '../../resources/declaration.ts'
import { parseAddress } from './address.ts'
import type { Answer, ArmRequest } from './answer.ts'
import { errorAnswer } from './envelope.ts'
import { openInProcess } from './in-process.ts'
import { chargeOf } from './rated.ts'
import { askingOf, readApiVersion, readJson, readQuery, readText } from './request.ts'
import { answerAddress } from './route.ts'
import { sendStream } from './send-stream.ts'
import { openShownTexts } from './shown-texts.ts'
import { type Refused, remembering, tellRefused } from './tell-refused.ts'

export type ArmPorts = {
  readonly providers: Providers
  rolesFor: ArmRequest['rolesFor']
  tenantsFor: ArmRequest['tenantsFor']
  readonly refusals: Refusals
  readonly rates: RateLimits
  authenticate(authorization: string | undefined): Promise<Caller>
  /** Where tokens of a tenant are got; of the home tenant, when none is named. */
  authority(origin: string, tenantId?: string): string
  sasUrl(origin: string, grant: string): string
  imageUrl: ArmRequest['imageUrl']
  spaceOf: ArmRequest['spaceOf']
  readonly prices: ArmRequest['prices']
  readonly planCopy: ArmRequest['planCopy']
  readonly accountKey: Telling['accountKey']
  readonly deployments: DeploymentPorts
  readonly webhooks: ArmRequest['webhooks']
  /** How clients reach us, where nothing else tells. */
  readonly baseUrl: string
  /** The address clients are to use when it is not the one they used (a proxy in between). */
  readonly publicUrl: string | undefined
}

/**
 * Azure Resource Manager over HTTP: routes in, answers out; nothing is decided here. Straight on Node's own request and
 * response: what Fetch's objects cost is more than all else of a GET. It never throws.
 */
export function openArm(ports: ArmPorts) {
  const texts = openShownTexts()
  const origin = ports.publicUrl ?? ports.baseUrl
  const authority = (tenantId: string) => ports.authority(origin, tenantId)
  const send = openInProcess({ ...ports, texts, origin, authority })

  async function rendered(raw: IncomingMessage): Promise<Rendered> {
    const requestId = ports.providers.world.id()
    const correlationId = traceId(raw.headers['x-ms-correlation-request-id']) ?? requestId
    const arrival = arrivalOf(raw, requestId, correlationId)
    try {
      return render(await answerArm(ports, arrival, { texts, send }), arrival)
    } catch (error) {
      return render(refusal(ports, arrival, error), arrival)
    }
  }

  async function listener(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, text, stream } = await rendered(request)
    response.writeHead(status, headers)
    if (stream) return await sendStream(response, stream)
    response.end(text)
    if (!request.complete) drain(request)
  }

  /** Behind other routes of a server of Node's: whatever path they leave is ARM's to answer. */
  const routes = new Hono<{ Bindings: { incoming: IncomingMessage } }>()
  routes.all('*', async ({ env }) => {
    const { status, headers, text = null } = await rendered(env.incoming)
    const init = headers.flatMap((name, at) =>
      at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [],
    )
    return new Response(text, { status, headers: Object.fromEntries(init) })
  })

  return { listener, routes, send }
}

/** What begins as resource ids do goes straight to ARM, which says its own security headers; all else to the other routes first. */
export function armFirst(
  arm: RequestListener | undefined,
  others: RequestListener,
): RequestListener {
  return (request, response) => {
    if (arm && /^\/(subscriptions|providers\/vitrine\.gallery\/events)\b/i.test(request.url ?? ''))
      return arm(request, response)
    secure(response)
    return others(request, response)
  }
}

/** A request as it came in, and the name under which it is traced. */
type Arrival = {
  readonly raw: IncomingMessage
  readonly requestId: string
  readonly correlationId: string
  /** Known once it is. */
  caller: Caller | undefined
  allowed: () => Refused['allowed']
  /** Headers that tell what is left to the caller. */
  rated: readonly string[]
}

function arrivalOf(raw: IncomingMessage, requestId: string, correlationId: string): Arrival {
  return {
    ...{ raw, requestId, correlationId, rated: [] },
    ...{ caller: undefined, allowed: () => undefined },
  }
}

function refusal(ports: ArmPorts, arrival: Arrival, error: unknown): Answer {
  const { raw, correlationId } = arrival
  const answer = errorAnswer(error, correlationId)
  const path = raw.url?.replace(/\?.*/s, '')
  if (answer.status === 500) {
    const stack = error instanceof Error ? error.stack : String(error)
    const facts = { correlationId, path, stack }
    ports.providers.world.log({ level: 'error', event: 'request-broken', ...facts })
  }
  if (error instanceof Unavailable) {
    const facts = { correlationId, path, message: error.message }
    ports.providers.world.log({ level: 'warn', event: 'request-unavailable', ...facts })
  }
  if (error instanceof ArmError) {
    tellRefused(ports.refusals, refusedBy(ports, arrival, answer), error)
  }
  if (!(error instanceof ArmError) || answer.status !== 401) return answer
  const header = { 'www-authenticate': challengeOf(ports, raw, error) }
  return { ...answer, headers: { ...answer.headers, ...header } }
}

/** Names the tenant of the subscription that is asked for, where there is one. */
function challengeOf(ports: ArmPorts, raw: IncomingMessage, error: ArmError): string {
  const { origin, path } = askingOf(raw)
  const right = tenantOfPath(ports.providers.tenancy, path)
  return challenge(ports.authority(ports.publicUrl ?? origin, right), error.message)
}

function refusedBy(
  { refusals }: ArmPorts,
  { raw, correlationId, caller, allowed }: Arrival,
  { body }: Answer,
): Refused {
  const path = caller ? (raw.url?.replace(/\?.*/s, '') ?? '/') : '/'
  return {
    ...{ caller, correlationId, address: refusals.addressOf(raw), body },
    ...{ asked: { action: raw.method ?? '', scope: path }, allowed: allowed() },
  }
}

/** The headers that ARM puts on every answer: names and values in turn. */
const everyAnswer = [
  ['cache-control', 'no-cache'],
  ['pragma', 'no-cache'],
  ['expires', '-1'],
  ...securityHeaders,
].flat()

/** `headers`: names and values in turn. */
type Rendered = {
  readonly status: number
  readonly headers: string[]
  readonly text: string | undefined
  readonly stream?: Answer['stream']
}

function render(
  { status, headers = {}, ...sent }: Answer,
  { raw, requestId, correlationId, rated }: Arrival,
): Rendered {
  const all = [...everyAnswer]
  for (const name in headers) all.push(name, headers[name] ?? '')
  const text = sent.body === undefined ? sent.text : JSON.stringify(sent.body)
  if (text !== undefined) {
    if (!headers['content-type']) all.push('content-type', 'application/json; charset=utf-8')
    all.push('content-length', String(Buffer.byteLength(text)))
  } else if (!sent.stream && (status === 200 || status === 202)) all.push('content-length', '0')
  all.push(...rated)
  all.push('x-ms-request-id', requestId, 'x-ms-correlation-request-id', correlationId)
  const clientId = traceId(raw.headers['x-ms-client-request-id'])
  if (clientId && raw.headers['x-ms-return-client-request-id'] === 'true') {
    all.push('x-ms-client-request-id', clientId)
  }
  return { status, headers: all, text, ...(sent.stream && { stream: sent.stream }) }
}

/** A client may end what it sends when its answer is there already; one that goes on and on is cut off. */
const drainMs = 500

/** Node itself reads on, and throws away, once the answer is sent. */
function drain(raw: IncomingMessage): void {
  const timer = setTimeout(() => raw.socket.destroySoon(), drainMs)
  timer.unref()
  raw.once('close', () => clearTimeout(timer))
}

/** An id from outside goes into headers and logs only when it looks like one. */
function traceId(text: string | string[] | undefined): string | undefined {
  return typeof text === 'string' && /^[\w-]{1,64}$/.test(text) ? text : undefined
}

/** ARM's order: authenticate, route and api-version, then what each verb checks. */
async function answerArm(
  ports: ArmPorts,
  arrival: Arrival,
  { texts, send }: Pick<ArmRequest, 'texts' | 'send'>,
): Promise<Answer> {
  const { raw, correlationId } = arrival
  const { headers, method = '' } = raw
  const asking = askingOf(raw)
  const caller = await callerOf(ports, arrival)
  const path = decodePath(asking.path)
  const address = parseAddress(path)
  const { principalId } = caller
  const subscription = subscriptionIn(ports, asking.path)
  arrival.rated = ports.rates.charge(chargeOf(address, method, { principalId, subscription }))
  const origin = ports.publicUrl ?? asking.origin
  const authority = (tenantId: string) => ports.authority(origin, tenantId)
  mustBeOfTenant({ tenancy: ports.providers.tenancy, authority }, caller, path)
  const query = readQuery(asking.search)
  const apiVersion = readApiVersion(query)
  const request: ArmRequest = {
    providers: ports.providers,
    asked: { caller, correlationId, apiVersion },
    ...asking,
    origin,
    method,
    query,
    preconditions: { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] },
    rolesFor: ports.rolesFor,
    tenantsFor: ports.tenantsFor,
    texts,
    header: (name) => [raw.headers[name]].flat()[0],
    authenticated: () => authenticated(ports, raw),
    json: () => readJson(raw),
    text: () => readText(raw),
    deployments: ports.deployments,
    webhooks: ports.webhooks,
    send,
    sasUrl: ports.sasUrl,
    imageUrl: ports.imageUrl,
    spaceOf: ports.spaceOf,
    prices: ports.prices,
    planCopy: ports.planCopy,
    accountKey: ports.accountKey,
    refusals: ports.refusals,
  }
  return answerAddress(request, address)
}

async function callerOf(ports: ArmPorts, arrival: Arrival): Promise<Caller> {
  const { headers } = arrival.raw
  const { caller, allowed } = remembering(
    await authenticated(ports, arrival.raw),
    arrival.raw.method ?? '',
  )
  arrival.caller = caller
  arrival.allowed = allowed
  const more = headers['x-ms-authorization-auxiliary']
  if (more === undefined) return caller
  return withAuxiliary({ ...ports, ...ports.providers }, caller, [more].flat().join(','))
}

function authenticated(ports: ArmPorts, raw: IncomingMessage): Promise<Caller> {
  const { authorization } = raw.headers
  const address = ports.refusals.addressOf(raw)
  return ports.rates.guarded(address, () => ports.authenticate(authorization))
}

/** One that there is: names that a client makes up share a bucket. */
function subscriptionIn({ providers }: ArmPorts, path: string): string | undefined {
  const id = /^\/+subscriptions\/+([^/]+)/i.exec(path)?.[1]?.toLowerCase()
  return id !== undefined && providers.subscriptions.some((one) => one.id === id) ? id : undefined
}

function decodePath(path: string): string {
  try {
    return path.includes('%') ? decodeURIComponent(path) : path
  } catch {
    throw new ArmError(
      'BadRequest',
      'The path is not well encoded: after each % come two hex digits, and together they are UTF-8.',
    )
  }
}
