import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { secure } from '../../base/security-headers.ts'
import type { World } from '../../base/world.ts'

/** Why a process should get no requests now; none when it should. Words without names: everybody may read them. */
export type Readiness = { readonly reasons: readonly string[] }

export type FeedPorts = {
  ready(): Promise<Readiness>
  /** Prometheus' text format. */
  metrics(): Promise<string>
  readonly metricsContentType: string
  /** Who has it may read the metrics; undefined: who asks from this machine. */
  readonly metricsToken: string | undefined
  readonly world: Pick<World, 'log'>
}

type Sent = {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * What machines ask of a process: `/healthz`, `/readyz`, `/metrics`. Answers whether the request was one of these, and
 * then answers it, whatever state the rest of the process is in.
 */
export function openFeed(ports: FeedPorts) {
  const pages: Readonly<Record<string, (request: IncomingMessage) => Promise<Sent>>> = {
    '/healthz': async () => json(200, { status: 'alive' }),
    '/readyz': async () => {
      const { reasons } = await ports.ready()
      if (reasons.length === 0) return json(200, { status: 'ready', reasons })
      return json(503, { status: 'not ready', reasons }, { 'retry-after': '1' })
    },
    '/metrics': async (request) => refusal(request, ports.metricsToken) ?? (await scrape(ports)),
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const page = pages[request.url ?? '']
    if (!page) return false
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(request, response, json(405, { status: 'GET alone' }, { allow: 'GET, HEAD' }))
      return true
    }
    page(request)
      .catch((error: unknown) => {
        const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
        ports.world.log({ level: 'error', event: 'feed-broken', path: request.url, error: told })
        return json(500, { status: 'broken: see the log' })
      })
      .then((sent) => send(request, response, sent))
    return true
  }
}

async function scrape({ metrics, metricsContentType }: FeedPorts): Promise<Sent> {
  return { status: 200, body: await metrics(), headers: { 'content-type': metricsContentType } }
}

/** Undefined for who may read them. */
function refusal(request: IncomingMessage, token: string | undefined): Sent | undefined {
  if (token !== undefined) {
    const [scheme = '', given = ''] = (request.headers.authorization ?? '').split(' ')
    if (scheme.toLowerCase() === 'bearer' && isSame(given, token)) return undefined
    const status = 'The metrics need the bearer token of the setting metricsTokenFile.'
    return json(401, { status }, { 'www-authenticate': 'Bearer' })
  }
  if (isFromHere(request)) return undefined
  const status = 'The metrics are read from this machine alone, unless metricsTokenFile is set.'
  return json(403, { status })
}

function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

/** A proxy on this machine speaks for others: it says so in one of these. */
const forwarding = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const isLoopback = /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '')
  return isLoopback && forwarding.every((name) => headers[name] === undefined)
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Sent {
  const text = `${JSON.stringify(body)}\n`
  return { status, body: text, headers: { 'content-type': 'application/json', ...headers } }
}

function send(request: IncomingMessage, response: ServerResponse, sent: Sent): void {
  const { status, body, headers } = sent
  const lengthBytes = Buffer.byteLength(body)
  secure(response)
  response.writeHead(status, {
    'cache-control': 'no-store',
    'content-length': lengthBytes,
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
