import { isWithin } from './resource-id.ts'

/** Who asks, and what that principal may do. Made by `access/` from a token; asked everywhere, decided nowhere else. */
export type Caller = {
  /** The principal's object id. */
  readonly principalId: string
  readonly tenantId: string
  /** For people and `systemData`: an application's client id or a user's sign-in name. */
  readonly name: string
  readonly kind: 'Application' | 'User'
  /** True when an assignment at `scope` or above it allows `action` (`Microsoft.Compute/galleries/write`). */
  may(action: string, scope: string): boolean
  /** The scope keys below which `action` is allowed, for list queries: everything, or a sorted, bounded set. */
  visible(action: string): 'all' | readonly string[]
}

/** The scope keys of a list below `scopeKey`: that key itself when all of it is visible, else the visible keys inside. */
export function narrowTo(visible: 'all' | readonly string[], scopeKey: string): readonly string[] {
  if (visible === 'all' || visible.some((key) => isWithin(scopeKey, key))) return [scopeKey]
  return visible.filter((key) => isWithin(key, scopeKey))
}
