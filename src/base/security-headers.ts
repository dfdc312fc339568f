import type { ServerResponse } from 'node:http'

/**
 * What every answer says to browsers: only TLS, no guessing of types, no address told elsewhere (some are signed), and
 * nothing in it runs or is framed. Pages that need more say their own policy.
 */
export const securityHeaders: readonly (readonly [name: string, value: string])[] = [
  ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox"],
  ['x-frame-options', 'DENY'],
]

/** Who writes a head after this may say other values. */
export function secure(response: ServerResponse): void {
  for (const [name, value] of securityHeaders) response.setHeader(name, value)
}
