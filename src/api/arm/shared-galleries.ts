import { mustBeAllowed } from '../../domain/access.ts'
import { readCursor, writeCursor } from '../../domain/cursor.ts'
import { ArmError } from '../../domain/errors.ts'
import type { JsonObject, ResourceRow } from '../../domain/rows.ts'
import { findSubscription } from '../../providers/front-door.ts'
import { galleryApiVersions } from '../../resources/api-versions.ts'
import { uniqueNameOf } from '../../resources/gallery.ts'
import {
  type SharedShape,
  sharedGallery,
  sharedImage,
  sharedSince,
  sharedVersion,
} from '../../resources/shared-shapes.ts'
import {
  findSharedGallery,
  findSharedImage,
  findSharedVersion,
  listSharedGalleries,
  listSharedImages,
  listSharedVersions,
  type SharedViewer,
} from '../../views/shared-galleries.ts'
import { type Answer, type ArmRequest, listAnswer } from './answer.ts'
import { mustHaveApiVersion } from './api-version.ts'
import type { SharedAddress } from './shared-address.ts'

/** Galleries that are shared to a subscription, its tenant or everybody, as those see them in one region. Read-only. */
export async function answerShared(request: ArmRequest, address: SharedAddress): Promise<Answer> {
  const viewer = viewerOf(request, address)
  const shape = {
    via: address.via,
    apiVersion: request.asked.apiVersion,
    location: locationOf(address, viewer),
  }
  if (address.gallery === undefined) return listGalleries(request, viewer, shape)
  const found = await findSharedGallery(request.providers.store.read, viewer, {
    via: address.via,
    gallery: address.gallery,
  })
  if (!found) throw notThere(address)
  const gallery = address.via === 'shared' ? uniqueNameOf(found) : address.gallery
  const inside = { ...shape, gallery }
  if (address.at === 'gallery') return { status: 200, body: sharedGallery(found, inside) }
  if (address.image === undefined) return listImages(request, found, { viewer, shape: inside })
  return insideImage(request, address, { found, viewer, shape: inside })
}

const collections = { shared: 'sharedGalleries', community: 'communityGalleries' } as const
const below = { gallery: '', image: '/images', version: '/images/versions' } as const

/** Who may read in the subscription, and where. Throws AuthorizationFailed, SubscriptionNotFound, NotFound, InvalidResourceType. */
function viewerOf({ asked, providers }: ArmRequest, address: SharedAddress): SharedViewer {
  const { via, at, subscription, location } = address
  const type = `Microsoft.Compute/locations/${collections[via]}${below[at]}`
  const scope = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${location}`
  mustBeAllowed(asked.caller, `${type}/read`, scope)
  const apiVersions = galleryApiVersions.filter((version) => version >= sharedSince[via])
  mustHaveApiVersion({ type, apiVersions }, asked.apiVersion)
  const { id, tenantId } = findSubscription(providers, subscription)
  const region = providers.settings.regions.find(location)
  if (!region) throw new ArmError('NotFound', `The location '${location}' is not served here.`)
  return { subscription: id, tenantId, region: region.name }
}

/** As Azure tells it: as it was asked for, or the region's own name. */
function locationOf({ via, location }: SharedAddress, { region }: SharedViewer): string {
  return via === 'community' ? location : region
}

/** Everything that is not shared to who asks is as if it were not there. */
function notThere({ via, gallery, location }: SharedAddress): ArmError {
  const kind = via === 'shared' ? 'shared gallery' : 'community gallery'
  return new ArmError(
    'NotFound',
    `The ${kind} '${gallery}' or what was asked of it was not found in location '${location}'. It must be shared, and be replicated there.`,
  )
}

type Shape = Omit<SharedShape, 'gallery'>

async function listGalleries(
  request: ArmRequest,
  viewer: SharedViewer,
  shape: Shape,
): Promise<Answer> {
  const page = await listSharedGalleries(request.providers.store.read, viewer, {
    to: sharedTo(request) ?? 'subscription',
    after: readCursor(request.query.get('$skiptoken')),
  })
  return listed(request, page, (row) =>
    sharedGallery(row, { ...shape, gallery: uniqueNameOf(row) }),
  )
}

function sharedTo({ query }: ArmRequest): 'tenant' | undefined {
  const to = query.get('sharedto')
  if (to === undefined || to.toLowerCase() === 'tenant')
    return to === undefined ? undefined : 'tenant'
  throw new ArmError(
    'InvalidParameter',
    `The value '${to}' of parameter sharedTo is not allowed. Allowed values are 'tenant'; left out, it is the subscription.`,
    'sharedTo',
  )
}

type Found = { readonly viewer: SharedViewer; readonly shape: SharedShape }

async function listImages(
  request: ArmRequest,
  gallery: ResourceRow,
  { viewer, shape }: Found,
): Promise<Answer> {
  sharedTo(request)
  const page = await listSharedImages(request.providers.store.read, gallery.key, {
    region: viewer.region,
    after: readCursor(request.query.get('$skiptoken')),
  })
  return listed(request, page, (row) => sharedImage(row, shape))
}

async function insideImage(
  request: ArmRequest,
  address: SharedAddress,
  { found, viewer, shape }: Found & { readonly found: ResourceRow },
): Promise<Answer> {
  const { store, settings } = request.providers
  const { region } = viewer
  const image = await findSharedImage(store.read, found.key, { name: address.image ?? '', region })
  if (!image) throw notThere(address)
  if (address.at === 'image') return { status: 200, body: sharedImage(image, shape) }
  const how = { ...shape, image: image.name, settings }
  if (address.version !== undefined) {
    const version = await findSharedVersion(store.read, image.key, {
      name: address.version,
      region,
    })
    if (!version) throw notThere(address)
    return { status: 200, body: sharedVersion(version, how) }
  }
  sharedTo(request)
  const after = readCursor(request.query.get('$skiptoken'))
  const page = await listSharedVersions(store.read, image.key, { region, after })
  return listed(request, page, (row) => sharedVersion(row, how))
}

function listed(
  request: ArmRequest,
  { rows, next }: Awaited<ReturnType<typeof listSharedImages>>,
  show: (row: ResourceRow) => JsonObject,
): Answer {
  const texts = rows.map((row) => JSON.stringify(show(row)))
  return listAnswer(request, texts, next === undefined ? undefined : writeCursor(next))
}
