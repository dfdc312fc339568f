import { z } from 'zod'
import type { World } from '../base/world.ts'
import { type Caller, mustBeAllowed } from '../domain/access.ts'
import type { Application } from '../domain/directory.ts'
import { ArmError } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { FirstOwner, Tenancy, Tenant, TenantRows } from '../domain/tenants.ts'
import { builtInRoles } from './built-in-roles.ts'
import { invalid, mustBeGuid } from './role-definitions.ts'

/** What tenants are made with. */
export type TenantPorts = {
  readonly tenants: TenantRows
  readonly tenancy: Tenancy
  readonly world: Pick<World, 'id' | 'now'>
  /** The `iss` of an issuer elsewhere that names the people of this tenant. */
  servedElsewhere(tenantId: string): string | undefined
  /** Makes the next request of this process see the change. */
  changing<Result>(change: Promise<Result>): Promise<Result>
  freshSecret(): string
  hashSecret(secret: string): Promise<string>
}

/** What belongs to the whole installation: only roles at the root of the home tenant reach it. */
export const installationScope = '/providers/Vitrine.Gallery'

const Body = z.object({
  properties: z.object({ displayName: z.string().trim().min(1).max(256) }),
})

/** Those of the installation. Throws AuthorizationFailed. */
export async function listTenants(ports: TenantPorts, caller: Caller): Promise<readonly Tenant[]> {
  mustBeAllowed(caller, 'Vitrine.Gallery/tenants/read', installationScope)
  return ports.tenants.all()
}

/** Throws AuthorizationFailed, NotFound. */
export async function readTenant(ports: TenantPorts, caller: Caller, id: string): Promise<Tenant> {
  mustBeAllowed(caller, 'Vitrine.Gallery/tenants/read', installationScope)
  const found = await ports.tenants.get(id.toLowerCase())
  if (found) return found
  throw noTenant(id)
}

/**
 * Makes a tenant, or gives it another name. A new one has an application that owns all of it; its secret is told here and
 * never again. Throws AuthorizationFailed, InvalidParameter, Conflict, OperationNotAllowed.
 */
export async function writeTenant(
  ports: TenantPorts,
  caller: Caller,
  asked: { readonly id: string; readonly body: unknown },
): Promise<{ readonly tenant: Tenant; readonly ownerSecret: string | undefined }> {
  mustBeAllowed(caller, 'Vitrine.Gallery/tenants/write', installationScope)
  mustBeGuid(asked.id, 'tenant')
  const name = nameOf(asked.body)
  const id = asked.id.toLowerCase()
  const nowMs = ports.world.now().getTime()
  const by = caller.principalId
  const written = { createdMs: nowMs, createdBy: by, updatedMs: nowMs, updatedBy: by }
  const secret = ports.freshSecret()
  const owner = await firstOwner(ports, { id, name, secret }, written)
  const ownerClientId = owner.application.clientId
  const before = await ports.tenants.get(id)
  if (!before) mustBeOurs(ports, id)
  const fresh: Tenant = { id, name, ownerClientId, ...written }
  const put = await ports.changing(ports.tenants.put(fresh, owner))
  if (put === 'named') {
    const message = `Another tenant is called '${name}'. Use a different name.`
    throw new ArmError('Conflict', message, 'properties.displayName')
  }
  if (put === 'full') {
    const message = `There are ${limits.tenantsMax} tenants, as many as there may be: delete one first.`
    throw new ArmError('OperationNotAllowed', message)
  }
  if (put === 'made') return { tenant: fresh, ownerSecret: secret }
  return { tenant: { ...(before ?? fresh), name }, ownerSecret: undefined }
}

/** An owner that is made here could never sign in there. */
function mustBeOurs({ servedElsewhere }: TenantPorts, id: string): void {
  const issuer = servedElsewhere(id)
  if (issuer === undefined) return
  const message = `The tenant '${id}' is that of the issuer '${issuer}' in the settings (issuers), which names its people: it is there already. The setting 'owner' says who owns all of it.`
  throw new ArmError('Conflict', message, 'name')
}

async function firstOwner(
  { world, hashSecret }: TenantPorts,
  { id, name, secret }: { id: string; name: string; secret: string },
  written: Pick<Tenant, 'createdMs' | 'createdBy' | 'updatedMs' | 'updatedBy'>,
): Promise<FirstOwner> {
  const application: Application = {
    clientId: world.id(),
    objectId: world.id(),
    tenantId: id,
    displayName: `${name} owner`,
    secretHash: await hashSecret(secret),
  }
  const roles = [builtInRoles.owner.id, builtInRoles.storageBlobDataOwner.id]
  const assignments = roles.map((roleId) => ({
    ...{ id: world.id(), principalId: application.objectId, roleId, scope: '/', tenantId: id },
    principalType: 'ServicePrincipal' as const,
    description: 'Made with the tenant.',
    ...written,
  }))
  return { application, assignments }
}

/** What it was; undefined when there is none. Throws AuthorizationFailed, Conflict. */
export async function deleteTenant(
  ports: TenantPorts,
  caller: Caller,
  name: string,
): Promise<Tenant | undefined> {
  mustBeAllowed(caller, 'Vitrine.Gallery/tenants/delete', installationScope)
  const id = name.toLowerCase()
  const { homeTenantId, subscriptionsOf } = ports.tenancy
  if (id === homeTenantId) {
    throw new ArmError('Conflict', 'The home tenant is the operators’ own and stays.')
  }
  const [subscription] = subscriptionsOf(id)
  if (subscription !== undefined) {
    const message = `The tenant '${name}' has the subscription '${subscription}'. Give it another tenantId in the settings (subscriptions), restart, and delete the tenant then.`
    throw new ArmError('Conflict', message)
  }
  const removed = await ports.changing(ports.tenants.remove(id))
  if (removed !== 'used') return removed
  const message = `The tenant '${name}' has users, groups or applications beside the owner that it was made with, or another tenant let that owner in. Delete them first, signed in there.`
  throw new ArmError('Conflict', message)
}

function nameOf(body: unknown): string {
  const parsed = Body.safeParse(body)
  if (parsed.success) return parsed.data.properties.displayName
  const [issue] = parsed.error.issues
  const member = issue?.path.join('.') ?? 'properties.displayName'
  throw invalid(`The tenant is not right: ${issue?.message ?? 'it has another shape'}.`, member)
}

function noTenant(id: string): ArmError {
  return new ArmError('NotFound', `There is no tenant '${id}' here.`)
}
