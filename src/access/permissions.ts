import type { Assignment } from '../domain/directory.ts'
import { isWithin, keyOf } from '../domain/resource-id.ts'
import { type Role, roleAllows, roleById } from './roles.ts'

/** A union of grants, so nothing that one role leaves out is taken from another; what nobody grants is denied. */
export function permissionsOf(assignments: readonly Assignment[]) {
  const grants = assignments.flatMap(({ roleId, scopeKey }) => {
    const role = roleById(roleId)
    return role ? [{ role, scopeKey }] : []
  })

  /** True when a role at `scope` (an id or a key; `/` is the root) or above it allows `action`. */
  function may(action: string, scope: string): boolean {
    const key = keyOf(scope)
    return grants.some(({ role, scopeKey }) => isWithin(key, scopeKey) && roleAllows(role, action))
  }

  /** The highest scope keys below which `action` is allowed, sorted, none below another; `all` at the root. */
  function visible(action: string): 'all' | readonly string[] {
    const keys = scopesThatAllow(grants, action)
    if (keys.has('')) return 'all'
    return [...keys]
      .filter((key) => !ancestorsOf(key).some((above) => keys.has(above)))
      .sort((one, other) => (one < other ? -1 : 1))
  }

  return { may, visible }
}

function scopesThatAllow(
  grants: readonly { readonly role: Role; readonly scopeKey: string }[],
  action: string,
): ReadonlySet<string> {
  return new Set(
    grants.filter(({ role }) => roleAllows(role, action)).map(({ scopeKey }) => scopeKey),
  )
}

/** Every key above `key` on slash boundaries; the root apart. */
function ancestorsOf(key: string): readonly string[] {
  const segments = key.split('/')
  return segments.slice(2).map((_, index) => segments.slice(0, index + 2).join('/'))
}
