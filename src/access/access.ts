import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import type { Caller } from '../domain/access.ts'
import type { Assignment, AssignmentRows } from '../domain/directory.ts'
import { ArmError } from '../domain/errors.ts'
import { permissionsOf } from './permissions.ts'
import { openTokenCheck, type Principal, type TrustedIssuer } from './token.ts'

/** Tokens in use at once; one more costs one signature check again, about 50 us. */
const tokensMax = 4096
const principalsMax = 1024
/** How long a change made by another process may go unseen; changes made here are seen at once. */
const assignmentsFreshMs = 2_000
/** A header beyond this is not a token of ours; Node itself stops at 16 KiB. */
const headerCharsMax = 16_384

type AccessParts = {
  readonly trusted: readonly TrustedIssuer[]
  /** `audienceKey`s; the first is what a refusal tells to ask for. */
  readonly audiences: readonly string[]
  readonly assignments: AssignmentRows
  readonly world: Pick<World, 'now'>
}

/**
 * Turns an `Authorization` header into a Caller. Throws `AuthenticationFailed`, Unavailable. Whoever changes assignments
 * in this process does it through the `assignments` given back, so that the next request sees it.
 */
export function openAccess({ trusted, audiences, assignments, world }: AccessParts) {
  const verifyToken = openTokenCheck(trusted, audiences, world)
  /** By the whole header. */
  const principals = openLru<string, Principal>(tokensMax)
  const held = openHeldAssignments(assignments, world)

  async function authenticate(authorization: string | undefined): Promise<Caller> {
    let principal = authorization === undefined ? undefined : principals.get(authorization)
    if (!principal || principal.expiresAtMs <= world.now().getTime()) {
      principal = await verifyToken(bearerOf(authorization))
      principals.set(authorization ?? '', principal)
    }
    const { principalId, tenantId, name, kind } = principal
    const { may, visible } = await held.permissions(principalId)
    return { principalId, tenantId, name, kind, may, visible }
  }

  return { authenticate, assignments: held.watched }
}

function openHeldAssignments(rows: AssignmentRows, world: Pick<World, 'now'>) {
  type Held = { readonly permissions: ReturnType<typeof permissionsOf>; readonly untilMs: number }
  let cache = openLru<string, Held>(principalsMax)

  async function permissions(principalId: string) {
    const known = cache.get(principalId)
    const nowMs = world.now().getTime()
    if (known && known.untilMs > nowMs) return known.permissions
    // A load that a change overtakes ends up in the cache that was thrown away.
    const into = cache
    const fresh = permissionsOf(await rows.ofPrincipal(principalId))
    into.set(principalId, { permissions: fresh, untilMs: nowMs + assignmentsFreshMs })
    return fresh
  }

  /** Forgets after the change is durable, and also when it failed: then it may have happened. */
  async function changing<Result>(change: Promise<Result>): Promise<Result> {
    try {
      return await change
    } finally {
      cache = openLru(principalsMax)
    }
  }

  const watched: AssignmentRows = {
    ofPrincipal: (principalId) => rows.ofPrincipal(principalId),
    putIfAbsent: (assignment: Assignment) => changing(rows.putIfAbsent(assignment)),
    remove: (id) => changing(rows.remove(id)),
  }
  return { permissions, watched }
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
