/**
 * Azure's words for why a sign-in failed, with the numbers that clients look for:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const signinErrors = {
  SecretWrong: {
    number: 7000215,
    status: 401,
    error: 'invalid_client',
    says: (client: string) =>
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${client}'.`,
  },
  SecretMissing: {
    number: 7000216,
    status: 401,
    error: 'invalid_client',
    says: () =>
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  },
  ApplicationUnknown: {
    number: 700016,
    status: 401,
    error: 'invalid_client',
    says: (client: string) =>
      `Application with identifier '${client}' was not found in the directory. Check the client id, and that the tenant is the right one.`,
  },
  TenantUnknown: {
    number: 90002,
    status: 400,
    error: 'invalid_tenant',
    says: (tenant: string) =>
      `Tenant '${tenant}' not found. Check the tenant id: this installation serves the tenant in its owner.json.`,
  },
  ScopeWrong: {
    number: 1002012,
    status: 400,
    error: 'invalid_scope',
    says: (scope: string) =>
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  },
  ResourceUnknown: {
    number: 500011,
    status: 400,
    error: 'invalid_resource',
    says: (resource: string) =>
      `The resource principal named ${resource} was not found in the tenant. Ask for the address of this installation; further ones are set by its host names.`,
  },
  AssertionWrong: {
    number: 700027,
    status: 401,
    error: 'invalid_client',
    says: (why: string) =>
      `The certificate with identifier used to sign the client assertion is not registered on application, or the assertion is not a good one${why ? `: ${why}` : ''}. Check the certificate, that the assertion was made for this token endpoint, and the clock.`,
  },
  CodePending: {
    number: 70016,
    status: 400,
    error: 'authorization_pending',
    says: () => 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  },
  CodePolledTooOften: {
    number: 70011,
    status: 400,
    error: 'slow_down',
    says: () =>
      'The device asks more often than it was told. Wait five seconds longer between two requests.',
  },
  CodeExpired: {
    number: 70020,
    status: 400,
    error: 'expired_token',
    says: () =>
      'The provided value for the input parameter device_code is not valid. This device code has expired.',
  },
  CodeDeclined: {
    number: 70018,
    status: 400,
    error: 'authorization_declined',
    says: () => 'The user declined the sign-in of this device.',
  },
  CodeUnknown: {
    number: 70019,
    status: 400,
    error: 'bad_verification_code',
    says: () => 'The device code is not known, or was used already. Start again.',
  },
  AuthorizationCodeRefused: {
    number: 70008,
    status: 400,
    error: 'invalid_grant',
    says: (why: string) =>
      `The provided authorization code or refresh token has expired, was used already, or belongs to another request${why ? ` (${why})` : ''}. Send a new interactive authorization request.`,
  },
  RefreshRefused: {
    number: 70043,
    status: 400,
    error: 'invalid_grant',
    says: () =>
      'The refresh token has expired or is invalid: it was used before, or its user was signed out. Sign in again.',
  },
  TriedTooOften: {
    number: 50053,
    status: 429,
    error: 'invalid_grant',
    says: () =>
      'Too many sign-ins from your address have failed. Try again in a quarter of an hour.',
  },
  GrantUnsupported: {
    number: 70003,
    status: 400,
    error: 'unsupported_grant_type',
    says: () =>
      "The app requested an unsupported grant type; use 'client_credentials', 'authorization_code', 'refresh_token' or the device code grant.",
  },
  RequestMalformed: {
    number: 900144,
    status: 400,
    error: 'invalid_request',
    says: (what: string) => `The request is not a token request: ${what}.`,
  },
  Busy: {
    number: 90033,
    status: 503,
    error: 'temporarily_unavailable',
    says: () => 'A transient error has occurred. Please try again.',
  },
} as const

export type SigninErrorCode = keyof typeof signinErrors

/**
 * Status and body of a refused sign-in. No `Retry-After` may go with it: MSAL would hold the refusal against the next
 * attempt with the right secret.
 */
export function signinError(code: SigninErrorCode, about: string, now: Date, id: string) {
  const { number, status, error, says } = signinErrors[code]
  const timestamp = `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`
  const body = {
    error,
    error_description: `AADSTS${number}: ${says(about)} Trace ID: ${id} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: id,
    correlation_id: id,
  }
  return { status, body }
}
