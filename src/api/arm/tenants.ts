import {
  deleteTenant,
  listTenants,
  readTenant,
  type TenantPorts,
  writeTenant,
} from '../../access/tenants.ts'
import { auditorOf } from '../../domain/audit.ts'
import type { Tenant } from '../../domain/tenants.ts'
import type { Address } from './address.ts'
import { type Answer, type ArmRequest, listAnswer, notAllowed } from './answer.ts'

/** The tenants of the installation, for its operators: `/providers/Vitrine.Gallery/tenants[/{id}]`. */
export async function answerTenantsHere(
  request: ArmRequest,
  { name }: Extract<Address, { is: 'tenantsHere' }>,
): Promise<Answer> {
  const { method, asked } = request
  const { caller, correlationId } = asked
  const ports = request.tenantsFor(auditorOf(caller, correlationId))
  if (name === undefined) {
    if (method !== 'GET') throw notAllowed(method)
    const texts = (await listTenants(ports, caller)).map((one) =>
      JSON.stringify(tenantBody(one, ports)),
    )
    return listAnswer(request, texts, undefined)
  }
  switch (method) {
    case 'GET':
      return { status: 200, body: tenantBody(await readTenant(ports, caller, name), ports) }
    case 'PUT': {
      const body = await request.json()
      const { tenant, ownerSecret } = await writeTenant(ports, caller, { id: name, body })
      const status = ownerSecret === undefined ? 200 : 201
      return { status, body: tenantBody(tenant, ports, ownerSecret) }
    }
    case 'DELETE': {
      const was = await deleteTenant(ports, caller, name)
      return was ? { status: 200, body: tenantBody(was, ports) } : { status: 204 }
    }
    default:
      throw notAllowed(method)
  }
}

function tenantBody(tenant: Tenant, { tenancy }: TenantPorts, clientSecret?: string) {
  const { id, name, ownerClientId, createdMs, createdBy } = tenant
  return {
    id: `/providers/Vitrine.Gallery/tenants/${id}`,
    name: id,
    type: 'Vitrine.Gallery/tenants',
    properties: {
      tenantId: id,
      displayName: name,
      isHome: id === tenancy.homeTenantId,
      subscriptions: tenancy.subscriptionsOf(id),
      createdTime: new Date(createdMs).toISOString(),
      createdBy: createdBy || null,
      owner: ownerClientId === undefined ? null : { clientId: ownerClientId, clientSecret },
    },
  }
}
