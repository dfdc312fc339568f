import { z } from 'zod'
import { ownClientId } from '../domain/own-client.ts'
import { ClientError } from './client-error.ts'
import {
  parseJson,
  postForm,
  readTokens,
  refusedWith,
  type SignedIn,
  type TokenParts,
  tokenRefusal,
} from './tokens.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const Told = z.object({
  device_code: z.string(),
  expires_in: z.number().positive(),
  interval: z.number().positive(),
  message: z.string(),
})

/**
 * Signs a person in: `show` tells him where to enter which code, and this waits until he has. Throws ClientError
 * `AuthenticationFailed` when he declines or is too late.
 */
export async function loginByDevice(
  parts: TokenParts,
  asked: {
    readonly tenantId: string
    readonly show: (message: string) => void
    readonly signal: AbortSignal
  },
): Promise<SignedIn> {
  const { tenantId, show, signal } = asked
  const credentials = { tenantId, clientId: ownClientId }
  const begun = await postForm(parts, { credentials, grant: {}, path: 'devicecode', signal })
  const told = Told.safeParse(parseJson(begun.body))
  if (begun.status !== 200 || !told.success) throw tokenRefusal(begun.status, begun.body)
  const { device_code: code, expires_in: lifeS, interval: intervalS, message } = told.data
  show(message)
  const grant = { grant_type: deviceGrant, device_code: code }
  let waitMs = intervalS * 1000
  for (let waitedMs = 0; waitedMs <= lifeS * 1000; waitedMs += waitMs) {
    await parts.world.sleep(waitMs, signal)
    const answer = await postForm(parts, { credentials, grant, path: 'token', signal })
    const fresh = answer.status === 200 ? readTokens(answer.body, parts.world) : undefined
    if (fresh?.refreshToken !== undefined) return { ...fresh, refreshToken: fresh.refreshToken }
    const error = refusedWith(answer.body)
    if (error === 'slow_down') waitMs += intervalS * 1000
    else if (error !== 'authorization_pending') throw tokenRefusal(answer.status, answer.body)
  }
  throw new ClientError({
    code: 'AuthenticationFailed',
    message: 'Nobody entered the code in time.',
    nextStep: 'Start again: `vitrine login --device`.',
  })
}
