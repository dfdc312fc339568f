import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { admitted, checkedLookup, faultOf } from './foreign-host.ts'
import type { ImportPolicy } from './import-policy.ts'

/**
 * Sends a body to a host that is not ours, under the rules of imports: the allow-list, the address that was judged, and no
 * redirect. Answers the status; what is answered besides is thrown away. Throws PassingFault, ArmError.
 */
export async function postTo(
  policy: Pick<ImportPolicy, 'hosts' | 'stallMs' | 'resolve'>,
  text: string,
  sent: {
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly signal: AbortSignal
  },
): Promise<number> {
  const hop = admitted(policy, text)
  const lookup = await checkedLookup(policy, hop)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { 'user-agent': 'vitrine', 'content-length': Buffer.byteLength(sent.body) }
  // Whole, not only between two pieces: an endpoint that trickles holds up the others.
  const signal = AbortSignal.any([sent.signal, AbortSignal.timeout(policy.stallMs)])
  const options = { method: 'POST', lookup, headers: { ...headers, ...sent.headers }, signal }
  const ask = hop.url.protocol === 'https:' ? httpsRequest : httpRequest
  const asked = ask(hop.url, { ...options, agent: false })
  // Its path may be a secret.
  const place = `The endpoint '${hop.url.origin}'`
  asked.on('error', (error) => reject(faultOf(place, error)))
  asked.on('response', (message) => {
    resolve(message.statusCode ?? 0)
    message.destroy()
  })
  asked.end(sent.body)
  return await promise
}
