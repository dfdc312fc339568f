import type { Caller } from '../domain/access.ts'
import { ArmError } from '../domain/errors.ts'
import { subscriptionOf, type Tenancy } from '../domain/tenants.ts'

/** The token is of another tenant than the subscription; `tenantId` is the right one. */
export class WrongTenant extends ArmError {
  readonly tenantId: string

  constructor(message: string, tenantId: string) {
    super('InvalidAuthenticationTokenTenant', message)
    this.tenantId = tenantId
  }
}

/** Whose the subscription of an ARM path is; undefined for a path above them, or of one that is not known. */
export function tenantOfPath({ tenantOf }: Tenancy, path: string): string | undefined {
  const subscription = subscriptionOf(path.replace(/\/{2,}/g, '/').toLowerCase())
  return subscription === undefined ? undefined : tenantOf(subscription)
}

/**
 * In a subscription of another tenant only what was granted there is answered. Throws InvalidAuthenticationTokenTenant in
 * Azure's words: it tells clients for which tenant to get a token. `authority`: where tokens of a tenant are got.
 */
export function mustBeOfTenant(
  { tenancy, authority }: { readonly tenancy: Tenancy; authority(tenantId: string): string },
  caller: Caller,
  path: string,
): void {
  const right = tenantOfPath(tenancy, path)
  if (right === undefined || right === caller.tenantId) return
  const key = path.replace(/\/{2,}/g, '/').toLowerCase()
  if (caller.reaches(`/subscriptions/${subscriptionOf(key)}`)) return
  const [own, other] = [authority(caller.tenantId), authority(right)]
  throw new WrongTenant(
    `The access token is from the wrong issuer '${own}/'. It must match the tenant '${other}/' associated with this subscription. ` +
      `Please use the authority (URL) '${other}' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, ` +
      'but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later.',
    right,
  )
}
