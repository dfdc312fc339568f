import { ArmError } from '../../domain/errors.ts'
import { resourceGroupType } from '../../domain/resource-id.ts'
import {
  resourcesApiVersions,
  storageApiVersions,
  usageApiVersions,
} from '../../resources/api-versions.ts'
import type { Address } from './address.ts'

/** What a request for a type at an api-version that it has not is told, in Azure's words. */
export function wrongApiVersion(
  { type, apiVersions }: { readonly type: string; readonly apiVersions: readonly string[] },
  apiVersion: string,
): ArmError {
  if (type === resourceGroupType) return notOfArm(apiVersion)
  const [namespace, ...rest] = type.split('/')
  return new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${apiVersion}'. ` +
      `The supported api-versions are '${apiVersions.join(',')}'.`,
  )
}

/** What ARM answers by itself, whatever is behind it. */
const ofArm: ReadonlySet<Address['is']> = new Set([
  'tenants',
  'subscriptions',
  'subscription',
  'locations',
  'providers',
  'registration',
  'resources',
] as const)

/** Throws InvalidApiVersionParameter, InvalidResourceType where the path alone says which api-versions there are. */
export function mustKnowApiVersion({ is }: Address, apiVersion: string): void {
  const among = (versions: readonly string[]) => versions.includes(apiVersion)
  if (ofArm.has(is) && !among(resourcesApiVersions)) throw notOfArm(apiVersion)
  if (is === 'usages' && !among(usageApiVersions)) {
    const type = 'Microsoft.Compute/locations/usages'
    throw wrongApiVersion({ type, apiVersions: usageApiVersions }, apiVersion)
  }
  if (is === 'storageUsages' && !among(storageApiVersions)) {
    const type = 'Microsoft.Storage/locations/usages'
    throw wrongApiVersion({ type, apiVersions: storageApiVersions }, apiVersion)
  }
}

function notOfArm(apiVersion: string): ArmError {
  return new ArmError(
    'InvalidApiVersionParameter',
    `The api-version '${apiVersion}' is invalid. The supported versions are '${[...resourcesApiVersions].reverse().join(',')}'.`,
  )
}
