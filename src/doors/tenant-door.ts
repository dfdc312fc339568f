import type { TenantPorts } from '../access/tenants.ts'
import type { World } from '../base/world.ts'
import { type Auditor, tellAs } from '../domain/audit.ts'
import type { Tenancy, TenantRows } from '../domain/tenants.ts'
import { freshSecret, hashSecret } from '../identity/client-secret.ts'
import type { Store } from '../store/store.ts'

type TenantParts = {
  readonly store: Pick<Store, 'directory' | 'directoryFor'>
  readonly tenancy: Tenancy
  readonly changing: TenantPorts['changing']
  readonly servedElsewhere: TenantPorts['servedElsewhere']
  readonly world: World
}

/** The tenants of the installation: of each auditor, as he changes them. The home tenant is there from now on. */
export async function openTenants(parts: TenantParts) {
  const { store, tenancy, changing, servedElsewhere, world } = parts
  await ensureHomeTenant(store.directory.tenants, tenancy.homeTenantId, world)
  return (auditor: Auditor): TenantPorts => {
    const { tenants } = store.directoryFor(tellAs(auditor, world), auditor.tenantId)
    return { tenants, tenancy, world, changing, servedElsewhere, freshSecret, hashSecret }
  }
}

async function ensureHomeTenant(tenants: TenantRows, id: string, world: World): Promise<void> {
  if (await tenants.get(id)) return
  const createdMs = world.now().getTime()
  const written = { createdMs, createdBy: '', updatedMs: createdMs, updatedBy: '' }
  await tenants.put({ id, name: 'Vitrine', ownerClientId: undefined, ...written })
}
