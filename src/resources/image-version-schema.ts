import { z } from 'zod'
import { date, flag, tracked, wholeNumber, word } from './coerce.ts'

const storageAccountType = word(['Standard_LRS', 'Standard_ZRS', 'Premium_LRS', 'PremiumV2_LRS'])
const hostCaching = word(['None', 'ReadOnly', 'ReadWrite'])

const DiskSource = z.object({
  id: z.string().exactOptional(),
  uri: z.string().exactOptional(),
  storageAccountId: z.string().exactOptional(),
})

const OsDiskImage = z.object({
  hostCaching: hostCaching.exactOptional(),
  source: DiskSource.exactOptional(),
})

const DataDiskImage = z.object({
  lun: wholeNumber,
  hostCaching: hostCaching.exactOptional(),
  source: DiskSource.exactOptional(),
})

const Encryption = z.object({
  osDiskImage: z
    .object({
      diskEncryptionSetId: z.string().exactOptional(),
      securityProfile: z
        .object({
          confidentialVMEncryptionType: word([
            'EncryptedVMGuestStateOnlyWithPmk',
            'EncryptedWithPmk',
            'EncryptedWithCmk',
            'NonPersistedTPM',
          ]).exactOptional(),
          secureVMDiskEncryptionSetId: z.string().exactOptional(),
        })
        .exactOptional(),
    })
    .exactOptional(),
  dataDiskImages: z
    .array(z.object({ lun: wholeNumber, diskEncryptionSetId: z.string().exactOptional() }))
    .exactOptional(),
})

const TargetRegion = z.object({
  name: z.string(),
  regionalReplicaCount: wholeNumber.exactOptional(),
  storageAccountType: storageAccountType.exactOptional(),
  encryption: Encryption.exactOptional(),
  excludeFromLatest: flag.exactOptional(),
  additionalReplicaSets: z
    .array(
      z.object({
        storageAccountType: storageAccountType.exactOptional(),
        regionalReplicaCount: wholeNumber.exactOptional(),
      }),
    )
    .exactOptional(),
})
export type TargetRegion = z.infer<typeof TargetRegion>

export const PublishingProfile = z.object({
  targetRegions: z.array(TargetRegion).exactOptional(),
  replicaCount: wholeNumber.exactOptional(),
  excludeFromLatest: flag.exactOptional(),
  endOfLifeDate: date.exactOptional(),
  storageAccountType: storageAccountType.exactOptional(),
  storageAccountStrategy: word(['PreferStandard_ZRS', 'DefaultStandard_LRS']).exactOptional(),
  replicationMode: word(['Full', 'Shallow']).exactOptional(),
  targetExtendedLocations: z.array(z.object({ name: z.string().exactOptional() })).exactOptional(),
})
export type PublishingProfile = z.infer<typeof PublishingProfile>

const UefiKey = z.object({
  type: word(['sha256', 'x509']).exactOptional(),
  value: z.array(z.string()).exactOptional(),
})

const UefiSettings = z.object({
  signatureTemplateNames: z
    .array(
      word([
        'NoSignatureTemplate',
        'MicrosoftUefiCertificateAuthorityTemplate',
        'MicrosoftWindowsTemplate',
      ]),
    )
    .exactOptional(),
  additionalSignatures: z
    .object({
      pk: UefiKey.exactOptional(),
      kek: z.array(UefiKey).exactOptional(),
      db: z.array(UefiKey).exactOptional(),
      dbx: z.array(UefiKey).exactOptional(),
    })
    .exactOptional(),
})

/** An image version in the newest shape. */
export const ImageVersion = z.object({
  ...tracked,
  properties: z.object({
    publishingProfile: PublishingProfile.exactOptional(),
    storageProfile: z
      .object({
        source: z
          .object({
            id: z.string().exactOptional(),
            virtualMachineId: z.string().exactOptional(),
            communityGalleryImageId: z.string().exactOptional(),
          })
          .exactOptional(),
        osDiskImage: OsDiskImage.exactOptional(),
        dataDiskImages: z.array(DataDiskImage).exactOptional(),
      })
      .exactOptional(),
    safetyProfile: z
      .object({
        allowDeletionOfReplicatedLocations: flag.exactOptional(),
        blockDeletionBeforeEndOfLife: flag.exactOptional(),
      })
      .exactOptional(),
    securityProfile: z.object({ uefiSettings: UefiSettings.exactOptional() }).exactOptional(),
    restore: flag.exactOptional(),
  }),
})
export type ImageVersion = z.infer<typeof ImageVersion>
export type StorageProfile = NonNullable<ImageVersion['properties']['storageProfile']>
