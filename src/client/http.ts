import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { release } from '../base/release.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal: AbortSignal
}

export type HttpAnswer = {
  readonly status: number
  /** Lower-case names; a header that came several times is joined with commas. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/** One connection pool. Answers are read whole: at most `answerBytesMax`. */
export type Http = {
  /**
   * Any answer, whatever its status. Throws ClientError `Unreachable` when none came, `AnswerCut` when it broke off, the
   * signal's reason when that fired.
   */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** True once anything has answered: a server that is away then may only be restarting. */
  wasReached(): boolean
  /** Closes idle connections. */
  close(): void
}

/** `ca` is the PEM text of the authority that signed the server's certificate; the system's are used when left out. */
export function openHttp(ca?: string): Http {
  const pool = { keepAlive: true, maxSockets: clientLimits.socketsMax }
  const http = new HttpAgent(pool)
  const https = new HttpsAgent(ca === undefined ? pool : { ...pool, ca })
  let reached = false

  function send(request: HttpRequest): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
    const fail = (error: Error) =>
      reject(request.signal.aborted ? request.signal.reason : unreachable(request.url, error))
    const secure = request.url.startsWith('https:')
    const headers = { ...request.headers, ...lengthOf(request) }
    const options = { method: request.method, headers, signal: request.signal }
    const sent = secure
      ? httpsRequest(request.url, { ...options, agent: https })
      : httpRequest(request.url, { ...options, agent: http })
    sent.setTimeout(clientLimits.silenceMs, () => sent.destroy(new Error('no answer in time')))
    sent.on('error', fail)
    sent.on('response', (message) => {
      reached = true
      const cut = (error: Error) =>
        reject(request.signal.aborted ? request.signal.reason : answerCut(request.url, error))
      readAnswer(message).then(resolve, cut)
    })
    sent.end(request.body)
    return promise
  }

  function close(): void {
    http.destroy()
    https.destroy()
  }

  return { send, wasReached: () => reached, close }
}

function lengthOf(request: HttpRequest): Record<string, string> {
  if (request.body === undefined)
    return request.method === 'PUT' || request.method === 'POST' ? { 'content-length': '0' } : {}
  return { 'content-length': String(Buffer.byteLength(request.body)) }
}

async function readAnswer(message: IncomingMessage): Promise<HttpAnswer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of message) {
    parts.push(part)
    bytes += part.length
    if (bytes > clientLimits.answerBytesMax) {
      message.destroy()
      throw new Error(`the answer is over ${clientLimits.answerBytesMax} bytes`)
    }
  }
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
  )
  const body = Buffer.concat(parts)
  // Megabytes outside of the heap: left alone, they would have the collector run all the time.
  for (const part of parts) release(part)
  return { status: message.statusCode ?? 0, headers, body }
}

function unreachable(url: string, cause: Error): ClientError {
  const { origin } = new URL(url)
  const code = 'code' in cause ? String(cause.code) : ''
  const reason = reasons[code] ?? (cause.message || code)
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
  return new ClientError(
    {
      code: 'Unreachable',
      message: `${origin} cannot be reached: ${reason}.`,
      nextStep: untrusted
        ? 'Log in with the authority of the installation: `vitrine login --data DIR`, or `--ca FILE`.'
        : undefined,
    },
    { cause },
  )
}

function answerCut(url: string, cause: Error): ClientError {
  const message = `The answer of ${new URL(url).origin} broke off: ${cause.message}.`
  return new ClientError({ code: 'AnswerCut', message }, { cause })
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by an authority that is not trusted here',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
}
