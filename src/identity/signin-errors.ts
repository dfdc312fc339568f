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
  GrantUnsupported: {
    number: 70003,
    status: 400,
    error: 'unsupported_grant_type',
    says: () => "The app requested an unsupported grant type; use 'client_credentials'.",
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
