import type { Problem } from '../domain/problem.ts'
import { unless } from '../domain/problem.ts'
import { regionName } from '../domain/regions.ts'
import type { JsonObject } from '../domain/rows.ts'
import { diskSpace, type SpaceId } from '../domain/spaces.ts'
import { skuWasAccountType } from './account-type.ts'
import { storageApiVersions } from './api-versions.ts'
import { accountClaim } from './blob-uri.ts'
import type { Effects, ResourceType, Stored, View, Write } from './declaration.ts'
import { jsonOf, withValueAt } from './paths.ts'
import { accountActions, newKeys } from './storage-account-keys.ts'
import { StorageAccount } from './storage-account-schema.ts'

export const storageAccountType = 'Microsoft.Storage/storageAccounts'

/** A storage account: containers of blobs under `{public URL}/{name}`. */
export const storageAccounts: ResourceType<StorageAccount> = {
  type: storageAccountType,
  apiVersions: storageApiVersions,
  parent: undefined,
  target: 'storageAccount',
  lists: ['subscription', 'resourceGroup'],
  tracked: true,
  nameProblems: accountNameProblems,
  schema: StorageAccount,
  evolution: {
    since: {
      kind: '2016-01-01',
      'properties.accessTier': '2016-01-01',
      'properties.encryption': '2016-01-01',
      'properties.encryption.services.file': '2016-12-01',
      'properties.supportsHttpsTrafficOnly': '2016-12-01',
      'properties.networkAcls': '2017-06-01',
      'properties.isHnsEnabled': '2018-02-01',
      'properties.allowBlobPublicAccess': '2019-04-01',
      'properties.allowSharedKeyAccess': '2019-04-01',
      'properties.largeFileSharesState': '2019-04-01',
      'properties.minimumTlsVersion': '2019-04-01',
      'properties.encryption.services.blob.keyType': '2019-06-01',
      'properties.encryption.services.file.keyType': '2019-06-01',
      'properties.encryption.requireInfrastructureEncryption': '2019-06-01',
      'properties.privateEndpointConnections': '2019-06-01',
      'properties.isNfsV3Enabled': '2021-01-01',
      'properties.keyCreationTime': '2021-02-01',
      'properties.allowCrossTenantReplication': '2021-04-01',
      'properties.defaultToOAuthAuthentication': '2021-06-01',
      'properties.publicNetworkAccess': '2021-06-01',
      'properties.isLocalUserEnabled': '2021-08-01',
      'properties.isSftpEnabled': '2021-08-01',
      'properties.dnsEndpointType': '2021-09-01',
    },
    // There was one kind.
    defaults: [{ path: 'kind', value: 'Storage', until: '2016-01-01' }],
    moves: [
      skuWasAccountType('2016-01-01'),
      { before: '2016-05-01', up: (body) => body, down: capitalStatus },
    ],
  },
  readOnly: [
    'sku.tier',
    'properties.provisioningState',
    'properties.primaryEndpoints',
    'properties.primaryLocation',
    'properties.statusOfPrimary',
    'properties.creationTime',
    'properties.keyCreationTime',
    'properties.privateEndpointConnections',
  ],
  keep: ['sku', 'kind'],
  by: {},
  immutable: [],
  operations: {
    flavour: 'storage',
    create: { status: 202, headers: ['Location'], isEmpty: true },
    update: { status: 200, headers: [] },
    delete: { status: 200, headers: [] },
    shows: { create: undefined, update: undefined },
  },
  complete: ({ next }) => ({ ...next, kind: next.kind ?? 'StorageV2' }),
  problems: accountProblems,
  claims: (id) => [
    {
      name: accountClaim(id.name),
      refusal: {
        code: 'StorageAccountAlreadyTaken',
        message: `The storage account named ${id.name} is already taken.`,
        target: 'accountName',
      },
    },
  ],
  effects: accountEffects,
  actions: accountActions,
  show: showAccount,
}

/** Paths of this installation that an account's endpoint would hide. */
const reserved = new Set([
  'adfs',
  'common',
  'graph',
  'healthz',
  'metadata',
  'metrics',
  'organizations',
  'portal',
  'providers',
  'readyz',
  'subscriptions',
  'tenants',
])

/** True for what may be an account's name: the first segment of its blobs' paths. */
export function isAccountName(name: string): boolean {
  return /^[a-z\d]{3,24}$/.test(name) && !reserved.has(name)
}

/** 3 to 63 lower-case letters, digits, and single hyphens between them. */
export function isContainerName(name: string): boolean {
  return name.length <= 63 && /^[a-z\d](?:-?[a-z\d]){2,62}$/.test(name)
}

