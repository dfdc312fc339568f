import { z } from 'zod'
import type { World } from '../base/world.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import type { Http } from './http.ts'
import { sendPatiently } from './patience.ts'

export type Credentials = {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
}

const TokenBody = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number() })
const Refusal = z.object({ error: z.string(), error_description: z.string().optional() })

/**
 * Client-credential tokens for `base`, one at a time: kept until shortly before they expire. `get` throws ClientError
 * `AuthenticationFailed` when the credentials are refused; `forget` drops a token that the server did not take.
 */
export function openTokens(parts: {
  readonly http: Http
  readonly base: string
  readonly credentials: Credentials
  readonly world: Pick<World, 'now' | 'sleep'>
}) {
  const { http, base, credentials, world } = parts
  let held: { token: Promise<string>; renewAtMs: number } | undefined

  async function get(signal: AbortSignal): Promise<string> {
    if (held === undefined || world.now().getTime() >= held.renewAtMs) {
      const fresh = { token: fetchToken(signal), renewAtMs: Number.POSITIVE_INFINITY }
      held = fresh
      fresh.token.catch(() => {
        if (held === fresh) held = undefined
      })
    }
    return await held.token
  }

  async function fetchToken(signal: AbortSignal): Promise<string> {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
      scope: `${base}/.default`,
    })
    const answer = await sendPatiently(
      http,
      {
        method: 'POST',
        url: `${base}/${encodeURIComponent(credentials.tenantId)}/oauth2/v2.0/token`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
        signal,
      },
      world,
    )
    const body = TokenBody.safeParse(parseJson(answer.body))
    if (answer.status !== 200 || !body.success) throw refused(answer.status, answer.body)
    const lifeMs = body.data.expires_in * 1000
    const spareMs = Math.min(clientLimits.tokenSpareMs, lifeMs / 2)
    if (held !== undefined) held.renewAtMs = world.now().getTime() + lifeMs - spareMs
    return body.data.access_token
  }

  function forget(): void {
    held = undefined
  }

  return { get, forget }
}

function refused(status: number, body: Buffer): ClientError {
  const parsed = Refusal.safeParse(parseJson(body))
  const reason = parsed.success
    ? (parsed.data.error_description ?? parsed.data.error)
    : `HTTP ${status} without an explanation`
  return new ClientError({
    code: 'AuthenticationFailed',
    message: `The server gave no token: ${reason}`,
    status,
  })
}

/** The JSON in `bytes`, or undefined when it is none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
