import { z } from 'zod'
import { deviceGrant } from '../../identity/oidc-clients.ts'
import { deviceIntervalS } from '../../identity/state-adapter.ts'

const ownScopes = ['openid', 'profile', 'offline_access', 'email']
/** MSAL for JavaScript leaves the first part of its name out. */
const shortDeviceGrant = 'device_code'

/**
 * What MSAL asks as what the library takes: `{resource}/.default openid …` in one scope is a resource and scopes; whoever
 * is to choose an account signs in.
 */
export function askedPlainly(sent: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(sent)
  const scopes = (sent.get('scope') ?? '').split(' ').filter((one) => one !== '')
  const own = scopes.filter((one) => ownScopes.includes(one))
  const [resource] = scopes.flatMap(resourceOf)
  if (resource !== undefined && !sent.has('resource')) asked.set('resource', resource)
  asked.set('scope', [...new Set(['openid', ...own, 'user_impersonation'])].join(' '))
  if (sent.get('prompt') === 'select_account') asked.set('prompt', 'login')
  return asked
}

/** A token request in the same words. What an application asks for itself is said as the library takes it. */
export function tokenForm(sent: URLSearchParams): URLSearchParams {
  if (sent.get('grant_type') === 'client_credentials') return sent
  const asked = askedPlainly(sent)
  // What was granted first counts.
  asked.delete('scope')
  if (sent.get('grant_type') === shortDeviceGrant) asked.set('grant_type', deviceGrant)
  return asked
}

function resourceOf(scope: string): readonly string[] {
  const end = scope.lastIndexOf('/')
  return scope.includes('://') && end > 'https://'.length ? [scope.slice(0, end)] : []
}

const DeviceAnswer = z.looseObject({ user_code: z.string(), verification_uri: z.string() })

/** The words that MSAL prints, and how often it may ask. */
export function deviceAnswer(body: unknown): unknown {
  const told = DeviceAnswer.safeParse(body)
  if (!told.success) return body
  const { user_code: code, verification_uri: address } = told.data
  // The library's address with the code in it would need a script.
  const { verification_uri_complete: _, ...rest } = told.data
  const message = `To sign in, use a web browser to open the page ${address} and enter the code ${code} to authenticate.`
  return { ...rest, interval: deviceIntervalS, message }
}

const TokenAnswer = z.looseObject({ access_token: z.string() })
const Named = z.object({ oid: z.string(), tid: z.string() })

/** Who signed in, where MSAL asked for it: it names its cache so. */
export function tokenAnswer(body: unknown, sent: URLSearchParams): unknown {
  const told = TokenAnswer.safeParse(body)
  if (!told.success || sent.get('grant_type') === 'client_credentials') return body
  const [, payload = ''] = told.data.access_token.split('.')
  const named = Named.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  if (!named.success) return body
  const info = JSON.stringify({ uid: named.data.oid, utid: named.data.tid })
  const nowScopes = { scope: sent.get('scope') ?? told.data.scope }
  const clientInfo = Buffer.from(info).toString('base64url')
  return { ...told.data, ...nowScopes, client_info: clientInfo }
}