export function accountNameProblems(name: string): readonly Problem[] {
  return unless(
    isAccountName(name),
    'AccountNameInvalid',
    'accountName',
    reserved.has(name)
      ? `${name} is a path of this installation and cannot be the name of a storage account.`
      : `${name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.`,
  )
}

/** The space where an account's blobs lie. */
export function accountSpaceOf({ region }: { readonly region: string | undefined }): SpaceId {
  return diskSpace(regionName(region ?? '')).id
}

/** What is asked for must be had: an account that only seems closed, or encrypted, is worse than none. */
function accountProblems({ next }: Write<StorageAccount>): readonly Problem[] {
  const { kind, properties } = next
  const { encryption, networkAcls } = properties
  const refused: readonly (readonly [boolean, string, string])[] = [
    [kind === 'FileStorage', 'kind', "File shares are not available here. Use kind 'StorageV2'."],
    [
      properties.isHnsEnabled === true,
      'properties.isHnsEnabled',
      'Hierarchical namespaces (Data Lake) are not available here. Leave out isHnsEnabled.',
    ],
    [
      properties.isNfsV3Enabled === true || properties.isSftpEnabled === true,
      'properties.isSftpEnabled',
      'NFS and SFTP are not available here. Leave out isNfsV3Enabled and isSftpEnabled.',
    ],
    [
      (encryption?.keySource ?? 'Microsoft.Storage').toLowerCase() !== 'microsoft.storage',
      'properties.encryption.keySource',
      "Customer keys are not available here. Use encryption.keySource 'Microsoft.Storage'.",
    ],
    [
      networkAcls?.defaultAction === 'Deny',
      'properties.networkAcls.defaultAction',
      "Network rules are not kept here: a storage account is reached by whoever reaches this server. Use networkAcls.defaultAction 'Allow'.",
    ],
    [
      (properties.publicNetworkAccess ?? 'Enabled') !== 'Enabled',
      'properties.publicNetworkAccess',
      "The blob endpoint is this server's own address. Use publicNetworkAccess 'Enabled'.",
    ],
    [
      (properties.dnsEndpointType ?? 'Standard').toLowerCase() !== 'standard',
      'properties.dnsEndpointType',
      "Accounts have no DNS zone here. Use dnsEndpointType 'Standard'.",
    ],
  ]
  return refused.flatMap(([isRefused, path, message]) =>
    isRefused
      ? [{ code: 'InvalidParameter' as const, message, target: `storageAccount.${path}` }]
      : [],
  )
}

function accountEffects({ before, freshId, now }: Write<StorageAccount>): Effects {
  if (before) return { state: 'Succeeded' }
  const createdAt = now.toISOString()
  return {
    state: 'Succeeded',
    status: { uniqueId: freshId, createdAt, keys: newKeys(createdAt) },
  }
}

function showAccount(
  { doc, name, status, region }: Stored<StorageAccount>,
  view: View,
): JsonObject {
  const { sku, kind = 'StorageV2', properties } = doc
  const { createdAt = null } = status
  const part = { enabled: true, keyType: 'Account', lastEnabledTime: createdAt }
  return jsonOf({
    ...doc,
    kind,
    sku: { name: sku.name, tier: sku.name.startsWith('Premium') ? 'Premium' : 'Standard' },
    properties: {
      accessTier: 'Hot',
      allowBlobPublicAccess: false,
      minimumTlsVersion: 'TLS1_2',
      supportsHttpsTrafficOnly: true,
      networkAcls: {
        bypass: 'AzureServices',
        defaultAction: 'Allow',
        ipRules: [],
        virtualNetworkRules: [],
      },
      privateEndpointConnections: [],
      ...properties,
      encryption: {
        keySource: 'Microsoft.Storage',
        ...properties.encryption,
        services: { blob: part, file: part },
      },
      creationTime: createdAt,
      keyCreationTime: keyTimes(status),
      primaryEndpoints: { blob: `${view.settings.baseUrl ?? ''}/${name}/` },
      primaryLocation: region ?? null,
      statusOfPrimary: 'available',
    },
  })
}

/** Only shown, never sent. */
function capitalStatus(shown: JsonObject): JsonObject {
  return withValueAt(shown, 'properties.statusOfPrimary', 'Available')
}

function keyTimes({ keys }: JsonObject): JsonObject {
  const { key1, key2 } = jsonOf(keys ?? {})
  return { key1: jsonOf(key1 ?? {}).at ?? null, key2: jsonOf(key2 ?? {}).at ?? null }
}
