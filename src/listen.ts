import { once } from 'node:events'
import type { Server, ServerOptions } from 'node:http'
import { StartError } from './base/start-error.ts'

/** How long open requests may take to end when a server stops. */
const drainMs = 10_000

/**
 * How long a client may take, in ms: over its headers, over a whole request. A slow one is told 408 and cut off, at the latest
 * `lookEveryMs` after that. A connection that rests is kept longer than clients and balancers (60 s, mostly) keep it: they close
 * it, not we under their next request.
 */
export function patience(
  { headersMs, requestMs }: { readonly headersMs: number; readonly requestMs: number },
  lookEveryMs = 5_000,
): ServerOptions {
  return {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: lookEveryMs,
    keepAliveTimeout: 75_000,
    maxHeaderSize: headerBytesMax,
  }
}

/** Of all headers and the target of a request: three tokens of other tenants fit. More is 431. */
const headerBytesMax = 16_384

type Place = {
  readonly host: string
  readonly port: number
  /** The setting that names the port. */
  readonly setting: string
}

/** Throws StartError when the address cannot be had. */
export async function listen(server: Server, { host, port, setting }: Place): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why = listenFaults[code]
    if (why === undefined) throw error
    const message = `Cannot listen on port ${port} of ${host}: ${why}`
    throw new StartError(message.replace('--port', setting), { cause: error })
  }
}

const listenFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is taken. Stop the program that uses it, or choose another port with --port.',
  EACCES: 'you may not. Choose a port of 1024 or more with --port.',
  EADDRNOTAVAIL: 'this machine has no such address. Choose another one with --host.',
  ENOTFOUND: 'the host name is not known. Choose an address of this machine with --host.',
  EAI_AGAIN: 'the host name is not known. Choose an address of this machine with --host.',
  EINVAL: 'that is no address to listen on. Choose another one with --host.',
}

/** `https://host:port` of a server that listens. */
export function urlOf(server: Server, host: string, scheme: 'http' | 'https'): string {
  const reached = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${portOf(server)}`
}

export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** Takes no new connection, and gives open requests their time. Again it does nothing. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  // Who keeps a connection alive would go on asking on it.
  server.prependListener('request', (_request, response) => {
    response.setHeader('connection', 'close')
  })
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), drainMs)
  await once(server, 'close')
  clearTimeout(cut)
}
