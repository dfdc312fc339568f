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

/** A managed disk in the newest shape. */
export const Disk = z.object({
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
    diskIOPSReadWrite: byteCount.exactOptional(),
    diskMBpsReadWrite: byteCount.exactOptional(),
    tier: z.string().exactOptional(),
    burstingEnabled: flag.exactOptional(),
    supportsHibernation: flag.exactOptional(),
    optimizedForFrequentAttach: flag.exactOptional(),
    maxShares: wholeNumber.exactOptional(),
  }),
})
export type Disk = z.infer<typeof Disk>
