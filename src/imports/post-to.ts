import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { admitted, checkedLookup, faultOf } from './foreign-host.ts'
import type { EndpointPolicy } from './import-policy.ts'
import { PassingFault } from './source-faults.ts'

type Sent = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/**
 * Sends a body to a host that is not ours, under the rules of imports: the allow-list, the address that was judged, and no
 * redirect. Answers the status; what is answered besides is thrown away. Throws PassingFault, ArmError.
 */
export async function postTo(policy: EndpointPolicy, text: string, sent: Sent): Promise<number> {
  return (await ask(policy, text, { method: 'POST', ...sent })).status
}

/**
 * Asks an endpoint whether it takes events of the sender `from` (a host name), as CloudEvents has it for webhooks: its
 * consent is a header, whatever the status. Why it does not; undefined when it does. Throws PassingFault, ArmError.
 */
export async function refusalOf(
  policy: EndpointPolicy,
  text: string,
  from: string,
): Promise<string | undefined> {
  const { status, headers } = await ask(policy, text, {
    ...{ method: 'OPTIONS', body: '', signal: new AbortController().signal },
    headers: { 'webhook-request-origin': from },
  })
  const allowed = [headers['webhook-allowed-origin'] ?? []].flat().map((one) => one.toLowerCase())
  if (allowed.includes('*') || allowed.includes(from)) return undefined
  const said = allowed.length === 0 ? 'no header' : 'another value of the header'
  return `It answered OPTIONS with ${status} and ${said} WebHook-Allowed-Origin.`
}

async function ask(
  policy: EndpointPolicy,
  text: string,
  sent: Sent & { readonly method: string },
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
  const hop = admitted(policy, text)
  const lookup = await checkedLookup(policy, hop)
  const answered = Promise.withResolvers<{ status: number; headers: IncomingHttpHeaders }>()
  const length = { 'user-agent': 'vitrine', 'content-length': Buffer.byteLength(sent.body) }
  // Whole, not only between two pieces: an endpoint that trickles is slow, too.
  const late = AbortSignal.timeout(policy.stallMs)
  const signal = AbortSignal.any([sent.signal, late])
  const options = { method: sent.method, lookup, headers: { ...length, ...sent.headers }, signal }
  const begin = hop.url.protocol === 'https:' ? httpsRequest : httpRequest
  const asked = begin(hop.url, { ...options, agent: false })
  // Its path may be a secret.
  const place = `The endpoint '${hop.url.origin}'`
  asked.on('error', (error) => {
    const seconds = policy.stallMs / 1_000
    const isLate = late.aborted && !sent.signal.aborted
    const fault = isLate && new PassingFault(`${place} did not answer within ${seconds} seconds.`)
    answered.reject(fault || faultOf(place, error))
  })
  asked.on('response', (message) => {
    answered.resolve({ status: message.statusCode ?? 0, headers: message.headers })
    message.destroy()
  })
  asked.end(sent.body)
  return await answered.promise
}
