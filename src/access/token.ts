import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { z } from 'zod'
import type { World } from '../base/world.ts'
import { type Audiences, audienceKey } from '../domain/audiences.ts'
import { ArmError } from '../domain/errors.ts'

/** Clocks of two machines may differ by this much. */
const skewS = 60

/** An issuer whose tokens are accepted: exactly its `iss`, only its keys, only its tenant. */
export type TrustedIssuer = {
  readonly issuer: string
  readonly tenantId: string
  /** Public keys. */
  readonly keys: JSONWebKeySet
}

export type Principal = {
  readonly principalId: string
  readonly tenantId: string
  readonly name: string
  readonly kind: 'Application' | 'User'
  /** `audienceKey` of what the token was made for. */
  readonly audience: string
  /** Not accepted from here on. */
  readonly expiresAtMs: number
}

const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  exp: z.number(),
  oid: z.string().min(1),
  tid: z.string().min(1),
  idtyp: z.string().optional(),
  appid: z.string().optional(),
  upn: z.string().optional(),
})

/**
 * Answers `token → Principal`. RS256 and our own key sets only: neither `alg` nor a key comes from the token. Throws
 * `AuthenticationFailed` with Azure's wording for everything that is wrong with it.
 */
export function openTokenCheck(
  trusted: readonly TrustedIssuer[],
  { audiences, ask }: { readonly audiences: Audiences; readonly ask: string },
  world: Pick<World, 'now'>,
) {
  const issuers = trusted.map((one) => ({ ...one, keySet: createLocalJWKSet(one.keys) }))

  return async function verifyToken(token: string): Promise<Principal> {
    const claimedIssuer = issuerClaimOf(token)
    const issuer = issuers.find((one) => one.issuer === claimedIssuer)
    if (!issuer) throw refused('the issuer of the token is not one that this installation trusts')
    const payload = await verified(token, issuer, world.now())
    const claims = Claims.safeParse(payload)
    if (!claims.success) throw refused('the token lacks a claim: aud, exp, oid and tid are needed')
    const { aud, exp, oid, tid, idtyp, appid, upn } = claims.data
    if (!audiences.includes(audienceKey(aud))) {
      throw refused(`the token was made for another audience, '${aud}'; ask for ${ask}`)
    }
    if (tid !== issuer.tenantId)
      throw refused('the token names a tenant that its issuer does not serve')
    return {
      principalId: oid,
      tenantId: tid,
      name: upn ?? appid ?? oid,
      kind: idtyp === 'app' ? 'Application' : 'User',
      audience: audienceKey(aud),
      expiresAtMs: (exp + skewS) * 1000,
    }
  }
}

async function verified(
  token: string,
  { issuer, keySet }: { issuer: string; keySet: ReturnType<typeof createLocalJWKSet> },
  now: Date,
) {
  try {
    const { payload } = await jwtVerify(token, keySet, {
      algorithms: ['RS256'],
      issuer,
      clockTolerance: skewS,
      currentDate: now,
      requiredClaims: ['exp'],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused(reasonOf(error))
    throw error
  }
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired; sign in again'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf'
      ? 'the token is not valid yet'
      : `the claim '${error.claim}' is wrong`
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'the key of the token is not known'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm of the token must be RS256'
  return 'it is not a signed JSON Web Token'
}

/** Read before verification, only to choose whose keys must have signed it. */
function issuerClaimOf(token: string): unknown {
  const [, body, signature, more] = token.split('.')
  if (body === undefined || signature === undefined || more !== undefined) {
    throw refused('it is not a signed JSON Web Token')
  }
  try {
    return z
      .object({ iss: z.unknown() })
      .parse(JSON.parse(Buffer.from(body, 'base64url').toString())).iss
  } catch {
    throw refused('it is not a signed JSON Web Token')
  }
}

function refused(why: string): ArmError {
  return new ArmError('AuthenticationFailed', `The access token is invalid: ${why}.`)
}
