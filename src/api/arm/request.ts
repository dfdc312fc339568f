import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { ArmError } from '../../domain/errors.ts'
import { parseJson } from '../../domain/json-text.ts'
import { limits } from '../../domain/limits.ts'

/** Where a request goes, as its URL says it. */
export type Asking = {
  /** `https://host:port` as the client reached us: every absolute URL of an answer starts with it. */
  readonly origin: string
  readonly path: string
  /** With its question mark; '' when there is none. */
  readonly search: string
}

const hostForm = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i
/** What URL.parse would leave as it is. */
const plainHost = /^[a-z\d-]+(?:\.[a-z\d-]+)*(?::(?:[1-9]\d{3}|[1-5]\d{4}|6[0-4]\d{3}))?$/
const plainTarget = /^\/[\w\-./?=&$:,~]*$/

/** Throws BadRequest for a target or Host header that makes no URL. */
export function askingOf({ url: target = '', headers, socket }: IncomingMessage): Asking {
  const scheme = socket instanceof TLSSocket ? 'https' : 'http'
  const host = headers.host ?? ''
  if (plainHost.test(host) && plainTarget.test(target) && !target.includes('/.')) {
    const at = target.indexOf('?')
    const path = at < 0 ? target : target.slice(0, at)
    return { origin: `${scheme}://${host}`, path, search: at < 0 ? '' : target.slice(at) }
  }
  if (target.includes('%00')) {
    throw new ArmError('BadRequest', 'The URL holds a NUL character, and no name of ours has one.')
  }
  // Joined as text: a target that begins with two slashes would be read as another host.
  const whole = target.startsWith('/') ? `${scheme}://${host}${target}` : target
  const url = hostForm.test(host) && !target.includes('\\') ? URL.parse(whole) : null
  if (url?.protocol.startsWith('http')) {
    return { origin: url.origin, path: url.pathname, search: url.search }
  }
  throw new ArmError('BadRequest', 'The target or the Host header of the request is no URL.')
}

/** The query of an ARM request: names are case-insensitive, with or without an encoded `$`. */
export type Query = {
  /** `name` in lower case. */
  get(name: string): string | undefined
}

export function readQuery(search: string): Query {
  const values = new Map<string, string>()
  // What is not encoded, as a rule, is read without what decodes it.
  const pairs = /[%+]/.test(search) ? new URLSearchParams(search) : plainPairs(search)
  for (const [name = '', value = ''] of pairs) values.set(name.toLowerCase(), value)
  return { get: (name) => values.get(name) }
}

function plainPairs(search: string): string[][] {
  return search
    .slice(1)
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [pair] : [pair.slice(0, at), pair.slice(at + 1)]
    })
}

const apiVersionForm = /^\d{4}-\d{2}-\d{2}(-(preview|alpha|beta|rc|privatepreview))?$/i

/** The request's api-version. Throws as ARM does when it is missing or no version at all. */
export function readApiVersion(query: Query): string {
  const version = query.get('api-version')
  if (!version) {
    throw new ArmError(
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    )
  }
  if (!apiVersionForm.test(version)) {
    throw new ArmError(
      'InvalidApiVersionParameter',
      `The api-version '${version}' is invalid. It must be a date such as 2023-07-03.`,
    )
  }
  return version.toLowerCase()
}

/** The body as text, without a byte order mark, as Windows tools send it. Throws InvalidRequestContent, RequestEntityTooLarge. */
export async function readText(request: IncomingMessage): Promise<string> {
  const bytes = await readBody(request, limits.bodyBytesMax)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badContent('the bytes are not UTF-8; send JSON in UTF-8, and not compressed')
  }
}

/** The body as JSON: an object, or `{}` for an empty one. Throws InvalidRequestContent, RequestEntityTooLarge. */
export async function readJson(
  request: IncomingMessage,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(request)
  try {
    if (text.trim() === '') return {}
    const body = parseJson(text)
    if (isObject(body)) return body
  } catch (error) {
    throw badContent(error instanceof Error ? error.message : String(error))
  }
  throw badContent('a JSON object is expected')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function badContent(why: string): ArmError {
  return new ArmError(
    'InvalidRequestContent',
    `The request content was invalid and could not be deserialized: '${why}'.`,
  )
}

/** All bytes of a body, at most `bytesMax`. Throws RequestEntityTooLarge before more than that is held, BadRequest for a body that broke off. */
function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parts: Buffer[] = []
  let lengthBytes = Number(request.headers['content-length'] ?? 0)
  const tooLarge = () => {
    parts.length = 0
    const message = `The body is larger than ${bytesMax} bytes. Send less at once.`
    reject(new ArmError('RequestEntityTooLarge', message))
  }
  // A body fails only when its client is gone: nobody reads this answer, and it is no fault of ours.
  const brokenOff = () =>
    reject(new ArmError('BadRequest', 'The body broke off before its end. Send it again.'))
  if (lengthBytes > bytesMax) {
    tooLarge()
    return promise
  }
  lengthBytes = 0
  request.on('data', (part: Buffer) => {
    lengthBytes += part.length
    if (lengthBytes > bytesMax) tooLarge()
    else parts.push(part)
  })
  request.on('end', () => resolve(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)))
  request.on('error', brokenOff)
  request.on('close', brokenOff)
  return promise
}
