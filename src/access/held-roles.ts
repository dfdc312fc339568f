import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import {
  type Assignment,
  type AssignmentRows,
  type Holder,
  isGrant,
  type RoleDefinitionRows,
} from '../domain/directory.ts'
import { keyOf } from '../domain/resource-id.ts'
import { subscriptionOf, type Tenancy } from '../domain/tenants.ts'
import { type Permissions, permissionsOf } from './permissions.ts'
import { openRoles } from './roles.ts'

const principalsMax = 1024
/** How long a change made by another process may go unseen; changes made here are seen at once. */
const rolesFreshMs = 2_000

export type HeldParts = {
  readonly assignments: AssignmentRows
  readonly roleDefinitions: RoleDefinitionRows
  readonly tenancy: Tenancy
  /** Whether another issuer names the people of a tenant: they are not in the directory. */
  isServedElsewhere(tenantId: string): boolean
  readonly world: Pick<World, 'now'>
}

/** What principals may, kept until something of it changes or ends: one small look every now and then tells. */
export function openHeldRoles(parts: HeldParts) {
  const { assignments, roleDefinitions, world } = parts
  const loadOf = openLoads(parts)
  let known: Known | undefined
  let freshUntilMs = 0
  let changes = 0
  let lookedAfter = 0

  async function permissions(holder: Holder): Promise<Held['permissions']> {
    // A load that a change overtakes ends up among those that are thrown away.
    const { roleOf, cache, loads } = await rolesNow()
    const key = keyOfHolder(holder)
    const kept = cache.get(key)
    if (kept && world.now().getTime() < kept.untilMs) return kept.permissions
    // Thousands of rows are read once for all who wait for them.
    const waiting = loads.get(key)
    if (waiting !== undefined) return (await waiting).permissions
    const load = loadOf(holder, roleOf)
    loads.set(key, load)
    try {
      const held = await load
      cache.set(key, held)
      return held.permissions
    } finally {
      loads.delete(key)
    }
  }

  async function rolesNow(): Promise<Known> {
    const nowMs = world.now().getTime()
    if (known && nowMs < freshUntilMs) return known
    const before = changes
    const stamp = await assignments.stamp()
    let now = known?.stamp === stamp ? known : undefined
    if (!now) {
      const roleOf = openRoles(await roleDefinitions.all())
      const fresh = { stamp, roleOf, cache: openLru<string, Held>(principalsMax), loads: new Map() }
      now = known?.stamp === stamp ? known : fresh
    }
    // A slow look never takes the place of one that began after a later change of this process.
    if (before < lookedAfter) return now
    known = now
    lookedAfter = before
    // A look that such a change overtook tells nothing of what is now.
    if (before === changes) freshUntilMs = nowMs + rolesFreshMs
    return now
  }

  /** Forgets after the change is durable, and also when it failed: then it may have happened. */
  async function changing<Result>(change: Promise<Result>): Promise<Result> {
    try {
      return await change
    } finally {
      changes += 1
      freshUntilMs = 0
    }
  }

  /** The same rows, whose changes the next request of this process sees. */
  function rolesOf({ assignments, roleDefinitions }: Roles): Roles {
    return {
      assignments: {
        ...assignments,
        put: (...asked) => changing(assignments.put(...asked)),
        remove: (id, lastOf) => changing(assignments.remove(id, lastOf)),
      },
      roleDefinitions: {
        ...roleDefinitions,
        put: (definition, before) => changing(roleDefinitions.put(definition, before)),
        remove: (id) => changing(roleDefinitions.remove(id)),
      },
    }
  }

  const roles = rolesOf({ assignments, roleDefinitions })
  return { permissions, roles, rolesOf, changing }
}

/** Reads what somebody holds now. */
function openLoads({ assignments, tenancy, isServedElsewhere, world }: HeldParts) {
  /** Who lost a subscription to another tenant, or whose subscription is gone, grants nothing in it. */
  function isOwners({ scope, tenantId }: Assignment): boolean {
    return tenancy.tenantOf(subscriptionOf(keyOf(scope)) ?? '') === tenantId
  }

  return async (holder: Holder, roleOf: ReturnType<typeof openRoles>): Promise<Held> => {
    const { tenantId = tenancy.homeTenantId } = holder
    const rows = await assignments.heldBy({
      ...{ ...holder, subscriptions: tenancy.subscriptionsOf(tenantId) },
      ...{ isServedElsewhere: isServedElsewhere(tenantId), atMs: world.now().getTime() },
    })
    const nowMs = world.now().getTime()
    const given = rows.filter(
      (one) => nowMs < (one.expiresMs ?? Infinity) && (!isGrant(one) || isOwners(one)),
    )
    const fresh = {
      ...permissionsOf(given, roleOf, { ...tenancy, tenantId }),
      granted: given.filter(isGrant),
    }
    return { permissions: fresh, untilMs: firstEnd(given) }
  }
}

type Roles = Pick<HeldParts, 'assignments' | 'roleDefinitions'>

/** All that is known as of one stamp: what it was made of is never put into that of another. */
type Known = {
  readonly stamp: number
  readonly roleOf: ReturnType<typeof openRoles>
  readonly cache: ReturnType<typeof openLru<string, Held>>
  readonly loads: Map<string, Promise<Held>>
}

type Held = {
  readonly permissions: Permissions & { readonly granted: readonly Assignment[] }
  /** From here on less is held. */
  readonly untilMs: number
}

function keyOfHolder({ principalId, tenantId, clientId, groups }: Holder): string {
  return [principalId, tenantId, clientId, ...(groups ?? [])].join(' ')
}

function firstEnd(given: readonly Assignment[]): number {
  return given.reduce((first, { expiresMs = Infinity }) => Math.min(first, expiresMs), Infinity)
}
