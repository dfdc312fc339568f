import { mustBeAllowed } from '../../domain/access.ts'
import { ArmError } from '../../domain/errors.ts'
import { type Region, sameRegion } from '../../domain/regions.ts'
import { keyOf } from '../../domain/resource-id.ts'
import { findSubscription } from '../../providers/front-door.ts'
import { storageApiVersions, usageApiVersions } from '../../resources/api-versions.ts'
import type { Answer, ArmRequest } from './answer.ts'

const apiVersions = {
  'Microsoft.Compute': usageApiVersions,
  'Microsoft.Storage': storageApiVersions,
} as const
type Namespace = keyof typeof apiVersions

/** Usage against the limits of one region, in Azure's shape (requirement 85). */
export async function answerUsages(
  { providers, asked }: ArmRequest,
  id: string,
  location: string,
): Promise<Answer> {
  const { subscription, region } = placeOf({ providers, asked }, 'Microsoft.Compute', [
    id,
    location,
  ])
  const counted = await providers.store.read.counters.of(`${subscription}|${region}`.toLowerCase())
  const { quotas } = providers.settings
  const rows = [
    ['Gallery', 'Gallery', quotas.galleriesPerRegion],
    ['GalleryImage', 'Gallery Image', quotas.definitionsPerRegion],
    ['GalleryImageVersion', 'Gallery Image Version', quotas.versionsPerRegion],
  ] as const
  const value = rows.map(([name, localizedValue, limit]) => {
    const currentValue = counted.find((row) => row.name === name)?.value ?? 0
    return usage({ name, localizedValue }, currentValue, limit)
  })
  return { status: 200, body: { value } }
}

/** Azure's bound of a subscription in a region; no account is refused for it here. */
const storageAccountsMax = 250
const pageRows = 500
const pagesMax = 200

/** Storage accounts in a region, in Azure's shape. */
export async function answerStorageUsages(
  { providers, asked }: ArmRequest,
  id: string,
  location: string,
): Promise<Answer> {
  const { subscription, region } = placeOf({ providers, asked }, 'Microsoft.Storage', [
    id,
    location,
  ])
  const scopes = [keyOf(`/subscriptions/${subscription}`)]
  const type = 'Microsoft.Storage/storageAccounts'
  const { resources } = providers.store.read
  let count = 0
  let after: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await resources.list({ type, scopes, after, rowsMax: pageRows })
    count += page.rows.filter((row) => sameRegion(row.region ?? '', region)).length
    after = page.next
    if (after === undefined) break
  }
  const name = { name: 'StorageAccounts', localizedValue: 'Storage Accounts' }
  return { status: 200, body: { value: [usage(name, count, storageAccountsMax)] } }
}

/** Throws AuthorizationFailed, SubscriptionNotFound, NoRegisteredProviderFound for a location that is not served. */
function placeOf(
  { providers, asked }: Pick<ArmRequest, 'providers' | 'asked'>,
  namespace: Namespace,
  [id, location]: readonly [subscription: string, location: string],
) {
  const scope = `/subscriptions/${id}/providers/${namespace}/locations/${location}`
  mustBeAllowed(asked.caller, `${namespace}/locations/usages/read`, scope)
  const { id: subscription } = findSubscription(providers, id)
  const region = providers.settings.regions.find(location)?.name
  if (region !== undefined) return { subscription, region }
  throw noUsagesAt(location, asked.apiVersion, { namespace, all: providers.settings.regions.all })
}

function noUsagesAt(
  location: string,
  apiVersion: string,
  { namespace, all }: { readonly namespace: Namespace; readonly all: readonly Region[] },
): ArmError {
  return new ArmError(
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}' and API version '${apiVersion}' for type 'locations/usages'. ` +
      `The supported api-versions are '${apiVersions[namespace].join(', ')}'. The supported locations are '${all.map(({ name }) => name).join(', ')}'.`,
  )
}

function usage(
  { name, localizedValue }: { readonly name: string; readonly localizedValue: string },
  currentValue: number,
  limit: number,
) {
  return { limit, unit: 'Count', currentValue, name: { value: name, localizedValue } }
}
