import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Unavailable } from '../domain/errors.ts'

/** Of one document, from the request to its last byte. */
const timeoutMs = 5_000
/** The key sets of large providers have some ten keys with their certificates: 20 KiB. */
const answerBytesMax = 256 * 1024
const redirectsMax = 3
const redirects: readonly number[] = [301, 302, 303, 307, 308]

type Asking = {
  /** PEM of authorities that are trusted instead of the usual ones. */
  readonly ca: string | undefined
  readonly signal: AbortSignal
}

/**
 * The JSON at an address of an issuer: over TLS, except on this machine; not from another origin than was asked. Throws
 * Unavailable, whose message is for the log.
 */
export async function getJson(text: string, { ca, signal }: Asking): Promise<unknown> {
  const start = mayBeAsked(text)
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  let url = start
  for (let hops = 0; hops <= redirectsMax; hops++) {
    const message = await send(url, { ca, signal: bounded })
    const { statusCode: status = 0, headers } = message
    if (redirects.includes(status)) {
      message.destroy()
      url = nextHop(start, url, headers.location)
    } else if (status === 200) return parse(url, await readBounded(url, message))
    else {
      message.destroy()
      throw new Unavailable(`${url.href} answers with status ${status}`)
    }
  }
  throw new Unavailable(`${text} redirects more than ${redirectsMax} times`)
}

/** Whether what is read there is what its issuer said: over TLS, or on this machine. */
export function isTrustworthy(text: string): boolean {
  const url = URL.parse(text)
  if (url?.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

function isLoopback(hostName: string): boolean {
  return hostName === 'localhost' || hostName === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostName)
}

function mayBeAsked(text: string): URL {
  if (isTrustworthy(text)) return new URL(text)
  throw new Unavailable(`'${text}' is no https address`)
}

function nextHop(start: URL, from: URL, location: string | undefined): URL {
  const next = URL.parse(location ?? '', from)
  if (next?.origin === start.origin) return next
  throw new Unavailable(`${from.href} redirects to another host`)
}

async function send(url: URL, { ca, signal }: Asking): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  // A connection of its own, closed after it: nothing is left open between two looks in an hour.
  const options = { agent: false, headers: { ...headers, 'user-agent': 'vitrine' }, signal }
  const isTls = url.protocol === 'https:'
  const sent = isTls
    ? httpsRequest(url, { ...options, ...(ca !== undefined && { ca }) })
    : httpRequest(url, options)
  sent.on('error', (error) => reject(away(url, error)))
  sent.on('response', resolve)
  sent.end()
  return await promise
}

async function readBounded(url: URL, message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let lengthBytes = 0
  try {
    for await (const piece of message) {
      pieces.push(piece)
      lengthBytes += piece.length
      if (lengthBytes > answerBytesMax) throw new Error(`it is over ${answerBytesMax} bytes`)
    }
  } catch (error) {
    throw away(url, error)
  }
  return Buffer.concat(pieces).toString()
}

function parse(url: URL, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Unavailable(`${url.href} does not answer with JSON`, { cause: error })
  }
}

function away(url: URL, error: unknown): Unavailable {
  const why = error instanceof Error ? error.message : String(error)
  return new Unavailable(`${url.href} cannot be read: ${why}`, { cause: error })
}
