import { z } from 'zod'
import type { World } from '../base/world.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import type { Http, HttpAnswer } from './http.ts'
import { sendPatiently } from './patience.ts'

/** What a person who signed in has. */
export type SignedIn = {
  /** Good once: each use gives the next one. Left out where a token alone was handed over: that is good until it ends. */
  readonly refreshToken?: string
  readonly accessToken: string
  /** When the access token is to be renewed, epoch milliseconds. */
  readonly renewAtMs: number
}

/**
 * How a client gets tokens: as an application, by its secret; or as a person, by what was kept when he signed in. `turn`
 * runs one at a time, over all processes, and keeps what it answers: a refresh token must not be used twice.
 */
export type Credentials = { readonly tenantId: string; readonly clientId: string } & (
  | { readonly clientSecret: string }
  | { turn(next: (kept: SignedIn) => Promise<SignedIn>): Promise<SignedIn> }
)

const TokenBody = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.coerce.number(),
})
const Refusal = z.object({ error: z.string(), error_description: z.string().optional() })

export type TokenParts = {
  readonly http: Http
  readonly base: string
  readonly world: Pick<World, 'now' | 'sleep'>
}

/**
 * Tokens for `base`, one at a time: kept until shortly before they expire. `get` throws ClientError
 * `AuthenticationFailed` when the credentials are refused; `forget` drops a token that the server did not take.
 */
export function openTokens(parts: TokenParts & { readonly credentials: Credentials }) {
  const { credentials, world } = parts
  let held: { token: Promise<string>; renewAtMs: number } | undefined
  let refused: string | undefined

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
    const { accessToken, renewAtMs } =
      'clientSecret' in credentials
        ? await asApplication(credentials.clientSecret, signal)
        : await credentials.turn((kept) => asPerson(kept, signal))
    if (held !== undefined) held.renewAtMs = renewAtMs
    return accessToken
  }

  function asApplication(clientSecret: string, signal: AbortSignal) {
    const grant = { grant_type: 'client_credentials', client_secret: clientSecret }
    return askToken(parts, { credentials, grant, signal })
  }

  async function asPerson(kept: SignedIn, signal: AbortSignal): Promise<SignedIn> {
    const isGood = kept.renewAtMs > world.now().getTime() && kept.accessToken !== refused
    if (isGood) return kept
    if (kept.refreshToken === undefined) throw ranOut()
    const grant = { grant_type: 'refresh_token', refresh_token: kept.refreshToken }
    const fresh = await askToken(parts, { credentials, grant, signal })
    return { ...fresh, refreshToken: fresh.refreshToken ?? kept.refreshToken }
  }

  function forget(): void {
    void held?.token.then((token) => {
      refused = token
    })
    held = undefined
  }

  return { get, forget }
}

type Asked = {
  readonly credentials: Pick<Credentials, 'tenantId' | 'clientId'>
  readonly grant: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

async function askToken(parts: TokenParts, asked: Asked) {
  const { status, body } = await postForm(parts, { ...asked, path: 'token' })
  const fresh = readTokens(body, parts.world)
  if (status !== 200 || !fresh) throw tokenRefusal(status, body)
  return fresh
}

/** One form to the sign-in of a tenant. */
export function postForm(
  { http, base, world }: TokenParts,
  { credentials, grant, path, signal }: Asked & { readonly path: string },
): Promise<HttpAnswer> {
  const scope = `${base}/.default openid profile offline_access`
  const isApplication = 'client_secret' in grant
  const form = new URLSearchParams({
    ...grant,
    client_id: credentials.clientId,
    scope: isApplication ? `${base}/.default` : scope,
  })
  return sendPatiently(
    http,
    {
      method: 'POST',
      url: `${base}/${encodeURIComponent(credentials.tenantId)}/oauth2/v2.0/${path}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      signal,
    },
    world,
  )
}

/** What a token answer holds; undefined when it is none. */
export function readTokens(bytes: Uint8Array, world: Pick<World, 'now'>) {
  const body = TokenBody.safeParse(parseJson(bytes))
  if (!body.success) return undefined
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: lifeS } = body.data
  const lifeMs = lifeS * 1000
  const spareMs = Math.min(clientLimits.tokenSpareMs, lifeMs / 2)
  return { accessToken, refreshToken, renewAtMs: world.now().getTime() + lifeMs - spareMs }
}

/** The `error` of a token answer that is none. */
export function refusedWith(bytes: Uint8Array): string | undefined {
  return Refusal.safeParse(parseJson(bytes)).data?.error
}

function ranOut(): ClientError {
  return new ClientError({
    code: 'AuthenticationFailed',
    message: 'The token that you logged in with has run out, or the server does not take it.',
    nextStep: 'Log in with a new one: `vitrine login --token-file FILE`.',
  })
}

export function tokenRefusal(status: number, body: Uint8Array): ClientError {
  const parsed = Refusal.safeParse(parseJson(body))
  const reason = parsed.success
    ? (parsed.data.error_description ?? parsed.data.error)
    : `HTTP ${status} without an explanation`
  return new ClientError({
    code: 'AuthenticationFailed',
    message: `The server gave no token: ${reason}`,
    status,
    ...(parsed.data?.error === 'invalid_grant' && { nextStep: 'Sign in again: `vitrine login`.' }),
    ...(!parsed.success && {
      nextStep:
        'If people of this tenant sign in at another issuer, get a token there: `vitrine login --base URL --token-file FILE`.',
    }),
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
