import { z } from 'zod'
import { flag, tracked, word } from './coerce.ts'

const SharingProfile = z.object({
  permissions: word(['Private', 'Groups', 'Community']).exactOptional(),
  communityGalleryInfo: z
    .object({
      publisherUri: z.string().exactOptional(),
      publisherContact: z.string().exactOptional(),
      eula: z.string().exactOptional(),
      publicNamePrefix: z.string().exactOptional(),
    })
    .exactOptional(),
})
export type SharingProfile = z.infer<typeof SharingProfile>

/** A gallery in the newest shape. */
export const Gallery = z.object({
  ...tracked,
  identity: z
    .object({
      type: word([
        'None',
        'SystemAssigned',
        'UserAssigned',
        'SystemAssigned, UserAssigned',
      ]).exactOptional(),
      userAssignedIdentities: z.record(z.string(), z.object({})).exactOptional(),
    })
    .exactOptional(),
  properties: z.object({
    description: z.string().exactOptional(),
    sharingProfile: SharingProfile.exactOptional(),
    softDeletePolicy: z.object({ isSoftDeleteEnabled: flag.exactOptional() }).exactOptional(),
  }),
})
export type Gallery = z.infer<typeof Gallery>

/** The body of `POST …/share`. */
export const SharingUpdate = z.object({
  operationType: word(['Add', 'Remove', 'Reset', 'EnableCommunity']),
  groups: z
    .array(
      z.object({
        type: word(['Subscriptions', 'AADTenants']),
        ids: z.array(z.string()).exactOptional(),
      }),
    )
    .exactOptional(),
})
export type SharingUpdate = z.infer<typeof SharingUpdate>
