import { apiVersions as authorizationVersions } from '../api/arm/authorization.ts'
import { tagsApiVersions } from '../api/arm/tags.ts'
import { type DeploymentPorts, deploymentType } from '../deployments/ports.ts'
import { storageSuffix } from '../domain/own-blob-url.ts'
import { opened, seal } from '../identity/sealed-secrets.ts'
import type { Providers } from '../providers/ports.ts'
import { deploymentApiVersions, storageApiVersions } from '../resources/api-versions.ts'

const blobService = 'Microsoft.Storage/storageAccounts/blobServices'

/** What can be named in a template and is no resource type of `resources`, with its api-versions, ascending. */
const others: Readonly<Record<string, readonly string[]>> = {
  [deploymentType]: deploymentApiVersions,
  'Microsoft.Authorization/roleAssignments': authorizationVersions.roleassignments,
  'Microsoft.Authorization/roleDefinitions': authorizationVersions.roledefinitions,
  'Microsoft.Authorization/locks': authorizationVersions.locks,
  'Microsoft.Resources/tags': tagsApiVersions,
  [blobService]: storageApiVersions,
  [`${blobService}/containers`]: storageApiVersions,
}

/** What deployments need of the installation. */
export function openDeployments({
  providers,
  baseUrl,
  key,
}: {
  readonly providers: Providers
  readonly baseUrl: string
  readonly key: Uint8Array
}): DeploymentPorts {
  const locations = providers.settings.regions.all.map(({ displayName }) => displayName)
  const versionsOf = new Map([
    ...providers.types.map(({ type, apiVersions }) => [type.toLowerCase(), apiVersions] as const),
    ...Object.entries(others).map(([type, versions]) => [type.toLowerCase(), versions] as const),
  ])
  return {
    providers,
    typeOf(type) {
      const versions = versionsOf.get(type.toLowerCase())
      if (!versions) return undefined
      return { resourceType: type, apiVersions: [...versions].reverse(), locations }
    },
    environment: {
      name: 'Vitrine',
      portal: baseUrl,
      resourceManager: `${baseUrl}/`,
      graph: `${baseUrl}/graph`,
      authentication: { loginEndpoint: `${baseUrl}/`, audiences: [baseUrl], tenant: 'common' },
      suffixes: { storage: storageSuffix(baseUrl) },
    },
    sealing: {
      seal: (name, text) => seal(key, name, text),
      open: (name, sealed) => opened(key, name, sealed),
    },
  }
}
