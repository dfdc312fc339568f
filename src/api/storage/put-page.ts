import { release } from '../../base/release.ts'
import type { ByteRange } from '../../domain/byte-range.ts'
import { limits } from '../../domain/limits.ts'
import { clearPages, type Staging, stagePage } from '../../regions/staging.ts'
import { stagingOf } from '../../resources/pending-content.ts'
import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'
import { takeRoom } from './body-stream.ts'
import { checkMd5 } from './checksum.ts'
import { readPage, readParts, wrongLength } from './page-body.ts'
import { pageRange } from './page-range.ts'

/** Put Page: answered once the bytes are durable. A page that arrives twice is the same page. */
export async function answerPutPage(request: BlobRequest): Promise<Response> {
  const { raw, disk, plane, grant } = request
  const staging = stagingOf(disk)
  if (!staging) throw new BlobError('AuthorizationPermissionMismatch', 'This disk takes no upload.')
  const range = pageRange(raw.headers, staging.sizeBytes)
  if (raw.headers.get('x-ms-page-write')?.toLowerCase() === 'clear') {
    if (!(await clearPages(plane, { ...staging, ...range, grant: grant.id }))) throw revoked()
    return created(request)
  }
  // A body of unknown length may have all that is taken.
  const told = Number(raw.headers.get('content-length') ?? limits.putPageBytesMax)
  const mostBytes = Math.max(told, range.lengthBytes)
  if (mostBytes > limits.putPageBytesMax) {
    throw new BlobError(
      'RequestBodyTooLarge',
      `A page range has at most ${limits.putPageBytesMax} bytes.`,
    )
  }
  const giveBack = await takeRoom(request, mostBytes)
  try {
    return await keepPage(request, staging, range)
  } finally {
    giveBack()
  }
}

async function keepPage(
  request: BlobRequest,
  staging: Staging,
  range: ByteRange,
): Promise<Response> {
  const { raw, plane, grant } = request
  const bytes = await readBytes(request, range.lengthBytes)
  checkMd5(raw.headers.get('content-md5'), bytes)
  const { offsetBytes } = range
  const page = { ...staging, offsetBytes, bytes, grant: grant.id, signal: raw.signal }
  const isKept = await stagePage(plane, page)
  release(bytes)
  if (!isKept) throw revoked()
  return created(request)
}

async function readBytes({ raw, incoming }: BlobRequest, lengthBytes: number) {
  const told = raw.headers.get('content-length')
  if (told !== null && Number(told) !== lengthBytes) throw wrongLength(Number(told), lengthBytes)
  if (incoming && told !== null) return readPage(incoming, lengthBytes)
  const bytes = await readParts(raw, limits.putPageBytesMax)
  if (bytes.byteLength !== lengthBytes) throw wrongLength(bytes.byteLength, lengthBytes)
  return bytes
}

function revoked(): BlobError {
  return new BlobError(
    'AuthenticationFailed',
    'The access was revoked while the page was on its way.',
  )
}

function created({ world }: BlobRequest): Response {
  return new Response(null, {
    status: 201,
    headers: {
      etag: `"${world.id()}"`,
      'last-modified': world.now().toUTCString(),
      'x-ms-blob-sequence-number': '0',
      'x-ms-request-server-encrypted': 'false',
    },
  })
}
