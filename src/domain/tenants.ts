import type { Application, Assignment, Written } from './directory.ts'

/** A directory of its own with its own subscriptions; one of them, the home tenant, is the operators'. */
export type Tenant = Written & {
  /** A GUID, lower case. */
  readonly id: string
  /** Unique, whatever its case. */
  readonly name: string
  /** What its first owner signs in with; undefined for the home tenant. */
  readonly ownerClientId: string | undefined
}

/** Who owns all of a tenant at first. */
export type FirstOwner = {
  readonly application: Application
  readonly assignments: readonly Assignment[]
}

export type TenantRows = {
  /** By id: at most `limits.tenantsMax`. */
  all(): Promise<readonly Tenant[]>
  get(id: string): Promise<Tenant | undefined>
  /** Those that have a guest who accepted and is this user at home, by id: a bounded number. */
  ofGuest(homeId: string): Promise<readonly Tenant[]>
  /**
   * Durable once resolved. `made`: with its owner, where one is told; `kept`: its name is the one told, nothing else
   * changed; `named`: another one has this name; `full`: there are too many. Nothing is written then.
   */
  put(tenant: Tenant, owner?: FirstOwner): Promise<'made' | 'kept' | 'named' | 'full'>
  /**
   * With its first owner, its roles and all that was given in it or to it; what it was, undefined when there is none.
   * `used`: it has other principals, or another tenant let its owner in, and it stays.
   */
  remove(id: string): Promise<Tenant | 'used' | undefined>
}

/** Which subscription is whose. */
export type Tenancy = {
  /** The operators' own: what belongs to the whole installation is theirs. */
  readonly homeTenantId: string
  /** By its id, lower case; undefined for one that is not configured. */
  tenantOf(subscription: string): string | undefined
  /** Ids, lower case, ascending. */
  subscriptionsOf(tenantId: string): readonly string[]
  /** The keys of a tenant's subscriptions, ascending; `all` when no other tenant has any. */
  scopesOf(tenantId: string): 'all' | readonly string[]
}

/** Of the configured subscriptions. */
export function tenancyOf(
  homeTenantId: string,
  subscriptions: readonly { readonly id: string; readonly tenantId: string }[],
): Tenancy {
  const owners = new Map(subscriptions.map(({ id, tenantId }) => [id.toLowerCase(), tenantId]))
  const owned = Map.groupBy([...owners.keys()].toSorted(), (id) => owners.get(id) ?? homeTenantId)
  // What is not configured any more is the operators' to see.
  const isOne = [...owned.keys()].every((tenantId) => tenantId === homeTenantId)
  const subscriptionsOf = (tenantId: string) => owned.get(tenantId) ?? []
  return {
    homeTenantId,
    tenantOf: (subscription) => owners.get(subscription),
    subscriptionsOf,
    scopesOf: (tenantId) =>
      isOne && tenantId === homeTenantId
        ? 'all'
        : subscriptionsOf(tenantId).map((id) => `/subscriptions/${id}`),
  }
}

/** The subscription of a scope key, lower case; undefined for what is above subscriptions. */
export function subscriptionOf(scopeKey: string): string | undefined {
  const prefix = '/subscriptions/'
  if (!scopeKey.startsWith(prefix)) return undefined
  const end = scopeKey.indexOf('/', prefix.length)
  return scopeKey.slice(prefix.length, end < 0 ? undefined : end)
}
