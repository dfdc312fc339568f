import { z } from 'zod'
import { byteCount, flag, tracked, wholeNumber, word } from './coerce.ts'

/** Azure's ways to make a disk; which of them work here is said by `disk-rules.ts`. */
const createOptions = [
  'Empty',
  'Upload',
  'Copy',
  'FromImage',
  'Attach',
  'Import',
  'ImportSecure',
  'Restore',
  'CopyStart',
  'UploadPreparedSecure',
  'CopyFromSanSnapshot',
] as const

const ImageReference = z.object({
  id: z.string().exactOptional(),
  sharedGalleryImageId: z.string().exactOptional(),
  communityGalleryImageId: z.string().exactOptional(),
  lun: wholeNumber.exactOptional(),
})

/** What disks and snapshots have in common. */
const common = {
  creationData: z.object({
    createOption: word(createOptions),
    uploadSizeBytes: byteCount.exactOptional(),
    sourceResourceId: z.string().exactOptional(),
    sourceUri: z.string().exactOptional(),
    storageAccountId: z.string().exactOptional(),
    galleryImageReference: ImageReference.exactOptional(),
    imageReference: ImageReference.exactOptional(),
  }),
  diskSizeGB: wholeNumber.exactOptional(),
  osType: word(['Windows', 'Linux']).exactOptional(),
  hyperVGeneration: word(['V1', 'V2']).exactOptional(),
  supportedCapabilities: z
    .object({
      architecture: word(['x64', 'Arm64']).exactOptional(),
      acceleratedNetwork: flag.exactOptional(),
    })
    .exactOptional(),
  purchasePlan: z
    .object({
      name: z.string().exactOptional(),
      publisher: z.string().exactOptional(),
      product: z.string().exactOptional(),
      promotionCode: z.string().exactOptional(),
    })
    .exactOptional(),
  encryption: z
    .object({
      type: word([
        'EncryptionAtRestWithPlatformKey',
        'EncryptionAtRestWithCustomerKey',
        'EncryptionAtRestWithPlatformAndCustomerKeys',
      ]).exactOptional(),
      diskEncryptionSetId: z.string().exactOptional(),
    })
    .exactOptional(),
  networkAccessPolicy: word(['AllowAll', 'AllowPrivate', 'DenyAll']).exactOptional(),
  publicNetworkAccess: word(['Enabled', 'Disabled']).exactOptional(),
  supportsHibernation: flag.exactOptional(),
}

/** A managed disk in the newest shape. */
export const DiskSchema = z.object({
  ...tracked,
  sku: z
    .object({
      name: word([
        'Standard_LRS',
        'Premium_LRS',
        'StandardSSD_LRS',
        'UltraSSD_LRS',
        'Premium_ZRS',
        'StandardSSD_ZRS',
        'PremiumV2_LRS',
      ]),
    })
    .exactOptional(),
  zones: z.array(z.string()).exactOptional(),
  properties: z.object({
    ...common,
    diskIOPSReadWrite: byteCount.exactOptional(),
    diskMBpsReadWrite: byteCount.exactOptional(),
    tier: z.string().exactOptional(),
    burstingEnabled: flag.exactOptional(),
    optimizedForFrequentAttach: flag.exactOptional(),
    maxShares: wholeNumber.exactOptional(),
  }),
})

/** A snapshot in the newest shape. */
export const SnapshotSchema = z.object({
  ...tracked,
  sku: z.object({ name: word(['Standard_LRS', 'Premium_LRS', 'Standard_ZRS']) }).exactOptional(),
  properties: z.object({
    ...common,
    incremental: flag.exactOptional(),
    dataAccessAuthMode: word(['AzureActiveDirectory', 'None']).exactOptional(),
  }),
})

type OfDisk = z.infer<typeof DiskSchema>
type OfSnapshot = z.infer<typeof SnapshotSchema>

/** Either of the two, with what only one of them has: most rules are the same for both. */
export type Disk = Omit<OfDisk, 'sku' | 'properties'> & {
  sku?: { name: string }
  properties: OfDisk['properties'] & Pick<OfSnapshot['properties'], 'incremental'>
}
