import { z } from 'zod'
import { date, flag, tracked, wholeNumber, word } from './coerce.ts'

const Range = z.object({ min: wholeNumber.exactOptional(), max: wholeNumber.exactOptional() })

/** An image definition in the newest shape. */
export const ImageDefinition = z.object({
  ...tracked,
  properties: z.object({
    osType: word(['Windows', 'Linux']),
    osState: word(['Generalized', 'Specialized']),
    hyperVGeneration: word(['V1', 'V2']).exactOptional(),
    architecture: word(['x64', 'Arm64']).exactOptional(),
    identifier: z.object({ publisher: z.string(), offer: z.string(), sku: z.string() }),
    description: z.string().exactOptional(),
    eula: z.string().exactOptional(),
    privacyStatementUri: z.string().exactOptional(),
    releaseNoteUri: z.string().exactOptional(),
    endOfLifeDate: date.exactOptional(),
    recommended: z
      .object({ vCPUs: Range.exactOptional(), memory: Range.exactOptional() })
      .exactOptional(),
    disallowed: z.object({ diskTypes: z.array(z.string()).exactOptional() }).exactOptional(),
    purchasePlan: z
      .object({
        name: z.string().exactOptional(),
        publisher: z.string().exactOptional(),
        product: z.string().exactOptional(),
      })
      .exactOptional(),
    features: z
      .array(
        z.object({
          name: word([
            'SecurityType',
            'IsHibernateSupported',
            'IsAcceleratedNetworkSupported',
            'DiskControllerTypes',
          ]),
          value: z.string(),
          startsAtVersion: z.string().exactOptional(),
        }),
      )
      .exactOptional(),
    allowUpdateImage: flag.exactOptional(),
  }),
})
export type ImageDefinition = z.infer<typeof ImageDefinition>

export const securityTypes = [
  'Standard',
  'TrustedLaunch',
  'TrustedLaunchSupported',
  'ConfidentialVM',
  'ConfidentialVMSupported',
  'TrustedLaunchAndConfidentialVmSupported',
] as const
