import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { invariant } from '../../base/assert.ts'
import type { Holder } from '../../domain/directory.ts'
import { type OutputFormat, outputFormats } from '../../domain/output-formats.ts'
import type { ImageGrant, ResourceRow, SasRow } from '../../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../../domain/spaces.ts'
import { contentOf } from '../../resources/content.ts'
import type { Settings } from '../../resources/declaration.ts'
import { isVersionType, signedFileName } from '../../resources/signed-url.ts'
import { expiredProblems } from '../../resources/version-use.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest, StoragePorts } from './blob-request.ts'
import { sendRange } from './body-stream.ts'
import { openFormatted } from './disk-format.ts'
import { readRange } from './range.ts'

export type ImagePorts = StoragePorts & {
  readonly settings: Settings
  /** The version that `latest` stands for in a region, or anywhere. */
  findLatest(definitionKey: string, region: string | undefined): Promise<ResourceRow | undefined>
  /** What somebody may do now. */
  mayOf(holder: Holder): Promise<(action: string, scope: string) => boolean>
}

/** One request for the file behind a signed URL. `grantId`: as the URL names it. */
export type ImageRequest = Omit<BlobRequest, 'grant' | 'disk'> & { readonly grantId: string }

/** GET and HEAD of a version's disk as a file. Throws BlobError, Unavailable. */
export async function answerImageFile(ports: ImagePorts, asked: ImageRequest): Promise<Response> {
  const { raw, told, outgoing } = asked
  if (raw.method !== 'GET' && raw.method !== 'HEAD') {
    throw new BlobError('UnsupportedHttpVerb', `${raw.method} is nothing that an image takes.`)
  }
  const { grant, image, version } = await admitImage(ports, asked)
  const content = contentOf(version.status).find(({ lun }) => lun === image.lun)
  if (!content) throw gone(`Version ${version.name} has no such disk.`)
  const spaces = await spacesOf(ports, { version, image: content.image, region: image.region })
  const { fileBytes } = content
  // A package is as long as it was; a disk has its format.
  const format = fileBytes === undefined ? formatOf(image) : 'raw'
  const virtualSizeBytes = fileBytes ?? content.virtualSizeBytes
  const request = { ...asked, grant, disk: version }
  const etag = `"${version.name}-${content.image.slice(0, 32)}-${format}"`
  const modified = new Date(Math.floor(version.createdMs / 1000) * 1000)
  const validators = { etag, 'last-modified': modified.toUTCString(), 'cache-control': 'private' }
  const early = judgeConditions(raw.headers, { etag, modified })
  if (early !== undefined) return new Response(null, { status: early, headers: validators })
  const file = await openFormatted(request, { ...content, virtualSizeBytes, spaces }, format)
  const isMeant = isRangeMeant(raw.headers, { etag, modified })
  const range = readRange(
    isMeant ? rangeOf(raw.headers, file.sizeBytes) : new Headers(),
    file.sizeBytes,
  )
  const last = range.offsetBytes + range.lengthBytes - 1
  const headers = {
    ...validators,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': String(range.lengthBytes),
    'content-disposition': `attachment; filename="${signedFileName(version.key, image)}"`,
    ...(range.isPart && {
      'content-range': `bytes ${range.offsetBytes}-${last}/${file.sizeBytes}`,
    }),
  }
  const status = range.isPart ? 206 : 200
  if (raw.method === 'HEAD') return new Response(null, { status, headers })
  invariant(outgoing, 'an image is read over a socket')
  const { signal } = raw
  const read = (offsetBytes: number, lengthBytes: number) =>
    file.read({ offsetBytes, lengthBytes }, signal)
  await sendRange(request, outgoing, { status, headers: { ...headers, ...told }, read, range })
  return RESPONSE_ALREADY_SENT
}

type Admitted = {
  readonly grant: SasRow
  readonly image: ImageGrant
  readonly version: ResourceRow
}

