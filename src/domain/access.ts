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
