import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'

/** The query of an ARM request: names are case-insensitive, with or without an encoded `$`. */
export type Query = {
  get(name: string): string | undefined
}

export function readQuery(url: URL): Query {
  const values = new Map<string, string>()
  for (const [name, value] of url.searchParams) values.set(name.toLowerCase(), value)
  return { get: (name) => values.get(name.toLowerCase()) }
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

/** The body as JSON: an object, or `{}` for an empty one. Throws InvalidRequestContent, RequestEntityTooLarge. */
export async function readJson(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBody(request, limits.bodyBytesMax)
  try {
    // Drops a byte order mark, as Windows tools send it.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (text.trim() === '') return {}
    const body: unknown = text.includes('\\u0000') ? JSON.parse(text, refuseNul) : JSON.parse(text)
    if (isObject(body)) return body
  } catch (error) {
    throw badContent(error instanceof Error ? error.message : String(error))
  }
  throw badContent('a JSON object is expected')
}

/** No name or text of Azure's has a NUL, and not every database keeps one. */
function refuseNul(name: string, value: unknown): unknown {
  if (name.includes('\0') || (typeof value === 'string' && value.includes('\0'))) {
    throw new SyntaxError('a string holds a NUL character')
  }
  return value
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
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new ArmError(
      'RequestEntityTooLarge',
      `The body is larger than ${bytesMax} bytes. Send less at once.`,
    )
  const told = request.headers.get('content-length')
  if (Number(told ?? 0) > bytesMax) throw tooLarge()
  try {
    // A length that was told is kept by the server: read in one go, which spares a stream.
    const whole =
      told === null
        ? await readParts(request, bytesMax)
        : new Uint8Array(await request.arrayBuffer())
    if (whole === undefined || whole.byteLength > bytesMax) throw tooLarge()
    return whole
  } catch (error) {
    if (error instanceof ArmError) throw error
    // A body fails only when its client is gone: nobody reads this answer, and it is no fault of ours.
    throw new ArmError('BadRequest', 'The body broke off before its end. Send it again.')
  }
}

/** undefined as soon as there are more. */
async function readParts(request: Request, bytesMax: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let lengthBytes = 0
  for await (const part of request.body ?? []) {
    lengthBytes += part.byteLength
    if (lengthBytes > bytesMax) return undefined
    parts.push(part)
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}
