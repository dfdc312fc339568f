import { liveCertificates } from './find-client.ts'
import { thumbprintsOf } from './oidc-clients.ts'
import { errors } from './oidc-library.ts'

/** Clients say ten minutes. A replayed one is known as long as it is good, so that time is bounded. */
const lifetimeSMax = 3600

/**
 * What the library does not look at: an assertion is the client's own, lasts no longer than an hour, and where it names a
 * certificate, that is one which counts. Signature, audience, `exp`, and that its `jti` is used once, are the library's.
 * Throws InvalidClientAuth.
 */
export async function checkAssertion(
  parts: Parameters<typeof liveCertificates>[0],
  said: {
    readonly claims: Readonly<Record<string, unknown>>
    readonly header: Readonly<Record<string, unknown>>
    readonly clientId: string
  },
): Promise<void> {
  const { claims, header, clientId } = said
  if (claims.sub !== clientId) throw refused('sub must be the client id')
  const nowS = parts.world.now().getTime() / 1000
  if (typeof claims.exp !== 'number' || claims.exp > nowS + lifetimeSMax) {
    throw refused('exp is more than an hour away')
  }
  const known = (await liveCertificates(parts, clientId)).map(({ value }) => thumbprintsOf(value))
  const named = [
    [header.x5t, known.map(({ x5t }) => x5t)],
    [header['x5t#S256'], known.map(({ x5tS256 }) => x5tS256)],
  ] as const
  for (const [thumbprint, all] of named) {
    if (thumbprint !== undefined && !all.some((one) => one === withoutPadding(thumbprint))) {
      throw refused('the certificate is not registered')
    }
  }
}

/** Some clients pad base64url. */
function withoutPadding(thumbprint: unknown): unknown {
  return typeof thumbprint === 'string' ? thumbprint.replace(/=+$/, '') : thumbprint
}

function refused(why: string) {
  return new errors.InvalidClientAuth(why)
}
