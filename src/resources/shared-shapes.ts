import type { JsonObject, ResourceRow } from '../domain/rows.ts'
import { type SharedVia, sharedUniqueId } from '../domain/shared-image-id.ts'
import { formatTime } from './coerce.ts'
import type { ArmDocument, Evolution, Settings, Stored } from './declaration.ts'
import { lower } from './evolve.ts'
import { wantedRegions } from './image-version.ts'
import { isList, isObject, valueAt } from './paths.ts'
import { findType } from './types.ts'

/** How whoever something is shared to sees it: nothing of where it lies, of its owner, or of who else has it. */
export type SharedShape = {
  readonly via: SharedVia
  readonly apiVersion: string
  /** The name of the gallery by which it was asked for. */
  readonly gallery: string
  /** As it is answered. */
  readonly location: string
}

/** The first api-versions of the lists and reads. */
export const sharedSince = { shared: '2020-09-30', community: '2021-07-01' } as const

const evolutions = {
  gallery: evolution({ 'properties.artifactTags': '2022-08-03' }, [metadataAtRoot]),
  image: evolution({
    'properties.architecture': '2022-01-03',
    'properties.artifactTags': '2022-08-03',
    'properties.features[].startsAtVersion': '2024-03-03',
  }),
  version: evolution({
    'properties.excludeFromLatest': '2022-01-03',
    'properties.storageProfile': '2022-01-03',
    'properties.artifactTags': '2022-08-03',
  }),
} as const

type Move = Evolution['moves'][number]

function evolution(since: Evolution['since'], moves: readonly (() => Move)[] = []): Evolution {
  return {
    since: { type: '2022-08-03', ...since },
    defaults: [],
    moves: moves.map((make) => make()),
  }
}

/** Before 2022-08-03 a community gallery tells of its publisher beside its name. */
function metadataAtRoot(): Move {
  return {
    before: '2022-08-03',
    up: (body) => body,
    down: ({ properties, ...others }) => {
      const { communityMetadata, ...rest } = isObject(properties) ? properties : {}
      if (communityMetadata === undefined) return { ...others, properties: rest }
      return { ...others, communityMetadata }
    },
  }
}

export function sharedGallery(row: ResourceRow, shape: SharedShape): JsonObject {
  const metadata = communityMetadata(row)
  return shown('gallery', shape, {
    name: shape.gallery,
    ...(shape.via === 'community' && { type: 'Microsoft.Compute/locations/communityGallery' }),
    uniqueId: sharedUniqueId(shape.via, { gallery: shape.gallery }),
    properties: {
      ...artifactTags(row),
      ...(shape.via === 'community' && { communityMetadata: metadata }),
    },
  })
}

/** What everybody may know of who publishes a community gallery. */
export function communityMetadata({ doc, status }: ResourceRow): JsonObject {
  const info = valueAt(doc, 'properties.sharingProfile.communityGalleryInfo')
  const { publicNamePrefix: _, ...told } = isObject(info) ? info : {}
  const { publicName } = status
  return { ...told, publicNames: typeof publicName === 'string' ? [publicName] : [] }
}

const imageMembers = [
  'osType',
  'osState',
  'hyperVGeneration',
  'architecture',
  'endOfLifeDate',
  'disallowed',
  'features',
  'purchasePlan',
] as const

/** From which api-version on a definition tells of its licence. */
const termsSince = { shared: '2022-03-03', community: '2022-01-03' } as const
/** Before, the identifier of a community image is empty. */
const communityIdentifierSince = '2022-08-03'

export function sharedImage(row: ResourceRow, shape: SharedShape): JsonObject {
  const { via, gallery, apiVersion } = shape
  const members = apiVersion >= termsSince[via] ? [...imageMembers, ...terms] : imageMembers
  const of = (name: string) => valueAt(row.doc.properties, name)
  const known = members.flatMap((name) => {
    const value = of(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const isNamed = via === 'shared' || apiVersion >= communityIdentifierSince
  return shown('image', shape, {
    name: row.name,
    ...(via === 'community' && { type: 'Microsoft.Compute/locations/communityGalleryImage' }),
    uniqueId: sharedUniqueId(via, { gallery, image: row.name }),
    properties: {
      ...Object.fromEntries(known),
      recommended: of('recommended') ?? {},
      identifier: (isNamed && of('identifier')) || {},
      ...artifactTags(row),
    },
  })
}

const terms = ['eula', 'privacyStatementUri'] as const

export function sharedVersion(
  row: ResourceRow,
  shape: SharedShape & { readonly image: string; readonly settings: Settings },
): JsonObject {
  const { via, gallery, image, location, settings } = shape
  const wanted = wantedRegions(row.doc, settings).find(
    ({ region }) => region === settings.regions.find(location)?.name,
  )
  const endOfLifeDate = valueAt(row.doc, 'properties.publishingProfile.endOfLifeDate')
  const { publishedDate } = row.status
  return shown('version', shape, {
    name: row.name,
    ...(via === 'community' && {
      type: 'Microsoft.Compute/locations/communityGalleryImageVersion',
    }),
    uniqueId: sharedUniqueId(via, { gallery, image, version: row.name }),
    properties: {
      publishedDate: publishedDate ?? formatTime(new Date(row.createdMs)),
      ...(endOfLifeDate !== undefined && { endOfLifeDate }),
      excludeFromLatest: wanted?.excludeFromLatest ?? false,
      storageProfile: storageOf(row, settings),
      ...artifactTags(row),
    },
  })
}

/** Sizes and caching alone: from what it was made is nobody else's to know. */
function storageOf(row: ResourceRow, settings: Settings): JsonObject {
  const asked = { expand: undefined, select: undefined, tellsOthers: false }
  const view = { replicas: [], ...asked, settings }
  // The row was stored by this type's own schema.
  const stored = row as unknown as Stored<ArmDocument>
  const profile = valueAt(findType(row.type)?.show?.(stored, view), 'properties.storageProfile')
  const os = valueAt(profile, 'osDiskImage')
  const data = valueAt(profile, 'dataDiskImages')
  return {
    ...(isObject(os) && { osDiskImage: diskOf(os) }),
    ...(isList(data) && {
      dataDiskImages: data
        .filter(isObject)
        .map((disk) => ({ lun: disk.lun ?? 0, ...diskOf(disk) })),
    }),
  }
}

function diskOf({ sizeInGB, hostCaching }: JsonObject): JsonObject {
  return {
    ...(sizeInGB !== undefined && { diskSizeGB: sizeInGB }),
    ...(hostCaching !== undefined && { hostCaching }),
  }
}

/** Tags are the owner's own, but for those that are named to be shared. */
function artifactTags({ doc }: ResourceRow): JsonObject {
  const tags = isObject(doc.tags) ? Object.entries(doc.tags) : []
  const told = tags.filter(([name]) => /^sharetag-/i.test(name))
  return told.length === 0 ? {} : { artifactTags: Object.fromEntries(told) }
}

function shown(
  kind: keyof typeof evolutions,
  { location, apiVersion }: SharedShape,
  { uniqueId, ...told }: JsonObject,
): JsonObject {
  const whole = { location, ...told, identifier: { uniqueId: uniqueId ?? '' } }
  return lower({ evolution: evolutions[kind] }, whole, apiVersion)
}
