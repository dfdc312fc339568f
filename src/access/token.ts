import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import type { World } from '../base/world.ts'
import type { Audiences } from '../domain/audiences.ts'
import { ArmError } from '../domain/errors.ts'
import type { Door, IssuerOf, TrustedIssuer } from '../domain/trusted-issuers.ts'
import { readClaims, type TokenSubject } from './token-claims.ts'
import { readUnverified } from './token-text.ts'

/** Clocks of two machines may differ by this much. */
const skewS = 60
/** Signatures alone, each by a key of its own type: none with a secret that a public key could be taken for. */
const algorithms = ['RS256', 'PS256', 'ES256']
/** What an access token may call itself in its header; not a token of another purpose. */
const headerTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']

export type Principal = TokenSubject & {
  readonly tenantId: string
  /** `audienceKey` of what the token was made for. */
  readonly audience: string
  /** Not accepted from here on. */
  readonly expiresAtMs: number
}

export type VerifiedToken = {
  readonly principal: Principal
  readonly issuer: string
  /** Good as long as these are the keys of the issuer. */
  readonly keys: JSONWebKeySet
}

type TokenCheckParts = {
  readonly issuerOf: IssuerOf
  readonly door: Door
  /** `audienceKey`s of what our own issuers make tokens for here. */
  readonly audiences: Audiences
  /** What a refusal tells to ask for. */
  readonly ask: string
  readonly world: Pick<World, 'now'>
}

/**
 * Answers `token → Principal`. Neither the algorithm nor a key comes from the token: `alg` must fit the type of a key that
 * its issuer is known to have. Throws `AuthenticationFailed` with Azure's wording for everything that is wrong with it,
 * Unavailable when its issuer must be asked and is away.
 */
export function openTokenCheck({ issuerOf, door, audiences, ask, world }: TokenCheckParts) {
  const compiled = openCompiledKeys()

  return async function verifyToken(token: string): Promise<VerifiedToken> {
    const said = readUnverified(token)
    if (!said) throw refused('it is not a signed JSON Web Token')
    const issuer = typeof said.iss === 'string' ? await issuerOf(said.iss) : undefined
    if (!issuer) {
      const named = String(said.iss).slice(0, issuerCharsTold)
      throw refused(
        `the issuer of the token is not one that this installation trusts: iss is '${named}'`,
      )
    }
    mustBeAccess(said)
    const { payload, keys } = await verified(token, { issuer, compiled, now: world.now() })
    mustBeBearer(payload)
    const { tenantId, foreign } = issuer
    const read = readClaims(payload, tenantId, foreign?.claims)
    if ('lacks' in read) throw refused(`the token lacks a claim: ${read.lacks}`)
    const isOurs = (one: string): boolean =>
      foreign ? foreign.accepts(door, one) : audiences.includes(one)
    const audience = read.audiences.find(isOurs)
    if (audience === undefined) {
      const named = read.audiences.join("', '")
      throw refused(`the token was made for another audience, '${named}'; ask for ${ask}`)
    }
    if (read.tenant !== undefined && read.tenant.toLowerCase() !== tenantId.toLowerCase()) {
      throw refused('the token names a tenant that its issuer does not serve')
    }
    const expiresAtMs = (read.expS + skewS) * 1000
    const principal = { ...read.subject, tenantId, audience, expiresAtMs }
    return { principal, issuer: issuer.issuer, keys }
  }
}

type CompiledKeys = (keys: JSONWebKeySet) => JWTVerifyGetKey

/** Importing a key costs more than a check. */
function openCompiledKeys(): CompiledKeys {
  const known = new WeakMap<JSONWebKeySet, JWTVerifyGetKey>()
  return (keys) => {
    const found = known.get(keys) ?? createLocalJWKSet(keys)
    known.set(keys, found)
    return found
  }
}

async function verified(
  token: string,
  {
    issuer,
    compiled,
    now,
  }: { readonly issuer: TrustedIssuer; readonly compiled: CompiledKeys; readonly now: Date },
): Promise<{ payload: JWTPayload; keys: JSONWebKeySet }> {
  let keys = await issuer.keys()
  const keyOf: JWTVerifyGetKey = async (header, jws) => {
    try {
      return await compiled(keys)(header, jws)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      keys = await issuer.keys(header.kid ?? '')
      return await compiled(keys)(header, jws)
    }
  }
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms,
      issuer: issuer.issuer,
      clockTolerance: skewS,
      currentDate: now,
      requiredClaims: ['exp'],
    })
    return { payload, keys }
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused(reasonOf(error))
    // Keys that the library cannot use with the algorithm: too short, of another curve.
    if (error instanceof TypeError) throw refused('the key of the token is of no use here')
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
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'the token does not say its key'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong'
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `the algorithm of the token must be one of ${algorithms.join(', ')}`
  }
  return 'it is not a signed JSON Web Token'
}

/** Header fields that change what a token means, or how it is checked, are not understood here. */
function mustBeAccess({ crit, typ }: { readonly crit: unknown; readonly typ: unknown }): void {
  if (crit !== undefined) throw refused("its header has 'crit', which is not understood here")
  const type = typeof typ === 'string' ? typ.toLowerCase() : typ
  if (!headerTypes.includes(type)) throw refused('it is no access token')
}

/** Other tokens of the same issuer are not for us, and one that is bound to a key is not for whoever carries it. */
function mustBeBearer({ typ, nonce, cnf, at_hash: ofToken }: JWTPayload): void {
  const isBearer = String(typ).toLowerCase() === 'bearer'
  // Keycloak put the nonce into its access tokens, too, before its release 24; they say what they are.
  const isId = !isBearer && (nonce !== undefined || ofToken !== undefined)
  if ((typ !== undefined && !isBearer) || isId)
    throw refused('it is no access token; an ID or refresh token opens nothing')
  if (cnf !== undefined) throw refused('it is bound to a key, which is not checked here')
}

/** Of what a token that nobody verified says, no more is repeated. */
const issuerCharsTold = 200

function refused(why: string): ArmError {
  return new ArmError('AuthenticationFailed', `The access token is invalid: ${why}.`)
}
