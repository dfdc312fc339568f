import { ArmError } from '../../domain/errors.ts'
import { resourceGroupType } from '../../domain/resource-id.ts'
import {
  deploymentApiVersions,
  resourcesApiVersions,
  storageApiVersions,
  usageApiVersions,
} from '../../resources/api-versions.ts'
import type { Address } from './address.ts'

/** A type, and the api-versions that it is served at, ascending. */
type Versioned = { readonly type: string; readonly apiVersions: readonly string[] }

/** Throws for an api-version that the type has not, in Azure's words: InvalidResourceType; for ARM's own, InvalidApiVersionParameter. */
export function mustHaveApiVersion({ type, apiVersions }: Versioned, apiVersion: string): void {
  if (apiVersions.includes(apiVersion)) return
  if (type === resourceGroupType) throw notOfArm(apiVersion)
  const [namespace, ...rest] = type.split('/')
  throw new ArmError(
    'InvalidResourceType',
    `The resource type '${rest.join('/')}' could not be found in the namespace '${namespace}' for api version '${apiVersion}'. ` +
      `The supported api-versions are '${apiVersions.join(',')}'.`,
  )
}

const ofArm = { type: resourceGroupType, apiVersions: resourcesApiVersions }

/** What is at paths that are no resource's; first what ARM answers by itself, whatever is behind it. */
const ofPaths: Partial<Readonly<Record<Address['is'], Versioned>>> = {
  tenants: ofArm,
  subscriptions: ofArm,
  subscription: ofArm,
  locations: ofArm,
  providers: ofArm,
  registration: ofArm,
  resources: ofArm,
  tagNames: ofArm,
  templateHash: { type: 'Microsoft.Resources/deployments', apiVersions: deploymentApiVersions },
  usages: { type: 'Microsoft.Compute/locations/usages', apiVersions: usageApiVersions },
  storageUsages: { type: 'Microsoft.Storage/locations/usages', apiVersions: storageApiVersions },
  nameCheck: { type: 'Microsoft.Storage/checkNameAvailability', apiVersions: storageApiVersions },
}

/** As `mustHaveApiVersion`, where the path alone says which api-versions there are. */
export function mustKnowApiVersion({ is }: Address, apiVersion: string): void {
  const known = ofPaths[is]
  if (known) mustHaveApiVersion(known, apiVersion)
}

function notOfArm(apiVersion: string): ArmError {
  return new ArmError(
    'InvalidApiVersionParameter',
    `The api-version '${apiVersion}' is invalid. The supported versions are '${[...resourcesApiVersions].reverse().join(',')}'.`,
  )
}
