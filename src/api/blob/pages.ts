import { release } from '../../base/release.ts'
import type { ByteRange } from '../../domain/byte-range.ts'
import { limits } from '../../domain/limits.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { putPage } from '../../regions/staging.ts'
import { BlobError } from '../storage/blob-error.ts'
import { takeRoom } from '../storage/body-stream.ts'
import { checkMd5 } from '../storage/checksum.ts'
import { readPage, readParts, wrongLength } from '../storage/page-body.ts'
import { pageRange } from '../storage/page-range.ts'
import { type AskedBlob, freshEtag, numberHeader } from './asked.ts'
import { changeBlob, mustBe, spaceOf } from './change-blob.ts'
import { openCrc64 } from './crc64.ts'
import { writtenHeaders } from './facts.ts'
import { bodyBytes } from './intake.ts'
import { created } from './put-blob.ts'
import { pageBlobOf } from './read-blob.ts'

const strayMs = 60_000

/** Put Page: bytes, or a clear. */
export async function answerPutPage(asked: AskedBlob): Promise<Response> {
  const { raw } = asked
  const blob = await pageBlobOf(asked)
  const range = pageRange(raw.headers, blob.sizeBytes)
  const isClear = raw.headers.get('x-ms-page-write')?.toLowerCase() === 'clear'
  const lengthBytes = bodyBytes(asked, limits.putPageBytesMax)
  if (lengthBytes !== (isClear ? 0 : range.lengthBytes))
    throw wrongLength(lengthBytes, range.lengthBytes)
  if (isClear) return told(await addPage(asked, blob, { ...range, key: undefined }))
  const hold = await takeRoom(asked, lengthBytes)
  try {
    return await keepPage(asked, blob, range)
  } finally {
    hold()
  }
}

async function keepPage(asked: AskedBlob, blob: StoredBlob, range: ByteRange): Promise<Response> {
  const { raw, incoming, plane } = asked
  const bytes = incoming
    ? await readPage(incoming, range.lengthBytes)
    : await readParts(raw, range.lengthBytes)
  checkMd5(raw.headers.get('content-md5'), bytes)
  checkCrc64(raw.headers.get('x-ms-content-crc64'), bytes)
  const answer = told(await placePage(asked, blob, { offsetBytes: range.offsetBytes, bytes }))
  plane.moved.uploadedBytes += range.lengthBytes
  return answer
}

/** The bytes are durable before a row names them; what no row came to name goes. */
export async function placePage(
  asked: AskedBlob,
  blob: StoredBlob,
  { offsetBytes, bytes }: { readonly offsetBytes: number; readonly bytes: Uint8Array },
): Promise<StoredBlob> {
  const { plane, raw } = asked
  const lengthBytes = bytes.byteLength
  const space = spaceOf(asked)
  const at = { upload: blob.upload, space, offsetBytes, bytes, signal: raw.signal }
  const key = await putPage(plane, at)
  release(bytes)
  try {
    return await addPage(asked, blob, { offsetBytes, lengthBytes, key })
  } catch (error) {
    // Only a refusal says that no row has it; after another fault it may have one.
    const isRefused = error instanceof BlobError && error.code !== 'ServerBusy'
    if (isRefused) await plane.blobsOf(space).delete(key, AbortSignal.timeout(strayMs))
    throw error
  }
}

function addPage(
  asked: AskedBlob,
  begun: StoredBlob,
  page: ByteRange & { readonly key: string | undefined },
): Promise<StoredBlob> {
  return changeBlob(asked, async ({ rows, before, nowMs }) => {
    const blob = mustBe(before, 'PageBlob')
    // Another blob of the same name, or a shorter one: what was asked is void.
    if (blob.upload !== begun.upload || blob.sizeBytes < page.offsetBytes + page.lengthBytes) {
      throw new BlobError('ConditionNotMet', 'The blob was replaced while the page was on its way.')
    }
    checkSequence(asked, blob)
    await rows.blobs.addPages(blob.upload, [page])
    const changed = { ...blob, etag: freshEtag(asked), updatedMs: nowMs }
    await rows.blobs.update(changed)
    return changed
  })
}

function told(blob: StoredBlob): Response {
  return created({ ...writtenHeaders(blob), 'x-ms-request-server-encrypted': 'false' })
}

function checkCrc64(header: string | null, bytes: Uint8Array): void {
  if (header === null) return
  const crc = openCrc64()
  crc.add(bytes)
  if (crc.digest() === header) return
  throw new BlobError(
    'Crc64Mismatch',
    'The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.',
  )
}

function checkSequence(asked: AskedBlob, { facts }: StoredBlob): void {
  const own = facts.sequenceNumber ?? 0
  const holds = [
    ['x-ms-if-sequence-number-le', (limit: number) => own <= limit],
    ['x-ms-if-sequence-number-lt', (limit: number) => own < limit],
    ['x-ms-if-sequence-number-eq', (limit: number) => own === limit],
  ] as const
  for (const [name, isMet] of holds) {
    const limit = numberHeader(asked, name)
    if (limit === undefined || isMet(limit)) continue
    throw new BlobError(
      'SequenceNumberConditionNotMet',
      `The sequence number condition specified was not met: ${name} ${limit}, the blob's is ${own}.`,
    )
  }
}
