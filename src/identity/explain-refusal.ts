import type { KoaContextWithOIDC } from 'oidc-provider'
import { Unavailable } from '../domain/errors.ts'
import { deviceGrant } from './oidc-clients.ts'
import { errors } from './oidc-library.ts'
import type { SigninErrorCode } from './signin-errors.ts'

/** Why the library refused a token, as one of Azure's reasons, and what that is about. */
export function explainRefusal(
  context: KoaContextWithOIDC,
  error: Error,
): [SigninErrorCode, string] {
  const params = context.oidc.params ?? {}
  const detail = error instanceof errors.OIDCProviderError ? (error.error_detail ?? '') : ''
  if (error instanceof Unavailable) return ['Busy', '']
  if (error instanceof errors.AuthorizationPending) return ['CodePending', '']
  if (error instanceof errors.SlowDown) return ['CodePolledTooOften', '']
  if (error instanceof errors.ExpiredToken) return ['CodeExpired', '']
  if (error instanceof errors.AccessDenied) return ['CodeDeclined', '']
  if (error instanceof errors.InvalidTarget) return ['ResourceUnknown', detail]
  if (error instanceof errors.InvalidScope) return ['ScopeWrong', String(params.scope ?? '')]
  if (error instanceof errors.UnsupportedGrantType) return ['GrantUnsupported', '']
  if (error instanceof errors.InvalidGrant) return [grantRefusal(params.grant_type), detail]
  if (error instanceof errors.InvalidClientAuth || error instanceof errors.InvalidClient) {
    return clientRefusal(params, detail)
  }
  const said = error instanceof errors.OIDCProviderError ? error.error_description : undefined
  return ['RequestMalformed', said ?? error.message]
}

function grantRefusal(grantType: unknown): SigninErrorCode {
  if (grantType === 'refresh_token') return 'RefreshRefused'
  return grantType === deviceGrant ? 'CodeUnknown' : 'AuthorizationCodeRefused'
}

function clientRefusal(
  params: Readonly<Record<string, unknown>>,
  detail: string,
): [SigninErrorCode, string] {
  if (detail === 'client not found') return ['ApplicationUnknown', String(params.client_id ?? '')]
  if (params.client_assertion !== undefined) return ['AssertionWrong', detail]
  return detail === 'invalid secret provided'
    ? ['SecretWrong', String(params.client_id ?? '')]
    : ['SecretMissing', '']
}
