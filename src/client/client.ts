import type { World } from '../base/world.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import type { ArmAnswer } from './arm-answer.ts'
import { ClientError, errorOf } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import { type Http, type HttpAnswer, type HttpRequest, openHttp } from './http.ts'
import { type PollStatus, waitFor } from './operation.ts'
import { sendPatiently } from './patience.ts'
import { type Credentials, openTokens, parseJson } from './tokens.ts'

type Method = HttpRequest['method']

type CallOptions = {
  readonly apiVersion: string
  /** A text is sent as it is. */
  readonly body?: JsonObject | string
  readonly query?: Readonly<Record<string, string>>
  /** The call is refused with `PreconditionFailed` when the resource has another ETag by now. */
  readonly ifMatch?: string | undefined
  /** The call is refused with `PreconditionFailed` when the resource exists. */
  readonly onlyNew?: boolean
  readonly signal: AbortSignal
}

/**
 * The ARM API of one installation as one application sees it. Every method throws ClientError: with the code of the
 * server's error envelope, or `Unreachable`, `AnswerCut`, `AuthenticationFailed`, `BadAnswer`; or the signal's reason.
 */
export type Client = {
  readonly base: string
  readonly http: Http
  /** One request. `path` is an ARM path that starts with a slash, names percent-encoded, without api-version. */
  call(method: Method, path: string, options: CallOptions): Promise<ArmAnswer>
  /** The document under `path`; undefined when it does not exist (404). */
  find(path: string, options: CallOptions): Promise<JsonObject | undefined>
  /** Every row of a list, over all pages. */
  list(path: string, options: CallOptions): AsyncGenerator<JsonObject>
  /**
   * Follows a long-running operation to its end and returns its result: the resource of a PUT or PATCH, the output of a
   * POST, nothing of a DELETE. Throws the operation's own error.
   */
  wait(answer: ArmAnswer, options: WaitOptions): Promise<Json | undefined>
  /** The same for an operation of which only the URL is known; its output, if it has one. */
  waitForUrl(url: string, options: WaitOptions): Promise<Json | undefined>
  close(): void
}

type WaitOptions = {
  readonly signal: AbortSignal
  /** Called at each poll. */
  readonly onPoll?: (status: PollStatus) => void
}

/** `base` is the server's URL without a slash at the end, `ca` the PEM text of its authority. Call `close` at the end. */
export function openClient(parts: {
  readonly base: string
  readonly credentials: Credentials
  readonly world: Pick<World, 'now' | 'sleep' | 'id'>
  readonly ca?: string | undefined
}): Client {
  const { world } = parts
  const base = parts.base.replace(/\/+$/, '')
  const http = openHttp(parts.ca)
  const tokens = openTokens({ http, base, credentials: parts.credentials, world })

  /** The token is for this installation alone: whatever host a URL names, it goes to `base`. */
  async function sendTo(url: URL, method: Method, options: SendOptions): Promise<HttpAnswer> {
    const target = `${base}${url.pathname}${url.search}`
    for (let attempt = 1; ; attempt++) {
      const headers = {
        accept: 'application/json',
        authorization: `Bearer ${await tokens.get(options.signal)}`,
        'x-ms-client-request-id': world.id(),
        ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
        ...(options.onlyNew === true ? { 'if-none-match': '*' } : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const body = bodyOf(options)
      const answer = await sendPatiently(
        http,
        { method, url: target, headers, ...body, signal: options.signal },
        world,
      )
      // A server that lost its signing key no longer takes a token that looked valid: ask for another, once.
      if (answer.status !== 401 || attempt === 2) return answer
      tokens.forget()
    }
  }

  async function call(method: Method, path: string, options: CallOptions): Promise<ArmAnswer> {
    const url = new URL(base + path)
    for (const [name, value] of Object.entries(options.query ?? {}))
      url.searchParams.set(name, value)
    url.searchParams.set('api-version', options.apiVersion)
    return await follow(url, method, options)
  }

  async function follow(url: URL, method: Method, options: SendOptions): Promise<ArmAnswer> {
    const answer = await sendTo(url, method, options)
    const body = answer.body.length === 0 ? undefined : parseJson(answer.body)
    const { headers, status } = answer
    if (status >= 400) throw errorOf(body, status, headers['x-ms-correlation-request-id'])
    if (answer.body.length > 0 && body === undefined)
      throw badAnswer(`${method} ${url.pathname} was answered with something that is not JSON.`)
    return { method, url: url.href, status, headers, body: body as Json | undefined }
  }

  async function find(path: string, options: CallOptions): Promise<JsonObject | undefined> {
    try {
      return objectIn(await call('GET', path, options))
    } catch (error) {
      if (error instanceof ClientError && error.status === 404) return undefined
      throw error
    }
  }

  async function* list(path: string, options: CallOptions): AsyncGenerator<JsonObject> {
    let answer = await call('GET', path, options)
    for (let page = 1; page <= clientLimits.listPagesMax; page++) {
      const { value, nextLink: next, '@odata.nextLink': nextOfGraph } = objectIn(answer)
      const nextLink = next ?? nextOfGraph
      if (!isArray(value)) throw badAnswer(`The list at ${path} has no rows.`)
      for (const row of value) if (isObject(row)) yield row
      if (typeof nextLink !== 'string') return
      answer = await follow(new URL(nextLink, base), 'GET', { signal: options.signal })
    }
    throw badAnswer(`The list at ${path} does not end.`)
  }

  const polls = {
    world,
    get: (url: string, signal: AbortSignal) => follow(new URL(url, base), 'GET', { signal }),
  }
  return {
    base,
    http,
    call,
    find,
    list,
    wait: (answer, options) => waitFor(answer, { ...polls, ...options }),
    waitForUrl: (url, options) =>
      waitFor(
        {
          method: 'POST',
          url,
          status: 202,
          headers: { 'azure-asyncoperation': url },
          body: undefined,
        },
        { ...polls, ...options },
      ),
    close: () => http.close(),
  }
}

function bodyOf({ body }: SendOptions): { readonly body?: string } {
  if (body === undefined) return {}
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}

type SendOptions = Pick<CallOptions, 'body' | 'ifMatch' | 'onlyNew' | 'signal'>

/** The object that an answer carries. Throws ClientError `BadAnswer` when it carries none. */
export function objectIn(answer: Pick<ArmAnswer, 'body' | 'url'>): JsonObject {
  if (isObject(answer.body)) return answer.body
  throw badAnswer(`${new URL(answer.url).pathname} was answered without a document.`)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The object itself, or an empty one when `value` is something else. */
export function objectOr(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

function badAnswer(message: string): ClientError {
  return new ClientError({
    code: 'BadAnswer',
    message,
    nextStep:
      'Does the URL belong to a Vitrine server? `vitrine account show` tells which is used.',
  })
}
