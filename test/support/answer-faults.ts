import { readFileSync } from 'node:fs'
import type { Answer } from './arm.ts'

/** `PUT Microsoft.Compute/galleries`, `GET … list`, `POST … share` → from which api-version on → statuses, `+` those with a body. */
const published: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(new URL('../golden/spec/answers.json', import.meta.url), 'utf8'),
)

/** Where the end of an operation is told. */
type Told = 'nowhere' | 'async' | 'location' | 'both'

export type Expected = {
  /** As in the specification; what it has not of a type is left to `status` and `told`. */
  readonly ask: string
  readonly api: string
  readonly status: number
  readonly told: Told
  /** The bucket of Azure's compute that the request is taken from. */
  readonly rated: string | undefined
}

/** Azure answers without the body that its specification has (observed behaviour stands above it). */
const emptyThough = new Set(['202 POST Microsoft.Compute/galleries share'])

/**
 * What of an answer is not as Azure's: its status and whether it has a body by the specification of the api-version, and the
 * headers of every answer, of operations, and of limits; [] when all is.
 */
export function answerFaults(answer: Answer, expected: Expected): readonly string[] {
  const { ask, api, status } = expected
  const where = `${ask} at ${api}`
  const isSame = answer.status === status
  return [
    ...(isSame ? [] : [`is ${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`]),
    ...specifiedFaults(answer, expected),
    ...headerFaults(answer, expected),
    ...operationFaults(answer, expected),
  ].map((fault) => `${where} ${fault}`)
}

function specifiedFaults({ status, body }: Answer, { ask, api, told }: Expected) {
  const said = specified(ask, api)
  if (said === undefined) return []
  const words = said.split(' ')
  const faults: string[] = []
  const word = words.find((one) => one.startsWith(String(status)))
  const hasBody = Object.keys(body).length > 0
  const isSpecified = word?.endsWith('+') === true && !emptyThough.has(`${status} ${ask}`)
  if (word === undefined) faults.push(`answers ${status}, of '${said}'`)
  else if (hasBody !== isSpecified) faults.push(`${hasBody ? 'has a' : 'lacks its'} body`)
  const waits = words.find((one) => one.startsWith('waits'))
  if (told !== 'nowhere' && waits === undefined) faults.push('waits, and is not specified to')
  // A client that finds the end by its Location needs one where the answer has no resource.
  if (waits === 'waits:location' && status === 202 && told === 'async')
    faults.push('has no Location')
  return faults
}

/** Those of the nearest version before it that is in the file, or of the first. */
function specified(ask: string, api: string): string | undefined {
  const byVersion = Object.entries(published[ask] ?? {})
  const before = byVersion.filter(([version]) => version <= api)
  return (before.at(-1) ?? byVersion[0])?.[1]
}

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function headerFaults(answer: Answer, { ask, rated }: Expected) {
  const { headers, body } = answer
  const hasBody = Object.keys(body).length > 0
  const kinds = { GET: 'reads', HEAD: 'reads', DELETE: 'deletes' } as Readonly<
    Record<string, string>
  >
  const kind = kinds[ask.split(' ')[0] ?? ''] ?? 'writes'
  const over = /^GET (tenants|subscriptions|tenant .*)$/.test(ask) ? 'tenant' : 'subscription'
  const bucket = `Microsoft\\.Compute/${rated}`
  const resource =
    rated === undefined ? null : new RegExp(`^${bucket}3Min;\\d+,${bucket}30Min;\\d+$`)
  const forms: readonly (readonly [string, RegExp | null])[] = [
    ['cache-control', /^no-cache$/],
    ['pragma', /^no-cache$/],
    ['expires', /^-1$/],
    ['strict-transport-security', /^max-age=\d+; includeSubDomains$/],
    ['x-content-type-options', /^nosniff$/],
    ['content-type', hasBody ? /^application\/json; charset=utf-8$/ : null],
    ['x-ms-request-id', guid],
    ['x-ms-correlation-request-id', guid],
    [`x-ms-ratelimit-remaining-${over}-${kind}`, /^\d+$/],
    ['x-ms-ratelimit-remaining-resource', resource],
    ['x-ms-client-request-id', null],
  ]
  return forms.flatMap(([name, form]) => headerFault(headers, name, form))
}

function headerFault(headers: Headers, name: string, form: RegExp | null): readonly string[] {
  const value = headers.get(name)
  if (form === null) return value === null ? [] : [`has ${name}: ${value}`]
  return value !== null && form.test(value) ? [] : [`has ${name}: ${value}, not ${form}`]
}

const polled =
  /^https:\/\/[^/]+\/subscriptions\/[^?]+\?(?:monitor=true&|p=[\w-]+&)*api-version=([\w-]+)$/

function operationFaults({ headers }: Answer, { api, told }: Expected): readonly string[] {
  const isAsync = told === 'async' || told === 'both'
  const isLocation = told === 'location' || told === 'both'
  return [
    ...pollFaults(headers.get('azure-asyncoperation'), isAsync, ['azure-asyncoperation', api]),
    ...pollFaults(headers.get('location'), isLocation, ['location', api]),
    ...headerFault(headers, 'retry-after', told === 'nowhere' ? null : /^\d{1,2}$/),
  ]
}

function pollFaults(
  url: string | null,
  isThere: boolean,
  [name, api]: readonly [string, string],
): readonly string[] {
  if (!isThere) return url === null ? [] : [`has ${name}: ${url}`]
  const at = polled.exec(url ?? '')?.[1]
  return at === api ? [] : [`has ${name}: ${url}, which is no URL of ${api}`]
}
