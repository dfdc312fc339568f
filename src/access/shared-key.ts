import { createHmac, timingSafeEqual } from 'node:crypto'

/** A request as Shared Key signs it. */
export type KeySigned = {
  readonly method: string
  /** As sent: encoded, without the query. */
  readonly path: string
  /** As sent, without its question mark. */
  readonly query: string
  readonly headers: Headers
}

/** The signed headers that are told without their names, in Azure's order. */
const signedHeaders = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const

/** True when one of `keys` (base64) signed the request for `account`. */
export function isKeySigned(
  request: KeySigned,
  { account, signature, keys }: Signed & { readonly account: string },
): boolean {
  return [compareText, compareAsAzure].some((compare) =>
    isSignedText(textToSign(request, account, compare), { signature, keys }),
  )
}

type Signed = { readonly signature: string; readonly keys: readonly string[] }

/** True when `signature` is the HMAC of `text` by one of the keys; how long it takes tells nothing. */
export function isSignedText(text: string, { signature, keys }: Signed): boolean {
  const given = Buffer.from(signature)
  let isSigned = false
  for (const key of keys) {
    const made = createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8')
    const own = Buffer.from(made.digest('base64'))
    if (given.length === own.length && timingSafeEqual(given, own)) isSigned = true
  }
  return isSigned
}

type Compare = (one: string, other: string) => number

function textToSign(
  { method, path, query, headers }: KeySigned,
  account: string,
  compare: Compare,
) {
  const isDated = headers.has('x-ms-date')
  const values = signedHeaders.map((name) => {
    const value = headers.get(name) ?? ''
    if (name === 'content-length' && value === '0') return ''
    return name === 'date' && isDated ? '' : value
  })
  const own = [...headers]
    .filter(([name]) => name.startsWith('x-ms-'))
    .sort(([one], [other]) => compare(one, other))
    .map(([name, value]) => `${name}:${value.replace(/\s+/g, ' ').trim()}\n`)
  return `${[method, ...values].join('\n')}\n${own.join('')}/${account}${path}${resourceOf(query)}`
}

/** Parameters by lower-cased name; of one that comes often, its values in order. */
function resourceOf(query: string): string {
  const values = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decoded(at < 0 ? pair : pair.slice(0, at)).toLowerCase()
    const value = at < 0 ? '' : decoded(pair.slice(at + 1))
    values.set(name, [...(values.get(name) ?? []), value])
  }
  return [...values]
    .sort(([one], [other]) => compareText(one, other))
    .map(([name, all]) => `\n${name}:${all.sort(compareText).join(',')}`)
    .join('')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compareText(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** As Azure's clients sort what has hyphens and underscores: hyphens count last, other marks come before digits. */
function compareAsAzure(one: string, other: string): number {
  const weighed = (text: string) => text.replaceAll('-', '').replace(/[^a-z\d]/g, '!')
  return compareText(weighed(one), weighed(other)) || one.length - other.length
}
