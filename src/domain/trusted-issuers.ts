import type { JSONWebKeySet } from 'jose'

/** What a token is presented at: each takes tokens for audiences of its own. */
export type Door = 'arm' | 'blobs' | 'graph'

/** How the tokens of an issuer that is not ours say who asks, as names of claims. */
export type ForeignClaims = {
  readonly principalId: 'oid' | 'sub'
  /** Left out: those that are usual. */
  readonly name: string | undefined
  readonly groups: string
  /** The tenant, which must be the issuer's; left out: `tid`, which only tokens that are named by `oid` must have. */
  readonly tenant: string | undefined
}

/** An issuer whose tokens are accepted: exactly its `iss`, only its keys, only its tenant. */
export type TrustedIssuer = {
  readonly issuer: string
  readonly tenantId: string
  /**
   * Its public keys, the same object until they change; whoever knows of a key that is not among them says its `kid`, so
   * that they are looked up again. Throws Unavailable.
   */
  keys(missing?: string): JSONWebKeySet | Promise<JSONWebKeySet>
  /** Left out: it is an issuer of this installation, with the claims and audiences of those. */
  readonly foreign?: {
    readonly claims: ForeignClaims
    /** By `audienceKey`. */
    accepts(door: Door, audience: string): boolean
  }
}

/** The one that signs itself so, of those that are trusted. Throws Unavailable. */
export type IssuerOf = (
  iss: string,
) => TrustedIssuer | undefined | Promise<TrustedIssuer | undefined>
