import { ClientError } from '../client/client-error.ts'
import type { JsonObject } from '../domain/rows.ts'
import { parseVersionName } from '../domain/version-name.ts'
import { may } from './flag.ts'
import { apiVersions, type VersionNames } from './paths.ts'
import { propertiesOf } from './resources.ts'
import type { Session } from './session.ts'
import { at } from './table.ts'
import { UsageError } from './usage-error.ts'

/** An image as people say it: what its definition is identified by, and which version. */
export type NamedImage = {
  readonly publisher: string
  readonly offer: string
  readonly sku: string
  /** Major.Minor.Patch, or latest. */
  readonly version: string
}

/** `publisher:offer:sku:version`; undefined for another form. Throws UsageError for a version that is none. */
export function parseNamedImage(text: string): NamedImage | undefined {
  const [publisher, offer, sku, version, ...more] = text.split(':')
  if (!publisher || !offer || !sku || version === undefined || more.length > 0) return undefined
  if (version === 'latest' || parseVersionName(version)) return { publisher, offer, sku, version }
  throw new UsageError(
    `'${version}' in '${text}' is no version; end it with :latest or, as an example, :1.2.3.`,
  )
}

/** How a command is told which version it is about: in one word, or by its names. */
export const versionNamed = {
  image: may('[image]', 'publisher:offer:sku:version; the version may be latest.'),
  group: may('-g, --resource-group <name>', 'Resource group.', { completes: 'group' }),
  gallery: may('-r, --gallery-name <name>', 'Gallery.', { completes: 'gallery' }),
  definition: may('-i, --gallery-image-definition <name>', 'Image definition.', {
    completes: 'definition',
  }),
  version: may('-e, --gallery-image-version <version>', 'Major.Minor.Patch, or latest.', {
    completes: 'version',
  }),
}

export type VersionGiven = { readonly [Name in keyof typeof versionNamed]: string | undefined }

/**
 * The names that a command was given, of a version that may be `latest`. A gallery and group beside publisher, offer and
 * SKU say where to look. Throws UsageError when it was told too little or twice, ClientError when there is no such image.
 */
export async function namesOf(
  session: Session,
  given: VersionGiven,
  signal: AbortSignal,
): Promise<VersionNames> {
  const { image, group, gallery, definition, version } = given
  if (image === undefined) {
    if (group && gallery && definition && version) return { group, gallery, definition, version }
    throw new UsageError('Name the version: publisher:offer:sku:version, or -g, -r, -i and -e.')
  }
  const named = parseNamedImage(image)
  if (named === undefined)
    throw new UsageError(`'${image}' is not of the form publisher:offer:sku:version.`)
  if (definition !== undefined || version !== undefined)
    throw new UsageError('publisher:offer:sku:version excludes -i and -e.')
  return await findImage(session, named, { group, gallery, signal })
}

type Place = {
  readonly group?: string | undefined
  readonly gallery?: string | undefined
  readonly signal: AbortSignal
}

/** Where the image is defined, of all galleries that the caller may read. Throws ClientError (404; 409 when in several). */
export async function findImage(
  session: Session,
  image: NamedImage,
  place: Place,
): Promise<VersionNames> {
  const { signal } = place
  const arm = { apiVersion: apiVersions.galleries, signal }
  const { client, paths } = session
  const found: VersionNames[] = []
  for await (const row of client.list(paths.galleries(place.group), arm)) {
    const [group = '', gallery = ''] = namesIn(
      row,
      /\/resourceGroups\/([^/]+)\/.*\/galleries\/(.+)/i,
    )
    if (place.gallery !== undefined && !same(place.gallery, gallery)) continue
    for await (const one of client.list(`${paths.gallery(group, gallery)}/images`, arm)) {
      const { version } = image
      if (isOf(one, image)) found.push({ group, gallery, definition: String(one.name), version })
    }
  }
  const [only, ...others] = found
  if (only && others.length === 0) return only
  const name = `${image.publisher}:${image.offer}:${image.sku}`
  if (only === undefined)
    throw new ClientError({
      code: 'ResourceNotFound',
      message: `No gallery that you may read has an image ${name}.`,
      status: 404,
      nextStep: '`vitrine image-definition list -g … -r …` shows publisher, offer and SKU of each.',
    })
  const where = found.map(({ group, gallery }) => `-g ${group} -r ${gallery}`)
  throw new ClientError({
    code: 'Conflict',
    message: `${name} is in ${found.length} galleries.`,
    status: 409,
    nextStep: `Say which one: ${where.slice(0, 5).join(', or ')}.`,
  })
}

function isOf(definition: JsonObject, image: NamedImage): boolean {
  const identifier = (part: 'publisher' | 'offer' | 'sku') =>
    String(at(propertiesOf(definition), `identifier.${part}`))
  return (['publisher', 'offer', 'sku'] as const).every((part) =>
    same(identifier(part), image[part]),
  )
}

/** Names in the id of a resource. */
function namesIn({ id }: JsonObject, pattern: RegExp): readonly string[] {
  return pattern.exec(String(id))?.slice(1).map(decodeURIComponent) ?? []
}

/** Names differ by more than case. */
function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
