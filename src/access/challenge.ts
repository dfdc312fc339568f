/**
 * The `WWW-Authenticate` header of a 401, in Azure's form: it tells clients where to get a token. `why` is the message
 * of the `AuthenticationFailed` error.
 */
export function challenge(authority: string, why: string): string {
  // A quoted-string of RFC 9110: no quotes, no backslashes, printable ASCII only.
  const described = why.replace(/[^\x20-\x7e]|["\\]/g, "'")
  return `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${described}"`
}

/** Where clients get tokens: at an issuer elsewhere (Entra ID's authority is its `iss` without the version), or here. */
export function authorityOf(elsewhere: string | undefined, own: string): string {
  return elsewhere?.replace(/\/(v2\.0\/?)?$/, '') ?? own
}
