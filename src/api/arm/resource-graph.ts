import { z } from 'zod'
import { readCursor, writeCursor } from '../../domain/cursor.ts'
import { ArmError } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { sharedUniqueId } from '../../domain/shared-image-id.ts'
import { parseBody } from '../../resources/parse.ts'
import { communityMetadata } from '../../resources/shared-shapes.ts'
import { type CommunityListing, listCommunityGalleries } from '../../views/shared-galleries.ts'
import { type Answer, type ArmRequest, notAllowed } from './answer.ts'

const Query = z.object({
  query: z.string().max(4096),
  options: z
    .object({
      $top: z.int().min(1).max(1000).exactOptional(),
      $skipToken: z.string().exactOptional(),
    })
    .exactOptional(),
})

const type = 'microsoft.compute/locations/communitygalleries'
/** What `az sig list-community` sends, and no more of the language. */
const form =
  /^\s*communitygalleryresources\s*\|\s*where\s+type\s*==\s*'microsoft\.compute\/locations\/communitygalleries'\s*(?:\|\s*where\s+location\s*==\s*'([^']*)'\s*)?$/i

/** `POST /providers/Microsoft.ResourceGraph/resources`: the list of community galleries, which Azure has nowhere else. */
export async function answerResourceGraph(request: ArmRequest): Promise<Answer> {
  if (request.method !== 'POST') throw notAllowed(request.method)
  const { providers, asked } = request
  const parsed = parseBody(Query, await request.json())
  if ('problems' in parsed) {
    throw new ArmError('InvalidParameter', parsed.problems.map(({ message }) => message).join(' '))
  }
  const { query, options = {} } = Query.parse(parsed.body)
  const [known, location] = form.exec(query) ?? []
  if (known === undefined) throw notKnown()
  const sees = asked.caller.visible('Microsoft.Compute/locations/communityGalleries/read')
  // Everybody sees what is shared to everybody, but somebody he must be.
  if (sees.length === 0) return tableAnswer([], undefined)
  const { all, find } = providers.settings.regions
  const one = location === undefined ? undefined : find(location)
  const regions = location === undefined ? all : one ? [one] : []
  const page = await listCommunityGalleries(providers.store.read, {
    regions: regions.map(({ name }) => name),
    after: readCursor(options.$skipToken),
    rowsMax: Math.min(options.$top ?? limits.pageRows, limits.pageRows),
  })
  return tableAnswer(page.rows.map(shownRow), page.next)
}

function notKnown(): ArmError {
  return new ArmError(
    'BadRequest',
    `Of Resource Graph one query is answered here: communitygalleryresources| where type == '${type}' | where location == '{region}', with or without the location.`,
  )
}

function shownRow({ gallery, region }: CommunityListing) {
  const { publicName } = gallery.status
  const name = String(publicName)
  return {
    id: `/providers/Microsoft.Compute/locations/${region}/communityGalleries/${name}`,
    name,
    type,
    location: region,
    properties: {
      communityMetadata: communityMetadata(gallery),
      identifier: { uniqueId: sharedUniqueId('community', { gallery: name }) },
    },
  }
}

function tableAnswer(data: readonly object[], next: string | undefined): Answer {
  const body = {
    totalRecords: data.length,
    count: data.length,
    data,
    facets: [],
    resultTruncated: 'false',
    ...(next !== undefined && { $skipToken: writeCursor(next) }),
  }
  return { status: 200, body }
}
