import { z } from 'zod'
import { flag, tracked, word } from './coerce.ts'

const skuNames = [
  'Standard_LRS',
  'Standard_ZRS',
  'Standard_GRS',
  'Standard_RAGRS',
  'Standard_GZRS',
  'Standard_RAGZRS',
  'Premium_LRS',
  'Premium_ZRS',
] as const

export const accountKinds = [
  'StorageV2',
  'BlobStorage',
  'BlockBlobStorage',
  'Storage',
  'FileStorage',
] as const

const EncryptedPart = z.object({
  enabled: flag.exactOptional(),
  keyType: z.string().exactOptional(),
})

/** A storage account in the newest shape, as far as blobs are concerned. */
export const StorageAccount = z.object({
  ...tracked,
  kind: word(accountKinds).exactOptional(),
  sku: z.object({ name: word(skuNames) }),
  properties: z.object({
    accessTier: word(['Hot', 'Cool', 'Cold', 'Premium']).exactOptional(),
    allowBlobPublicAccess: flag.exactOptional(),
    allowSharedKeyAccess: flag.exactOptional(),
    allowCrossTenantReplication: flag.exactOptional(),
    defaultToOAuthAuthentication: flag.exactOptional(),
    dnsEndpointType: z.string().exactOptional(),
    encryption: z
      .object({
        keySource: z.string().exactOptional(),
        requireInfrastructureEncryption: flag.exactOptional(),
        services: z
          .object({ blob: EncryptedPart.exactOptional(), file: EncryptedPart.exactOptional() })
          .exactOptional(),
      })
      .exactOptional(),
    isHnsEnabled: flag.exactOptional(),
    isLocalUserEnabled: flag.exactOptional(),
    isNfsV3Enabled: flag.exactOptional(),
    isSftpEnabled: flag.exactOptional(),
    largeFileSharesState: word(['Disabled', 'Enabled']).exactOptional(),
    minimumTlsVersion: z.string().exactOptional(),
    networkAcls: z
      .object({
        bypass: z.string().exactOptional(),
        defaultAction: word(['Allow', 'Deny']).exactOptional(),
        ipRules: z
          .array(z.object({ value: z.string(), action: z.string().exactOptional() }))
          .exactOptional(),
        virtualNetworkRules: z.array(z.object({ id: z.string() })).exactOptional(),
      })
      .exactOptional(),
    publicNetworkAccess: word(['Enabled', 'Disabled', 'SecuredByPerimeter']).exactOptional(),
    supportsHttpsTrafficOnly: flag.exactOptional(),
  }),
})
export type StorageAccount = z.infer<typeof StorageAccount>
