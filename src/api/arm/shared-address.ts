import { parseResourceId, type ResourceId } from '../../domain/resource-id.ts'
import type { SharedVia } from '../../domain/shared-image-id.ts'

/**
 * `/subscriptions/{s}/providers/Microsoft.Compute/locations/{l}/sharedGalleries[/{g}[/images[/{i}[/versions[/{v}]]]]]` and
 * the same of `communityGalleries`, of which there is no list. `at`: what is read or listed.
 */
export type SharedAddress = {
  readonly is: 'shared'
  readonly via: SharedVia
  readonly at: 'gallery' | 'image' | 'version'
  readonly subscription: string
  readonly location: string
  readonly gallery: string | undefined
  readonly image: string | undefined
  readonly version: string | undefined
}

const form =
  /^\/subscriptions\/([^/]+)\/providers\/microsoft\.compute\/locations\/([^/]+)\/(shared|community)galleries((?:\/[^/]+)*)$/i

export function sharedAddress(text: string): SharedAddress | undefined {
  const [found, subscription = '', location = '', word = '', rest = ''] = form.exec(text) ?? []
  if (found === undefined) return undefined
  const via = word.toLowerCase() === 'shared' ? 'shared' : 'community'
  const [, gallery, images, image, versions, version, more] = rest.split('/')
  const isNamed = (part: string | undefined, name: string) =>
    part === undefined || part.toLowerCase() === name
  if (more !== undefined || !isNamed(images, 'images') || !isNamed(versions, 'versions'))
    return undefined
  if (via === 'community' && gallery === undefined) return undefined
  const at = versions ? 'version' : images ? 'image' : 'gallery'
  return { is: 'shared', via, at, subscription, location, gallery, image, version }
}

/**
 * `…/locations/{l}/sharedGallerySubscriptions/{owner}/sharedGalleries/{g}/accept|reject` below a subscription, or
 * `/providers/Microsoft.Compute/locations/{l}/tenantLevelSharedGallerySubscriptions/…` for the tenant of who asks.
 */
export type ShareInvite = {
  readonly is: 'shareInvite'
  /** undefined: the tenant's. */
  readonly subscription: string | undefined
  readonly location: string
  readonly owner: string
  readonly gallery: string
  readonly decision: 'accept' | 'reject'
}

const inviteForm =
  /^(?:\/subscriptions\/([^/]+))?\/providers\/microsoft\.compute\/locations\/([^/]+)\/(tenantlevelsharedgallerysubscriptions|sharedgallerysubscriptions)\/([^/]+)\/sharedgalleries\/([^/]+)\/(accept|reject)$/i

export function inviteAddress(text: string): ShareInvite | undefined {
  const [found, subscription, location = '', list = '', owner = '', gallery = '', word = ''] =
    inviteForm.exec(text) ?? []
  const isOfTenant = list.toLowerCase().startsWith('tenant')
  if (found === undefined || isOfTenant !== (subscription === undefined)) return undefined
  const decision = word.toLowerCase() === 'accept' ? 'accept' : 'reject'
  return { is: 'shareInvite', subscription, location, owner, gallery, decision }
}

/** `{gallery}/softDeletedArtifactTypes/Images/artifacts/{definition}/versions`. */
export type SoftDeletedAddress = { readonly is: 'softDeleted'; readonly definition: ResourceId }

const softDeletedForm =
  /^(.+\/providers\/microsoft\.compute\/galleries\/[^/]+)\/softdeletedartifacttypes\/images\/artifacts\/([^/]+)\/versions$/i

export function softDeletedAddress(text: string): SoftDeletedAddress | undefined {
  const [found, gallery = '', name = ''] = softDeletedForm.exec(text) ?? []
  const definition = found === undefined ? undefined : parseResourceId(`${gallery}/images/${name}`)
  return definition && { is: 'softDeleted', definition }
}
