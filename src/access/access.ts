import { openLru } from '../base/lru.ts'
import type { Caller, KeptPrincipal } from '../domain/access.ts'
import type { Audiences } from '../domain/audiences.ts'
import type { Holder } from '../domain/directory.ts'
import { ArmError } from '../domain/errors.ts'
import type { Door, IssuerOf } from '../domain/trusted-issuers.ts'
import { type HeldParts, openHeldRoles } from './held-roles.ts'
import { openTokenCheck, type Principal, type VerifiedToken } from './token.ts'

/** Tokens in use at once; one more costs one signature check again, about 50 us. */
const tokensMax = 4096
/** A header beyond this is not a token of ours; Node itself stops at 16 KiB. */
const headerCharsMax = 16_384

type AccessParts = HeldParts & {
  readonly issuerOf: IssuerOf
  /** `audienceKey`s; the first is what a refusal tells to ask for. */
  readonly audiences: readonly string[]
  /** The same of blob endpoints: no token opens both. */
  readonly storageAudiences?: Audiences
  /** The same of Graph; the first is what a refusal tells to ask for. */
  readonly graphAudiences?: readonly string[]
}

/**
 * Turns an `Authorization` header into a Caller. Throws `AuthenticationFailed`, Unavailable. Whoever changes assignments
 * in this process does it through the `roles` given back, and principals within `changing`: the next request sees it.
 */
export function openAccess(parts: AccessParts) {
  const { issuerOf, audiences, storageAudiences, world } = parts
  const graph = parts.graphAudiences ?? []
  const principalsAt = (door: Door, audiences: Audiences, ask = '') =>
    openPrincipals(openTokenCheck({ issuerOf, door, audiences, ask, world }), { issuerOf, world })
  const ofArm = principalsAt('arm', audiences, audiences[0])
  const ofBlobs = principalsAt('blobs', storageAudiences ?? [], 'https://storage.azure.com')
  const ofGraph = principalsAt('graph', graph, graph[0])
  const held = openHeldRoles(parts)

  async function callerOf(principal: Principal): Promise<Caller> {
    const { principalId, tenantId, clientId, name, kind, remark } = principal
    const permissions = await held.permissions(holderOf(principal))
    const mayLink = permissions.may
    const { groups, ...alone } = principal
    const who = { principalId, tenantId, clientId, name, kind, groups, remark }
    const caller: Caller = { ...who, ...permissions, mayLink }
    if (groups === undefined) return caller
    const mayAlone = async (action: string, scope: string) =>
      (await held.permissions(holderOf(alone))).may(action, scope)
    return { ...caller, mayAlone }
  }

  async function authenticate(authorization: string | undefined): Promise<Caller> {
    return callerOf(await ofArm(authorization))
  }

  /** The same with a token for blobs; `isFor` says whether one of this audience is for the account that is asked. */
  async function authenticateForBlobs(
    authorization: string | undefined,
    isFor: (audience: string) => boolean,
  ): Promise<Caller> {
    const principal = await ofBlobs(authorization)
    if (isFor(principal.audience)) return callerOf(principal)
    throw new ArmError(
      'AuthenticationFailed',
      'The access token is invalid: it was made for another storage account.',
    )
  }

  /** The same with a token for Graph. */
  async function authenticateForGraph(authorization: string | undefined): Promise<Caller> {
    return callerOf(await ofGraph(authorization))
  }

  /** What somebody may who is not asking now. */
  const mayOf = async (holder: Holder) => (await held.permissions(holder)).may

  /** Who asked once, with what is his now: nothing that was read before counts. Throws Unavailable. */
  async function callerAgain(principal: KeptPrincipal): Promise<Caller> {
    const permissions = await openHeldRoles(parts).permissions(holderOf(principal))
    return { ...principal, ...permissions, mayLink: permissions.may }
  }

  const { roles, rolesOf, changing } = held
  const authenticating = { authenticate, authenticateForBlobs, authenticateForGraph, callerAgain }
  return { ...authenticating, mayOf, roles, rolesOf, changing }
}

/** Principals by the whole header, as long as their tokens last and their issuers have the same keys. */
function openPrincipals(
  verifyToken: (token: string) => Promise<VerifiedToken>,
  { issuerOf, world }: Pick<AccessParts, 'issuerOf' | 'world'>,
) {
  const tokens = openLru<string, VerifiedToken>(tokensMax)

  async function stillGood({ principal, issuer, keys }: VerifiedToken): Promise<boolean> {
    if (principal.expiresAtMs <= world.now().getTime()) return false
    const now = await issuerOf(issuer)
    return now !== undefined && (await now.keys()) === keys
  }

  return async (authorization: string | undefined): Promise<Principal> => {
    const known = authorization === undefined ? undefined : tokens.get(authorization)
    if (known && (await stillGood(known))) return known.principal
    const verified = await verifyToken(bearerOf(authorization))
    tokens.set(authorization ?? '', verified)
    return verified.principal
  }
}

/** A person has nothing that is granted to the application he uses. */
function holderOf({ principalId, tenantId, clientId, kind, groups }: KeptPrincipal): Holder {
  return { principalId, tenantId, groups, ...(kind === 'Application' && { clientId }) }
}

function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') {
    throw new ArmError(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    )
  }
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization) ?? []
  if (token === undefined || authorization.length > headerCharsMax) {
    throw new ArmError(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is provided in an invalid format; use 'Bearer' and a token.",
    )
  }
  return token
}
