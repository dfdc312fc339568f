import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { withDeadline } from '../base/deadline.ts'
import {
  type AdmittedUrl,
  admitUrl,
  doesNothing,
  type HostSetting,
  withoutQuery,
} from '../domain/import-hosts.ts'
import { addressKind } from './addresses.ts'
import type { ImportPolicy } from './import-policy.ts'
import { finalFault, PassingFault } from './source-faults.ts'

const redirectsMax = 5
const redirects: readonly number[] = [301, 302, 303, 307, 308]
/** What a signature that ran out is answered with: the place that a redirect led to is looked up once more. */
const staleAnswers: readonly number[] = [401, 403, 404, 410]

/** A GET and where it was answered; `message` is to be read or destroyed. */
export type ForeignAnswer = { readonly message: IncomingMessage; readonly status: number }

/**
 * One file on a host that is not ours. Every hop is judged by the allow-list, every name is resolved here and the
 * connection goes to an address that was judged: neither a redirect nor a name that changes leads elsewhere. `close` ends
 * its connections.
 */
export function openForeignHost(policy: ImportPolicy, socketsMax: number, text: string) {
  const pool = { keepAlive: true, maxSockets: socketsMax }
  const agents = { 'http:': new HttpAgent(pool), 'https:': new HttpsAgent(pool) }
  const start = admitted(policy, text)
  let last = start

  /** The answer behind all redirects. `query` is laid over the URL's own. Throws PassingFault, ArmError. */
  async function get(
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    query: Readonly<Record<string, string>> = {},
  ): Promise<ForeignAnswer> {
    const from = last
    const answer = await follow(from, { headers, signal, query })
    if (from === start || !staleAnswers.includes(answer.status)) return answer
    answer.message.destroy()
    return await follow(start, { headers, signal, query })
  }

  async function follow(from: AdmittedUrl, asked: Asked): Promise<ForeignAnswer> {
    let hop = from
    for (let hops = 0; hops <= redirectsMax; hops++) {
      const message = await send(hop, asked)
      const { statusCode: status = 0, headers } = message
      if (!redirects.includes(status)) {
        last = hop
        return { message, status }
      }
      message.destroy()
      hop = nextHop(policy, hop, headers.location)
    }
    throw finalFault(`${placeOf(start.url)} redirects more than ${redirectsMax} times.`)
  }

  async function send(hop: AdmittedUrl, asked: Asked): Promise<IncomingMessage> {
    const lookup = await checkedLookup(policy, hop)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const url = withQuery(hop.url, asked.query)
    const secure = url.protocol === 'https:'
    const options = {
      lookup,
      agent: agents[secure ? 'https:' : 'http:'],
      headers: { 'user-agent': 'vitrine', 'accept-encoding': 'identity', ...asked.headers },
      signal: asked.signal,
      timeout: policy.stallMs,
    }
    const sent = secure ? httpsRequest(url, options) : httpRequest(url, options)
    sent.on('timeout', () => sent.destroy(new Error(`nothing came for ${policy.stallMs} ms`)))
    sent.on('error', (error) => reject(faultOf(hop.url, error)))
    sent.on('response', resolve)
    sent.end()
    return await promise
  }

  function close(): void {
    agents['http:'].destroy()
    agents['https:'].destroy()
  }

  return { get, close, place: placeOf(start.url) }
}

export type ForeignHost = ReturnType<typeof openForeignHost>

type Asked = {
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** How a source is told to people and the log. */
function placeOf(url: URL): string {
  return `The source '${withoutQuery(url.href)}'`
}

/** Throws ArmError for what is not on the list. */
export function admitted(
  policy: Pick<ImportPolicy, 'hosts' | 'setting'>,
  text: string | URL,
): AdmittedUrl {
  const judged = admitUrl(policy.hosts, text, policy.setting)
  if ('refused' in judged) throw finalFault(judged.refused)
  return judged
}

/** An address that the operator named may be private; a redirect from elsewhere may not lead there. */
function nextHop(policy: ImportPolicy, from: AdmittedUrl, location: string | undefined) {
  const url = URL.parse(location ?? '', from.url)
  if (!url || location === undefined) {
    throw finalFault(`${placeOf(from.url)} redirects to nowhere.`)
  }
  const judged = admitUrl(policy.hosts, url, policy.setting)
  if ('refused' in judged) {
    throw finalFault(`${placeOf(from.url)} redirects to another place. ${judged.refused}`)
  }
  return { url, isNamed: judged.isNamed && from.isNamed && url.origin === from.url.origin }
}

/** Resolves the name once, and lets the connection go to what was judged alone. */
export async function checkedLookup(
  policy: Pick<ImportPolicy, 'setting' | 'resolve' | 'stallMs'>,
  hop: AdmittedUrl,
): Promise<LookupFunction> {
  const host = hop.url.hostname.replace(/^\[|\]$/g, '')
  const isLiteral = isIP(host) > 0
  const addresses = isLiteral ? [host] : await resolved(policy, host)
  for (const address of addresses) judgeAddress(hop, address, policy.setting)
  const all = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_host, options, callback) => {
    const [first] = all
    if (options.all) callback(null, all)
    else callback(null, first?.address ?? '', first?.family)
  }
}

async function resolved(
  policy: Pick<ImportPolicy, 'resolve' | 'stallMs'>,
  host: string,
): Promise<readonly string[]> {
  const none = (): readonly string[] => []
  const addresses = await withDeadline(policy.resolve(host).catch(none), policy.stallMs, none)
  if (addresses.length > 0) return addresses
  throw new PassingFault(`The host name '${host}' has no address.`)
}

/** The address itself is not told: it would say what the names of a private network lead to. */
function judgeAddress({ url, isNamed }: AdmittedUrl, address: string, setting: HostSetting): void {
  const kind = addressKind(address)
  if (kind === 'open' || (isNamed && kind === 'private')) return
  const fix =
    kind === 'private'
      ? ` Its operator allows it by naming '${url.origin}' in the setting ${setting}.`
      : ''
  throw finalFault(
    `The host '${url.hostname}' lies in a private or reserved network: this server ${doesNothing[setting]} such hosts.${fix}`,
  )
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const parts = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  if (parts.length === 0) return url
  const asked = new URL(url)
  // Set as text: a signature in the query must stay as it was written.
  asked.search = [url.search.slice(1), ...parts].filter((part) => part !== '').join('&')
  return asked
}

/** The reasons of Node name addresses and ports at most, never a query. */
export function faultOf(url: URL | string, error: Error): Error {
  if (error.name === 'AbortError') return error
  const code = 'code' in error ? String(error.code) : ''
  const place = typeof url === 'string' ? url : placeOf(url)
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
  if (untrusted) {
    return finalFault(
      `${place} has a certificate that this server does not trust (${code}). Its operator adds an authority with NODE_EXTRA_CA_CERTS.`,
    )
  }
  return new PassingFault(`${place} cannot be read: ${code || error.message}.`)
}
