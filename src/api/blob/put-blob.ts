import { limits } from '../../domain/limits.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import { pageBytes } from '../storage/page-range.ts'
import { type AskedBlob, numberHeader } from './asked.ts'
import { changeBlob, mayChange, replaceBlob } from './change-blob.ts'
import { newFacts, writtenHeaders } from './facts.ts'
import { bodyBytes, sumHeaders, type TakenIn, takeIn } from './intake.ts'

/** Put Blob: a block blob of one body, or an empty page blob of the size that is said. */
export function putBlob(asked: AskedBlob): Promise<Response> {
  const type = asked.raw.headers.get('x-ms-blob-type')
  switch (type?.toLowerCase()) {
    case 'blockblob':
      return putBlockBlob(asked)
    case 'pageblob':
      return putPageBlob(asked)
    case 'appendblob':
      throw new BlobError(
        'FeatureNotSupported',
        'Append blobs are not available here. Use x-ms-blob-type BlockBlob or PageBlob.',
      )
    default:
      throw new BlobError(
        'MissingRequiredHeader',
        'Put Blob needs the header x-ms-blob-type: BlockBlob or PageBlob.',
      )
  }
}

async function putBlockBlob(asked: AskedBlob): Promise<Response> {
  const sizeBytes = bodyBytes(asked)
  const { contentType = asked.raw.headers.get('content-type') ?? undefined, ...facts } = newFacts(
    asked.raw.headers,
  )
  await mayChange(asked)
  const taken = await takeIn(asked, sizeBytes)
  const contentMd5 = facts.contentMd5 ?? taken.md5
  const kept = {
    ...facts,
    ...(contentType !== undefined && { contentType }),
    ...(contentMd5 !== undefined && { contentMd5 }),
  }
  const blob = await commitTaken(asked, taken, kept)
  return created({ ...writtenHeaders(blob), ...sumHeaders(taken) })
}

/** What was taken in becomes the blob. */
export function commitTaken(
  asked: AskedBlob,
  { upload, sizeBytes, pages }: Pick<TakenIn, 'upload' | 'sizeBytes' | 'pages'>,
  facts: StoredBlob['facts'],
  type: StoredBlob['type'] = 'BlockBlob',
): Promise<StoredBlob> {
  return changeBlob(asked, async (changing) => {
    const { rows } = changing
    if (!(await rows.blobs.adopt(upload))) throw tooSlow()
    const made = { type, upload, sizeBytes, facts }
    const blob = await replaceBlob(asked, changing, made)
    if (blob) await rows.blobs.addPages(upload, pages)
    return blob
  })
}

export function tooSlow(): BlobError {
  return new BlobError('ServerBusy', 'The body took too long, and was dropped. Send it again.')
}

async function putPageBlob(asked: AskedBlob): Promise<Response> {
  const { raw, world } = asked
  const sizeBytes = pageBlobSize(asked)
  if (sizeBytes === undefined) {
    const message = 'A page blob needs the header x-ms-blob-content-length.'
    throw new BlobError('MissingRequiredHeader', message)
  }
  if (bodyBytes(asked) > 0) {
    throw new BlobError('InvalidHeaderValue', 'A page blob is made empty: send no body with it.')
  }
  const sequenceNumber = numberHeader(asked, 'x-ms-blob-sequence-number') ?? 0
  const facts = { ...newFacts(raw.headers), sequenceNumber }
  const blob = await changeBlob(asked, (changing) =>
    replaceBlob(asked, changing, { type: 'PageBlob', upload: world.id(), sizeBytes, facts }),
  )
  return created({ ...writtenHeaders(blob), 'x-ms-request-server-encrypted': 'false' })
}

/** `x-ms-blob-content-length`; undefined without it. Throws InvalidHeaderValue, OutOfRangeInput. */
export function pageBlobSize(asked: AskedBlob): number | undefined {
  const name = 'x-ms-blob-content-length'
  const sizeBytes = numberHeader(asked, name)
  if (sizeBytes === undefined) return undefined
  if (sizeBytes % pageBytes !== 0) {
    throw new BlobError('InvalidHeaderValue', `${name} must be a multiple of ${pageBytes}.`)
  }
  if (sizeBytes <= limits.pageBlobBytesMax) return sizeBytes
  throw new BlobError(
    'OutOfRangeInput',
    `A page blob has at most ${limits.pageBlobBytesMax} bytes.`,
  )
}

export function created(headers: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 201, headers })
}
