/**
 * The `WWW-Authenticate` header of a 401, in Azure's form: it tells clients where to get a token. `why` is the message
 * of the `AuthenticationFailed` error.
 */
export function challenge(baseUrl: string, tenantId: string, why: string): string {
  // A quoted-string of RFC 9110: no quotes, no backslashes, printable ASCII only.
  const described = why.replace(/[^\x20-\x7e]|["\\]/g, "'")
  return `Bearer authorization_uri="${baseUrl}/${tenantId}", error="invalid_token", error_description="${described}"`
}
