import { z } from 'zod'
import { flag, tracked, wholeNumber, word } from './coerce.ts'

const Source = {
  managedDisk: z.object({ id: z.string() }).exactOptional(),
  snapshot: z.object({ id: z.string() }).exactOptional(),
  blobUri: z.string().exactOptional(),
  caching: word(['None', 'ReadOnly', 'ReadWrite']).exactOptional(),
  diskSizeGB: wholeNumber.exactOptional(),
  storageAccountType: word([
    'Standard_LRS',
    'Premium_LRS',
    'StandardSSD_LRS',
    'UltraSSD_LRS',
    'Premium_ZRS',
    'StandardSSD_ZRS',
    'PremiumV2_LRS',
  ]).exactOptional(),
}

/** A managed image in the newest shape. */
export const ManagedImage = z.object({
  ...tracked,
  properties: z.object({
    hyperVGeneration: word(['V1', 'V2']).exactOptional(),
    sourceVirtualMachine: z.object({ id: z.string() }).exactOptional(),
    storageProfile: z
      .object({
        osDisk: z
          .object({
            ...Source,
            osType: word(['Windows', 'Linux']),
            osState: word(['Generalized', 'Specialized']),
          })
          .exactOptional(),
        dataDisks: z.array(z.object({ ...Source, lun: wholeNumber })).exactOptional(),
        zoneResilient: flag.exactOptional(),
      })
      .exactOptional(),
  }),
})
export type ManagedImage = z.infer<typeof ManagedImage>
