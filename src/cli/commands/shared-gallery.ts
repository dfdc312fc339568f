import { isArray, isObject, objectIn, objectOr } from '../../client/client.ts'
import { clientLimits } from '../../client/client-limits.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { needs, on } from '../flag.ts'
import { apiVersions } from '../paths.ts'
import type { Column } from '../table.ts'
import { formatWhen } from '../units.ts'
import { definition } from './common-flags.ts'

const apiVersion = apiVersions.galleries

const id: Column = ['Id', 'uniqueId']
const galleryColumns: readonly Column[] = [['Name', 'name'], ['Location', 'location'], id]
const imageColumns: readonly Column[] = [
  ['Name', 'name'],
  ['OS', 'osType'],
  ['State', 'osState'],
  ['Generation', 'hyperVGeneration'],
  id,
]
const versionColumns: readonly Column[] = [
  ['Name', 'name'],
  ['Published', (row) => formatWhen(row.publishedDate)],
  ['Size GB', 'storageProfile.osDiskImage.diskSizeGB'],
  id,
]

const location = needs('-l, --location <region>', 'Region.', { completes: 'region' })
const name = needs(
  '-r, --gallery-name <name>',
  'Unique name of a shared gallery, or public name of a community gallery.',
)

const list = command({
  name: 'list',
  says: 'List galleries that are shared to this subscription.',
  more: 'What is listed can be used by its Id in place of the id of an image: a disk or version is made of it.',
  examples: [
    'vitrine shared-gallery list -l westeurope',
    'vitrine shared-gallery list -l westeurope --tenant',
  ],
  flags: {
    location,
    tenant: on('--tenant', 'Those that are shared to the whole tenant.'),
    community: on('--community', 'Those that are shared to everybody.'),
  },
  run: async (context, given) => {
    if (given.community) {
      return { value: await communityGalleries(context, given.location), columns: communityColumns }
    }
    const path = `${await placeOf(context, given.location)}/sharedGalleries`
    const query = given.tenant ? { sharedTo: 'tenant' } : {}
    return { value: await listShared(context, path, query), columns: galleryColumns }
  },
})

const communityColumns: readonly Column[] = [
  ['Name', 'name'],
  ['Location', 'location'],
  ['Publisher', 'communityMetadata.publisherContact'],
  ['Terms', 'communityMetadata.eula'],
]

/** The one list of community galleries that there is. */
async function communityGalleries(context: Context, region: string): Promise<JsonObject[]> {
  const { client } = await context.connect()
  const place = region.toLowerCase().replaceAll(/[ ']/g, '')
  const query = `communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries' | where location == '${place}'`
  const rows: JsonObject[] = []
  let token: unknown
  for (let page = 1; page <= clientLimits.listPagesMax; page++) {
    const options = typeof token === 'string' ? { $skipToken: token } : {}
    const told = objectIn(
      await client.call('POST', '/providers/Microsoft.ResourceGraph/resources', {
        apiVersion: '2021-03-01',
        body: { query, options },
        signal: context.signal,
      }),
    )
    if (isArray(told.data)) rows.push(...told.data.filter(isObject))
    token = told.$skipToken
    if (token === undefined) break
  }
  return rows
}

const show = command({
  name: 'show',
  says: 'Show a shared or community gallery.',
  flags: { location, name },
  run: async (context, given) => {
    const { client } = await context.connect()
    const options = { apiVersion, signal: context.signal }
    const path = await pathOf(context, given)
    const told = objectIn(await client.call('GET', path, options))
    return { value: withUniqueId(told), columns: galleryColumns }
  },
})

const listImages = command({
  name: 'list-images',
  says: 'List the image definitions of a shared or community gallery.',
  flags: { location, name },
  run: async (context, given) => {
    const path = `${await pathOf(context, given)}/images`
    return { value: await listShared(context, path), columns: imageColumns }
  },
})

const listVersions = command({
  name: 'list-versions',
  says: 'List the versions of a shared image that can be used in a region.',
  flags: { location, name, definition },
  run: async (context, given) => {
    const image = encodeURIComponent(given.definition)
    const path = `${await pathOf(context, given)}/images/${image}/versions`
    return { value: await listShared(context, path), columns: versionColumns }
  },
})

async function listShared(
  context: Context,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<JsonObject[]> {
  const { client } = await context.connect()
  const rows: JsonObject[] = []
  const options = { apiVersion, query, signal: context.signal }
  for await (const row of client.list(path, options)) rows.push(withUniqueId(row))
  return rows
}

/** As az shows it: an image has another `identifier` among its properties. */
function withUniqueId({ identifier, ...others }: JsonObject): JsonObject {
  return { ...others, uniqueId: objectOr(identifier).uniqueId ?? null }
}

async function placeOf(context: Context, region: string): Promise<string> {
  const { paths } = await context.connect()
  return `${paths.subscription}/providers/Microsoft.Compute/locations/${encodeURIComponent(region)}`
}

/** A unique name begins with the id of a subscription; public names do not. */
const uniqueForm = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}-/i

async function pathOf(
  context: Context,
  { location: region, name: gallery }: { readonly location: string; readonly name: string },
): Promise<string> {
  const list = uniqueForm.test(gallery) ? 'sharedGalleries' : 'communityGalleries'
  return `${await placeOf(context, region)}/${list}/${encodeURIComponent(gallery)}`
}

export const sharedGalleryCommands: CommandGroup = {
  name: 'shared-gallery',
  says: 'Shared galleries: what others share with this subscription, its tenant or everybody.',
  commands: [list, show, listImages, listVersions],
}
