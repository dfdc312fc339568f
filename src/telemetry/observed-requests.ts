import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { World } from '../base/world.ts'
import type { Meters } from './meters.ts'
import type { Tracing } from './tracing.ts'

type Parts = {
  readonly meters: Meters
  readonly tracing: Tracing | undefined
  /** Told of each request that is over; undefined when nobody reads it, which spares its making. */
  readonly log: World['log'] | undefined
}

/** Listeners whose requests are counted once they are over, and are spans where requests are traced. */
export function openObservedRequests({ meters, tracing, log }: Parts) {
  let inFlight = 0

  function observed(listener: RequestListener, routeOf: (path: string) => string): RequestListener {
    return (request, response) => {
      const startedMs = performance.now()
      const path = pathOf(request.url ?? '')
      const route = routeOf(path)
      const method = methods.has(request.method ?? '') ? (request.method ?? '') : 'other'
      const span = tracing?.request(request.headers, { method, route })
      const idOf = log && watchIds(request, response)
      inFlight += 1
      response.once('close', () => {
        inFlight -= 1
        const status = response.writableFinished ? String(response.statusCode) : 'aborted'
        const seconds = (performance.now() - startedMs) / 1000
        meters.request({ route, method, status }, seconds)
        span?.end(status)
        const told = { method, path, status, seconds: Number(seconds.toFixed(6)), ...idOf?.() }
        log?.({ level: 'debug', event: 'request', ...told })
      })
      if (span) span.run(() => listener(request, response))
      else listener(request, response)
    }
  }

  return { observed, inFlight: () => inFlight }
}

/** Node takes more of them than we answer. */
const methods = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])

/** Without the query: a SAS has its signature there. */
function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** The ids under which the answer told the client that its request is known. */
function watchIds(request: IncomingMessage, response: ServerResponse) {
  let headers = new Map<string, unknown>()
  const writeHead = response.writeHead
  response.writeHead = (...given: unknown[]) => {
    headers = headersOf(given.find((each) => typeof each === 'object'))
    return Reflect.apply(writeHead, response, given)
  }
  const idOf = (name: string) => response.getHeader(name) ?? headers.get(name)
  return () => ({
    requestId: idOf('x-ms-request-id'),
    correlationId: idOf('x-ms-correlation-request-id'),
    from: request.socket.remoteAddress,
  })
}

/** Sent as an object, or as a list of names and values in turn. */
function headersOf(sent: unknown): Map<string, unknown> {
  if (!Array.isArray(sent)) return new Map(Object.entries(sent ?? {}))
  const all = new Map<string, unknown>()
  for (let at = 0; at < sent.length; at += 2) all.set(String(sent[at]), sent[at + 1])
  return all
}
