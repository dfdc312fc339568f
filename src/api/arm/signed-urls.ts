import type { SasRow } from '../../domain/rows.ts'
import { createSignedUrl, listSignedUrls, revokeSignedUrl } from '../../providers/signed-urls.ts'
import { formatTime } from '../../resources/coerce.ts'
import { signedFileName } from '../../resources/signed-url.ts'
import { type Answer, notAllowed, type Resourceful } from './answer.ts'

/** `{version or definition}/providers/Vitrine.Gallery/signedUrls[/{id}]`: POST, GET of all, DELETE of one. */
export async function answerSignedUrls(
  request: Resourceful,
  name: string | undefined,
): Promise<Answer> {
  const { providers, asked, method, origin } = request
  if (name !== undefined) {
    if (method !== 'DELETE') throw notAllowed(method)
    await revokeSignedUrl(providers, asked, request, name)
    return { status: 200 }
  }
  if (method === 'GET') {
    const grants = await listSignedUrls(providers, asked, request)
    return { status: 200, body: { value: grants.map(shown) } }
  }
  if (method !== 'POST') throw notAllowed(method)
  const grant = await createSignedUrl(providers, asked, request, () => request.json())
  const url = request.imageUrl(origin, { grant: grant.id, name: nameOf(grant) })
  return { status: 201, body: { ...shown(grant), url } }
}

/** Never its signature: a URL that was lost is made anew. */
function shown(grant: SasRow) {
  const { id, expiresMs, image } = grant
  return {
    id,
    fileName: nameOf(grant),
    format: image?.format,
    ...(image?.lun !== undefined && { lun: image.lun }),
    ...(image?.region !== undefined && { location: image.region }),
    createdOn: formatTime(new Date(image?.createdMs ?? 0)),
    createdBy: image?.createdBy,
    expiresOn: formatTime(new Date(expiresMs)),
  }
}

function nameOf({ key, image }: SasRow): string {
  return image ? signedFileName(key, image) : ''
}
