import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** Where a Node callback believes to be: the mount it stands under, and the path below it. */
type Seat = {
  readonly baseUrl: string
  readonly mount: string
  readonly path: string
  /** Where the request comes from, if that is known. */
  readonly address?: string | undefined
}

/**
 * Hands a web `Request` to a Node callback and gives back its answer as a `Response`. Works the same below a real server
 * and in process, since no socket is involved: the one made here is never connected. The body is read whole, so bound it
 * first. Addresses come from `seat.baseUrl`, not from what the client put into `Host`.
 */
export async function answerThroughNode(
  request: Request,
  seat: Seat,
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Response> {
  const { incoming, outgoing } = nodeMessages(
    request,
    seat,
    Buffer.from(await request.arrayBuffer()),
  )
  const { promise, resolve } = Promise.withResolvers<string | Uint8Array | undefined>()
  // Koa ends an answer with the whole body in one call; nothing is ever written to the wire.
  outgoing.end = (chunk?: unknown) => {
    resolve(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : undefined)
    outgoing.emit('finish')
    return outgoing
  }
  await handle(incoming, outgoing)
  return responseOf(outgoing, await promise)
}

/** What Node would hand to a callback for this request, and take its answer from. */
export function nodeMessages(request: Request, seat: Seat, body: Uint8Array) {
  const base = new URL(seat.baseUrl)
  const socket = Object.assign(new Socket(), { encrypted: base.protocol === 'https:' })
  Object.defineProperty(socket, 'remoteAddress', { value: seat.address })
  const incoming = Object.assign(new IncomingMessage(socket), {
    method: request.method,
    url: seat.path,
    originalUrl: seat.mount + seat.path,
    headers: headersOf(request, base.host, body.length),
  })
  if (body.length > 0) incoming.push(body)
  incoming.push(null)
  return { incoming, outgoing: new ServerResponse(incoming) }
}

function headersOf(request: Request, host: string, bodyBytes: number) {
  const headers = Object.fromEntries(request.headers)
  delete headers['transfer-encoding']
  return { ...headers, host, ...(bodyBytes > 0 && { 'content-length': String(bodyBytes) }) }
}

function responseOf(outgoing: ServerResponse, body: string | Uint8Array | undefined): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(outgoing.getHeaders())) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, String(one))
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return new Response(bytes ? new Uint8Array(bytes) : null, {
    status: outgoing.statusCode,
    headers,
  })
}
