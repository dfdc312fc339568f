import { type Assignment, isGrant, type Permission, type Role } from '../domain/directory.ts'
import { isWithin, keyOf } from '../domain/resource-id.ts'
import { subscriptionOf, type Tenancy } from '../domain/tenants.ts'
import { granted, isGranted } from './granted-role.ts'
import { covers, roleAllows } from './roles.ts'

/** Answers that are kept: a caller asks the same few questions again and again. */
const visibleKept = 256

export type Permissions = ReturnType<typeof permissionsOf>

/** Whose tenant the principal is of, and which subscriptions are whose. */
export type Within = Tenancy & { readonly tenantId: string }

/** Where there is one tenant. */
const alone: Within = {
  tenantId: '',
  homeTenantId: '',
  tenantOf: () => undefined,
  subscriptionsOf: () => [],
  scopesOf: () => 'all',
}

type Given = Pick<Assignment, 'roleId' | 'scope'> & Partial<Pick<Assignment, 'principalType'>>

/**
 * A union of roles and grants, so nothing that one role leaves out is taken from another; what nobody grants is denied. The group of
 * all subscriptions (`/providers/Microsoft.Management/managementGroups/{tenant}`) stands above each of them. A role holds in
 * what is the principal's own tenant's; what belongs to the installation is the home tenant's. A grant holds anywhere.
 */
export function permissionsOf(
  assignments: readonly Given[],
  roleOf: (id: string) => Role | undefined,
  within: Within = alone,
) {
  const isOwn = openOwn(within)
  const reaching = assignments.filter((one) => isGrant(one) || isOwn(keyOf(one.scope)))
  const byScope = rolesByScope(reaching, roleOf)
  const overAll = [...byScope]
    .filter(([scope]) => isGroupOfAll(scope))
    .flatMap(([, roles]) => roles)
  const seen = new Map<string, 'all' | readonly string[]>()

  /** The roles given at `key` or above it. */
  function* rolesAbove(key: string): Generator<Role> {
    if (isOwn(key)) {
      yield* byScope.get('') ?? []
      if (key.startsWith('/subscriptions')) yield* overAll
    }
    for (let end = key.indexOf('/', 1); end > 0; end = key.indexOf('/', end + 1)) {
      yield* byScope.get(key.slice(0, end)) ?? []
    }
    if (key !== '') yield* byScope.get(key) ?? []
  }

  /** True when a role at `scope` (an id or a key; `/` is the root) or above it allows `action`. */
  function may(action: string, scope: string): boolean {
    for (const role of rolesAbove(keyOf(scope))) if (roleAllows(role, action)) return true
    return false
  }

  /** The highest scope keys below which `action` is allowed, sorted, none below another; `all` at the root. */
  function visible(action: string): 'all' | readonly string[] {
    const known = seen.get(action)
    if (known) return known
    if (seen.size >= visibleKept) seen.clear()
    const found = highestScopes(action)
    seen.set(action, found)
    return found
  }

  function highestScopes(action: string): 'all' | readonly string[] {
    const allowing = [...byScope].filter(([, roles]) =>
      roles.some((role) => roleAllows(role, action)),
    )
    const keys = new Set(allowing.map(([key]) => key))
    if (keys.has('') || [...keys].some(isGroupOfAll)) {
      const all = within.scopesOf(within.tenantId)
      if (all === 'all') return 'all'
      for (const key of keys) if (key === '' || isGroupOfAll(key)) keys.delete(key)
      for (const key of all) keys.add(key)
    }
    return [...keys]
      .filter((key) => !isBelowOne(key, keys))
      .sort((one, other) => (one < other ? -1 : 1))
  }

  /** What the caller holds at `scope`, as ARM's `permissions` tells it. */
  function heldAt(scope: string): readonly Permission[] {
    return [...new Set(rolesAbove(keyOf(scope)))].flatMap((role) => role.permissions)
  }

  /**
   * Nobody gives more than he has; only who may do everything with roles at `scope` (an Owner, a User Access
   * Administrator) may give any role there, as in Azure.
   */
  function mayGive(permissions: readonly Permission[], scope: string): boolean {
    // What was granted across tenants is to be used, not passed on.
    const own = [...rolesAbove(keyOf(scope))].filter((role) => !isGranted(role))
    const held = own.flatMap((role) => role.permissions)
    if (covers(held, allOfAuthorization)) return true
    return permissions.every((permission) => covers(held, permission))
  }

  /** Whether anything at all was given at the key of a scope or below it, or above it in the principal's own tenant. */
  function reaches(scopeKey: string): boolean {
    return isOwn(scopeKey) || [...byScope.keys()].some((key) => isWithin(key, scopeKey))
  }

  /** Whether any role or grant was given at the key of a scope, above it, or below it. */
  function holdsIn(scopeKey: string): boolean {
    if (!rolesAbove(scopeKey).next().done) return true
    return [...byScope.keys()].some((key) => isWithin(key, scopeKey))
  }

  return { may, visible, heldAt, mayGive, reaches, holdsIn }
}

/** Whether a scope key is the tenant's: its root, its group, its subscriptions; of the home tenant all that is nobody's. */
function openOwn({ tenantId, homeTenantId, tenantOf, scopesOf }: Within) {
  if (scopesOf(tenantId) === 'all') return () => true
  const group = `${groups}${tenantId}`
  return (key: string): boolean => {
    if (key === '') return true
    const subscription = subscriptionOf(key)
    if (subscription !== undefined) return (tenantOf(subscription) ?? homeTenantId) === tenantId
    return isGroupOfAll(key) ? isWithin(key, group) : tenantId === homeTenantId
  }
}

function rolesByScope(assignments: readonly Given[], roleOf: (id: string) => Role | undefined) {
  const byScope = new Map<string, Role[]>()
  for (const one of assignments) {
    const role = roleOf(one.roleId)
    if (!role) continue
    const key = keyOf(one.scope)
    const roles = byScope.get(key)
    const given = isGrant(one) ? granted(role) : role
    if (roles) roles.push(given)
    else byScope.set(key, [given])
  }
  return byScope
}

const allOfAuthorization: Permission = {
  actions: ['Microsoft.Authorization/*'],
  notActions: [],
  dataActions: [],
  notDataActions: [],
}

const groups = '/providers/microsoft.management/managementgroups/'

function isGroupOfAll(scopeKey: string): boolean {
  return scopeKey.startsWith(groups)
}

/** Whether a key above `key`, on slash boundaries, is among them; the root apart. */
function isBelowOne(key: string, keys: ReadonlySet<string>): boolean {
  for (let end = key.indexOf('/', 1); end > 0; end = key.indexOf('/', end + 1)) {
    if (keys.has(key.slice(0, end))) return true
  }
  return false
}