/** Everything is judged at each request: the signature, the grant's row, its maker's rights, the version's end of life. */
async function admitImage(
  { store, sas, world, settings, findLatest, mayOf }: ImagePorts,
  { url, grantId }: ImageRequest,
): Promise<Admitted> {
  if (!sas.isSignedImage(grantId, url.searchParams.get('sig') ?? undefined)) {
    throw refused('The signature of the URL is not valid.')
  }
  const grant = await store.read.sas.get(grantId)
  const row = grant?.image && (await store.read.resources.get(grant.key))
  if (!grant?.image || !row || row.state === 'Deleting') throw refused('The URL was revoked.')
  const now = world.now()
  if (grant.expiresMs <= now.getTime()) throw refused('The URL has expired.')
  const { image } = grant
  const version = isVersionType(row.type) ? row : await findLatest(row.key, image.region)
  if (!version) throw gone('No version of this image is complete there.')
  const { principalId, principalTenantId: tenantId, principalClientId: clientId } = image
  const may = await mayOf({ principalId, tenantId, clientId })
  // What reading takes, and what making the URL took.
  if (!may(`${version.type}/read`, version.key) || !may(`${row.type}/signedUrls/read`, row.key)) {
    throw refused('Whoever made the URL may not read the image any more.')
  }
  const [expired] = expiredProblems(version, { settings, now })
  if (expired) throw new BlobError('OperationNotAllowed', expired.message)
  return { grant, image, version }
}

/** Where the image lies for this version: in the region that was asked for first, then where no other process is needed. */
async function spacesOf(
  { store, plane }: ImagePorts,
  { version, image, region }: { version: ResourceRow; image: string; region: string | undefined },
): Promise<readonly SpaceId[]> {
  const kept = await store.read.placements.ofKeepers([version.key])
  const rank = (space: SpaceId): number => {
    const isAsked = region !== undefined && parseSpaceId(space)?.region === region
    return (isAsked ? 0 : 2) + (plane.addressOf(space).kind === 'peer' ? 1 : 0)
  }
  const spaces = kept.filter((placed) => placed.image === image).map(({ space }) => space)
  if (spaces.length === 0) throw gone(`Version ${version.name} is complete in no region yet.`)
  return spaces.toSorted((one, other) => rank(one) - rank(other))
}

function formatOf({ format }: ImageGrant): OutputFormat {
  return outputFormats.find((known) => known === format) ?? 'vhd'
}

type Validators = { readonly etag: string; readonly modified: Date }

/** 304 or 412 (RFC 9110 §13.2.2); undefined: the file is sent. */
function judgeConditions(headers: Headers, { etag, modified }: Validators): 304 | 412 | undefined {
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null && !lists(ifMatch, etag)) return 412
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null) return lists(ifNoneMatch, etag) ? 304 : undefined
  const since = Date.parse(headers.get('if-modified-since') ?? '')
  return since >= modified.getTime() ? 304 : undefined
}

function lists(header: string, etag: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/** With `If-Range` of another state of the file, all of it is meant. */
function isRangeMeant(headers: Headers, { etag, modified }: Validators): boolean {
  const ifRange = headers.get('if-range')
  return ifRange === null || ifRange === etag || Date.parse(ifRange) === modified.getTime()
}

/** `bytes=-500` is the end of the file (RFC 9110); Blob Storage knows no such range. */
function rangeOf(headers: Headers, sizeBytes: number): Headers {
  const [, lastBytes] = /^bytes=-(\d{1,15})$/.exec(headers.get('range') ?? '') ?? []
  if (lastBytes === undefined) return headers
  return new Headers({ range: `bytes=${Math.max(0, sizeBytes - Number(lastBytes))}-` })
}

function refused(message: string): BlobError {
  return new BlobError('AuthenticationFailed', message)
}

function gone(message: string): BlobError {
  return new BlobError('BlobNotFound', message)
}
