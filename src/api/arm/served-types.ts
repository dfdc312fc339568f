import type { Providers } from '../../providers/ports.ts'
import {
  deploymentApiVersions,
  resourcesApiVersions,
  storageApiVersions,
  usageApiVersions,
} from '../../resources/api-versions.ts'
import { activityApiVersions } from './activity-log.ts'
import { apiVersions as authorizationVersions } from './authorization.ts'
import { tagsApiVersions } from './tags.ts'

/** A type of a resource provider, whether it is stored as a resource or not. */
export type ServedType = {
  /** `Microsoft.Compute/galleries/images` */
  readonly type: string
  readonly apiVersions: readonly string[]
  /** It has a place and tags. */
  readonly tracked: boolean
  /** POST actions by name. */
  readonly actions: readonly string[]
  /** Actions on bytes, as roles name them below the type. */
  readonly dataActions: readonly string[]
  /** Only read. */
  readonly isReadOnly: boolean
}

/** What hangs at scopes, as Azure spells it. */
const atScopes: Readonly<Record<keyof typeof authorizationVersions, string>> = {
  locks: 'locks',
  roleassignments: 'roleAssignments',
  roledefinitions: 'roleDefinitions',
  permissions: 'permissions',
  checkaccess: 'checkAccess',
}

const onBytes = ['download/action', 'upload/action']
const blobServices = 'Microsoft.Storage/storageAccounts/blobServices'
const dataActions: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.Compute/disks': onBytes,
  'Microsoft.Compute/snapshots': onBytes,
  [`${blobServices}/containers`]: ['blobs/read', 'blobs/write', 'blobs/delete'],
}

/** Every type that is answered: those of the declarations first, parents before children. */
export function servedTypes({ types }: Pick<Providers, 'types'>): readonly ServedType[] {
  const declared = types.map(({ type, apiVersions, tracked, actions = {} }) => {
    return { ...plain(type, apiVersions), tracked, actions: Object.keys(actions) }
  })
  const resources = 'Microsoft.Resources'
  const kinds = Object.keys(authorizationVersions) as (keyof typeof authorizationVersions)[]
  return [
    ...declared,
    ...['subscriptions', 'tenants', 'providers', 'resources', 'locations'].map((kind) =>
      plain(`${resources}/${kind}`, resourcesApiVersions, true),
    ),
    plain(`${resources}/tags`, tagsApiVersions),
    plain(`${resources}/subscriptions/tagNames`, resourcesApiVersions),
    plain(`${resources}/deployments`, deploymentApiVersions),
    ...kinds.map((kind) =>
      plain(
        `Microsoft.Authorization/${atScopes[kind]}`,
        authorizationVersions[kind],
        kind === 'permissions' || kind === 'checkaccess',
      ),
    ),
    plain('Microsoft.Insights/eventtypes', activityApiVersions, true),
    plain('Microsoft.Compute/locations/usages', usageApiVersions, true),
    plain(blobServices, storageApiVersions),
    plain(`${blobServices}/containers`, storageApiVersions),
  ]
}

function plain(type: string, apiVersions: readonly string[], isReadOnly = false): ServedType {
  const acts = { actions: [], dataActions: dataActions[type] ?? [] }
  return { type, apiVersions, tracked: false, ...acts, isReadOnly }
}

export function namespaceOf(type: string): string {
  return type.slice(0, type.indexOf('/'))
}
