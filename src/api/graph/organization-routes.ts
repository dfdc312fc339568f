import type { GraphAnswer, GraphAsked, Route } from './asked.ts'

/** The tenant itself, as far as clients look at it. */
export const organizationRoutes: readonly Route[] = [
  { method: 'GET', path: 'organization', run: show },
]

async function show({ ports }: GraphAsked): Promise<GraphAnswer> {
  const { tenantId, base } = ports
  const displayName = await ports.tenantName(tenantId)
  const value = [{ id: tenantId, displayName, tenantType: 'AAD', verifiedDomains: [] }]
  return { status: 200, body: { '@odata.context': `${base}/$metadata#organization`, value } }
}
