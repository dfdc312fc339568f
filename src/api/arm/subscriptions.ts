import { type Caller, mustBeAllowed } from '../../domain/access.ts'
import { physicalZone } from '../../domain/regions.ts'
import { keyOf } from '../../domain/resource-id.ts'
import type { Tags } from '../../domain/tags.ts'
import { findSubscription } from '../../providers/front-door.ts'
import type { Subscription } from '../../providers/ports.ts'
import type { Answer, ArmRequest } from './answer.ts'

/** What the installation itself is: tenants, subscriptions, locations, resource providers. Read-only, from configuration. */

/** The caller's own, and those that he is a guest of. */
export async function answerTenants({ providers, asked }: ArmRequest): Promise<Answer> {
  const { tenants } = providers.store.directory
  const { principalId, tenantId } = asked.caller
  const own = await tenants.get(tenantId)
  const others = await tenants.ofGuest(principalId)
  const value = [{ id: tenantId, name: own?.name ?? 'Vitrine' }, ...others].map(({ id, name }) => ({
    id: `/tenants/${id}`,
    tenantId: id,
    tenantCategory: 'Home',
    displayName: name,
  }))
  return { status: 200, body: { value } }
}

/** Those of the caller's tenant in or below which he holds anything: so he finds what he may read. */
export async function answerSubscriptions({ providers, asked }: ArmRequest): Promise<Answer> {
  const seen = providers.subscriptions.filter((one) => isSeen(asked.caller, one))
  const tags = await providers.store.read.tags.ofSubscriptions(seen.map(({ id }) => id))
  const value = seen.map((one) => subscriptionBody(one, tags.get(keyOf(one.id)) ?? {}))
  return { status: 200, body: { value } }
}

/** Whatever the list has can be read alone, too: clients go from one to the other. */
export async function answerSubscription(
  { providers, asked }: ArmRequest,
  id: string,
): Promise<Answer> {
  const listed = providers.subscriptions.find((one) => keyOf(one.id) === keyOf(id))
  if (!listed || !isSeen(asked.caller, listed)) {
    const scope = `/subscriptions/${id}`
    mustBeAllowed(asked.caller, 'Microsoft.Resources/subscriptions/read', scope)
  }
  const found = findSubscription(providers, id)
  const tags = await providers.store.read.tags.ofSubscription(found.id)
  return { status: 200, body: subscriptionBody(found, tags) }
}

function isSeen(caller: Caller, { id, tenantId }: Subscription): boolean {
  return tenantId === caller.tenantId && caller.holdsIn(keyOf(`/subscriptions/${id}`))
}

function subscriptionBody({ id, displayName, tenantId }: Subscription, tags: Tags) {
  return {
    id: `/subscriptions/${id}`,
    authorizationSource: 'RoleBased',
    managedByTenants: [],
    subscriptionId: id,
    tenantId,
    displayName,
    state: 'Enabled',
    ...(Object.keys(tags).length > 0 && { tags }),
    subscriptionPolicies: {
      locationPlacementId: 'Public_2014-09-01',
      quotaId: 'PayAsYouGo_2014-09-01',
      spendingLimit: 'Off',
    },
  }
}

export function answerLocations({ providers, asked }: ArmRequest, id: string): Answer {
  mustBeAllowed(
    asked.caller,
    'Microsoft.Resources/subscriptions/locations/read',
    `/subscriptions/${id}`,
  )
  const scope = `/subscriptions/${findSubscription(providers, id).id}`
  const value = providers.settings.regions.all.map((region) => ({
    id: `${scope}/locations/${region.name}`,
    name: region.name,
    type: 'Region',
    displayName: region.displayName,
    regionalDisplayName: region.displayName,
    metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
    ...(region.zones.length > 0 && {
      availabilityZoneMappings: region.zones.map((zone) => ({
        logicalZone: zone,
        physicalZone: physicalZone(region, zone),
      })),
    }),
  }))
  return { status: 200, body: { value } }
}
