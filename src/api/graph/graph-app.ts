import type { IncomingMessage } from 'node:http'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { type Caller, mustBeAllowed } from '../../domain/access.ts'
import { auditorOf } from '../../domain/audit.ts'
import { ArmError, Denied, Throttled, Unavailable } from '../../domain/errors.ts'
import { parseJson } from '../../domain/json-text.ts'
import type { GraphAnswer, GraphPorts } from './asked.ts'
import { graphError } from './graph-error.ts'
import { actionOf, routeOf } from './routes.ts'
import { sightOf } from './sight.ts'

const mount = '/graph/v1.0'
/** A thousand ids are 40 KiB. */
const bodyBytesMax = 128 * 1024
/** Seconds a client should wait when a part of ours is away. */
const awaySeconds = 2

/** The part of Microsoft Graph that names principals, under `/graph/v1.0`: https://learn.microsoft.com/graph/api/overview */
export function graphApp(ports: GraphPorts): Hono {
  const app = new Hono()
  const limited = bodyLimit({
    maxSize: bodyBytesMax,
    onError: () => {
      const message = `The body is over ${bodyBytesMax} bytes.`
      return refused(ports, ports.world.id(), new ArmError('RequestEntityTooLarge', message))
    },
  })
  app.all(`${mount}/*`, limited, async (context) => {
    const arrival: Arrival = { context, requestId: ports.world.id(), caller: undefined }
    try {
      const { status, body } = await answer(ports, arrival)
      return rendered(status, body)
    } catch (error) {
      tellDenied(ports, arrival, error)
      return refused(ports, arrival.requestId, error)
    }
  })
  return app
}

/** Graph's order: authenticate, find the route, ask whether the caller may, then what each checks. */
async function answer(given: GraphPorts, arrival: Arrival): Promise<GraphAnswer> {
  const { req } = arrival.context
  const caller = await authenticated(given, arrival.context)
  arrival.caller = caller
  const kind = req.method === 'GET' ? 'reads' : req.method === 'DELETE' ? 'deletes' : 'writes'
  const { principalId } = caller
  given.rates.charge({ principalId, subscription: undefined, kind, operation: undefined })
  const { tenantId } = caller
  const principals = given.principalsFor(auditorOf(caller, arrival.requestId))
  const ports = { ...given, ...principals, tenantId }
  const url = new URL(req.url)
  // No name has this character, and not every database takes it.
  if (url.href.includes('%00')) throw new ArmError('BadRequest', 'The URL holds a NUL character.')
  const found = routeOf(req.method, partsOf(url))
  if (!found) {
    const message = `Resource not found for the segment '${url.pathname.slice(mount.length + 1)}', or it does not take ${req.method}.`
    throw new ArmError('NotFound', message)
  }
  const sight = await sightOf(ports, caller)
  // Before its body is read and anything is looked up: a refusal tells nothing of existence.
  const action = actionOf(found.route)
  if (action !== undefined) mustBeAllowed(caller, action, '/')
  const search = url.searchParams
  return found.route.run({ ports, caller, sight, search, ids: found.ids, json: () => jsonOf(req) })
}

function authenticated(ports: GraphPorts, { req, env }: Context): Promise<Caller> {
  const authorization = req.header('authorization')
  const incoming: IncomingMessage | undefined = env?.incoming
  const address = incoming ? ports.refusals.addressOf(incoming) : ''
  return ports.rates.guarded(address, () => ports.authenticate(authorization))
}

async function jsonOf(request: Context['req']): Promise<unknown> {
  const text = await request.text()
  try {
    return text === '' ? {} : parseJson(text)
  } catch (error) {
    const why = error instanceof Error ? ` (${error.message})` : ''
    const message = `Unable to read JSON request payload. Please ensure Content-Type and JSON are right${why}.`
    throw new ArmError('InvalidRequestContent', message)
  }
}

/** Decoded one by one: an encoded slash is part of an id. */
function partsOf({ pathname }: URL): readonly string[] {
  try {
    return pathname
      .slice(mount.length + 1)
      .split('/')
      .map((part) => decodeURIComponent(part))
  } catch {
    throw new ArmError('BadRequest', 'The path is not well encoded.')
  }
}

type Arrival = {
  readonly context: Context
  readonly requestId: string
  /** Known once it is. */
  caller: Caller | undefined
}

function tellDenied(ports: GraphPorts, { context, requestId, caller }: Arrival, error: unknown) {
  if (!(error instanceof ArmError) || (error.status !== 401 && error.status !== 403)) return
  const { req, env } = context
  const incoming: IncomingMessage | undefined = env?.incoming
  const wanted = error instanceof Denied ? error : { action: `Graph ${req.method}`, scope: '/' }
  ports.refusals.denied({
    ...(caller ?? { principalId: '', name: '' }),
    ...{ action: wanted.action, scope: wanted.scope, code: error.code },
    ...{ correlationId: requestId, address: incoming && ports.refusals.addressOf(incoming) },
  })
}

function refused(ports: GraphPorts, requestId: string, error: unknown): Response {
  const { status, body } = graphError(error, requestId, ports.world.now())
  if (status === 500) {
    const stack = error instanceof Error ? error.stack : String(error)
    ports.log({ level: 'error', event: 'graph-broken', requestId, stack })
  }
  if (error instanceof Unavailable) {
    ports.log({ level: 'warn', event: 'graph-unavailable', requestId, message: error.message })
  }
  const why = error instanceof Error ? error.message : ''
  return rendered(status, body, {
    ...(status === 401 && { 'www-authenticate': ports.challenge(why) }),
    // What was not read of the body is not read as the next request.
    ...(status === 413 && { connection: 'close' }),
    ...(status === 503 && { 'retry-after': String(awaySeconds) }),
    ...(error instanceof Throttled && { 'retry-after': String(error.retryAfterS) }),
  })
}

function rendered(
  status: number,
  body: object | undefined,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const every = {
    'cache-control': 'no-store',
    'odata-version': '4.0',
    ...headers,
  }
  if (body === undefined) return new Response(null, { status, headers: every })
  const typed = { ...every, 'content-type': 'application/json; charset=utf-8' }
  return new Response(JSON.stringify(body), { status, headers: typed })
}
