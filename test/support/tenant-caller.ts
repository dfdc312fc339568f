import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { freshSecret, hashSecret } from '../../src/identity/client-secret.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from './arm.ts'
import { grant } from './grants.ts'
import type { TestInstallation } from './test-installation.ts'

export type TenantCaller = Arm & { readonly objectId: string; readonly clientId: string }

/** An application of another tenant, signed in there; with a role in a subscription of that tenant, or with none. */
export async function openTenantCaller(
  vitrine: TestInstallation,
  tenantId: string,
  subscription: string,
  role: keyof typeof builtInRoles | undefined,
): Promise<TenantCaller> {
  const world = openWorld('error')
  const { directory } = vitrine.installation.store
  const written = { createdMs: 1, createdBy: 'c', updatedMs: 1, updatedBy: 'c' }
  const name = `tenant ${tenantId}`
  await directory.tenants.put({ id: tenantId, name, ownerClientId: undefined, ...written })
  const clientSecret = freshSecret()
  const { objectId, clientId } = await directory.applications.putIfAbsent({
    ...{ clientId: world.id(), objectId: world.id(), tenantId, displayName: 'of another tenant' },
    secretHash: await hashSecret(clientSecret),
  })
  if (role !== undefined) {
    const scope = `/subscriptions/${subscription}`
    const roleId = builtInRoles[role].id
    await directory.assignments.put(
      grant({ id: world.id(), principalId: objectId, roleId, scope, tenantId }),
    )
  }
  const form = {
    ...{ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
    scope: `${vitrine.url}/.default`,
  }
  const answer = await fetch(`${vitrine.url}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const told: unknown = await answer.json()
  const token = typeof told === 'object' && told !== null ? Reflect.get(told, 'access_token') : ''
  const headers = { authorization: `Bearer ${String(token)}` }
  return { ...openArm({ ...vitrine, subscription }, undefined, headers), objectId, clientId }
}
