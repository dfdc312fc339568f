import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import {
  type Assignment,
  type AssignmentRows,
  type Holder,
  isGrant,
  type RoleDefinitionRows,
} from '../domain/directory.ts'
import type { Tenancy } from '../domain/tenants.ts'
import { type Permissions, permissionsOf } from './permissions.ts'
import { openRoles } from './roles.ts'

const principalsMax = 1024
/** How long a change made by another process may go unseen; changes made here are seen at once. */
const rolesFreshMs = 2_000

export type HeldParts = {
  readonly assignments: AssignmentRows
  readonly roleDefinitions: RoleDefinitionRows
  readonly tenancy: Tenancy
  readonly world: Pick<World, 'now'>
}

/** What principals may, kept until something of it changes or ends: one small look every now and then tells. */
export function openHeldRoles({ assignments, roleDefinitions, tenancy, world }: HeldParts) {
  let cache = openLru<string, Held>(principalsMax)
  let loads = new Map<string, Promise<Held>>()
  let known: { readonly stamp: number; readonly roleOf: ReturnType<typeof openRoles> } | undefined
  let freshUntilMs = 0
  let changes = 0

  async function permissions(holder: Holder): Promise<Held['permissions']> {
    const roleOf = await rolesNow()
    const key = keyOfHolder(holder)
    const kept = cache.get(key)
    if (kept && world.now().getTime() < kept.untilMs) return kept.permissions
    // Thousands of rows are read once for all who wait for them.
    const known = loads.get(key)
    if (known) return (await known).permissions
    // A load that a change overtakes ends up among those that were thrown away.
    const [into, among] = [cache, loads]
    const load = loadOf(holder, roleOf)
    among.set(key, load)
    try {
      const held = await load
      into.set(key, held)
      return held.permissions
    } finally {
      among.delete(key)
    }
  }

  async function loadOf(holder: Holder, roleOf: ReturnType<typeof openRoles>): Promise<Held> {
    const { tenantId = tenancy.homeTenantId } = holder
    const subscriptions = tenancy.subscriptionsOf(tenantId)
    const rows = await assignments.heldBy({ ...holder, subscriptions })
    const nowMs = world.now().getTime()
    const given = rows.filter(({ expiresMs = Infinity }) => nowMs < expiresMs)
    const fresh = {
      ...permissionsOf(given, roleOf, { ...tenancy, tenantId }),
      granted: given.filter(isGrant),
    }
    return { permissions: fresh, untilMs: firstEnd(given) }
  }

  async function rolesNow(): Promise<ReturnType<typeof openRoles>> {
    const nowMs = world.now().getTime()
    if (known && nowMs < freshUntilMs) return known.roleOf
    const before = changes
    const stamp = await assignments.stamp()
    if (known?.stamp !== stamp) {
      cache = openLru(principalsMax)
      loads = new Map()
      known = { stamp, roleOf: openRoles(await roleDefinitions.all()) }
    }
    // A look that a change of this process overtook tells nothing of what is now.
    if (before === changes) freshUntilMs = nowMs + rolesFreshMs
    return known.roleOf
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
        put: (assignment) => changing(assignments.put(assignment)),
        remove: (id, lastOf) => changing(assignments.remove(id, lastOf)),
      },
      roleDefinitions: {
        ...roleDefinitions,
        put: (definition) => changing(roleDefinitions.put(definition)),
        remove: (id) => changing(roleDefinitions.remove(id)),
      },
    }
  }

  const roles = rolesOf({ assignments, roleDefinitions })
  return { permissions, roles, rolesOf, changing }
}

type Roles = Pick<HeldParts, 'assignments' | 'roleDefinitions'>

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
