import type { Charge, RatedOperation } from '../../access/rate-limits.ts'
import type { Address } from './address.ts'

/** What a request is counted as, in Azure's words. `subscription`: the one it asks of, if there is such a one. */
export function chargeOf(
  address: Address,
  method: string,
  { principalId, subscription }: Pick<Charge, 'principalId' | 'subscription'>,
): Charge {
  const kind =
    method === 'GET' || method === 'HEAD' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes'
  return { principalId, subscription, kind, operation: operationOf(address, method) }
}

type Verbs = Readonly<Partial<Record<string, RatedOperation>>>

const gallery = 'microsoft.compute/galleries'
const image = `${gallery}/images`
const version = `${image}/versions`
const application = `${gallery}/applications`
const applicationVersion = `${application}/versions`

const ofResource: Readonly<Partial<Record<string, Verbs>>> = {
  [gallery]: verbs('GetGallery', 'CreateUpdateGallery', 'DeleteGallery'),
  [image]: verbs('GetGalleryImage', 'CreateUpdateGalleryImage', 'DeleteGalleryImage'),
  [version]: verbs(
    'GetGalleryImageVersion',
    'CreateUpdateGalleryImageVersion',
    'DeleteGalleryImageVersion',
  ),
  [application]: verbs(
    'GetGalleryApplication',
    'CreateUpdateGalleryApplication',
    'DeleteGalleryApplication',
  ),
  [applicationVersion]: verbs(
    'GetGalleryApplicationVersion',
    'CreateUpdateGalleryApplicationVersion',
    'DeleteGalleryApplicationVersion',
  ),
}

const listedBelow: Readonly<Partial<Record<string, RatedOperation>>> = {
  [image]: 'ListGalleryImagesInGallery',
  [version]: 'ListGalleryImageVersionsInGalleryImage',
  [application]: 'ListGalleryApplicationsInGallery',
  [applicationVersion]: 'ListGalleryApplicationVersionsInGalleryApplication',
}

function verbs(read: RatedOperation, write: RatedOperation, remove: RatedOperation): Verbs {
  return { GET: read, PUT: write, PATCH: write, DELETE: remove }
}

function operationOf(address: Address, method: string): RatedOperation | undefined {
  switch (address.is) {
    case 'resource':
      return ofResource[address.id.type.toLowerCase()]?.[method]
    case 'operation':
      return 'GetOperationStatus'
    case 'collection': {
      if (method !== 'GET' || address.type.toLowerCase() !== gallery) return undefined
      const inGroup = address.scope.resourceGroup !== undefined
      return inGroup ? 'ListGalleryInResourceGroup' : 'ListGallery'
    }
    case 'action': {
      const path = `${address.id.type}/${address.action}`.toLowerCase()
      if (method === 'POST') return path === `${gallery}/share` ? 'PostShareGallery' : undefined
      return listedBelow[path]
    }
    default:
      return undefined
  }
}
