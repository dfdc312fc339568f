import { createHash } from 'node:crypto'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { invariant } from '../../base/assert.ts'
import { limits } from '../../domain/limits.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import { sendRange, takeRoom } from '../storage/body-stream.ts'
import { pageList } from '../storage/page-list.ts'
import { readRange, type WantedRange } from '../storage/range.ts'
import type { AskedBlob } from './asked.ts'
import { blobNotFound, containerNotFound, mustBe } from './change-blob.ts'
import { checkConditions } from './conditions.ts'
import { blobHeaders } from './facts.ts'
import { wholeReader } from './whole-reader.ts'

/** The blob as it is now. Throws ContainerNotFound, BlobNotFound. */
export async function findBlob({ store, account, place }: AskedBlob): Promise<StoredBlob> {
  const container = await store.read.blobs.container(account.key, place.container)
  if (!container) throw containerNotFound()
  const blob = await store.read.blobs.get(container.id, place.blob)
  if (blob) return blob
  throw blobNotFound()
}

export async function pageBlobOf(asked: AskedBlob): Promise<StoredBlob> {
  return mustBe(await findBlob(asked), 'PageBlob')
}

/** GET and HEAD of the bytes, with or without a range. */
export async function getBlob(asked: AskedBlob): Promise<Response> {
  const { raw, store, outgoing, told } = asked
  refuseVersions(asked)
  const blob = await findBlob(asked)
  if (checkConditions(raw, blob)) return unchanged(blob)
  const isRead = (await store.read.blobs.readerOf(blob.upload)) !== undefined
  const range = readRange(raw.headers, blob.sizeBytes)
  const headers = { ...blobHeaders(blob, isRead), ...rangeHeaders(blob, range), ...asSigned(asked) }
  if (raw.method === 'HEAD' || range.lengthBytes === 0) {
    return new Response(null, { status: 200, headers })
  }
  const status = range.isPart ? 206 : 200
  const reader = wholeReader(asked, blob)
  if (raw.headers.get('x-ms-range-get-content-md5')?.toLowerCase() === 'true' && range.isPart) {
    return await summed(asked, blob, { range, headers })
  }
  invariant(outgoing, 'a blob is read over a socket')
  const read = (offsetBytes: number, lengthBytes: number) =>
    reader.read({ offsetBytes, lengthBytes })
  const head = { status, headers: { ...headers, ...told } }
  await sendRange({ ...asked, grant: { key: blob.upload } }, outgoing, { ...head, read, range })
  return RESPONSE_ALREADY_SENT
}

/** A short range with its MD5. */
async function summed(
  asked: AskedBlob,
  blob: StoredBlob,
  { range, headers }: { readonly range: WantedRange; readonly headers: Record<string, string> },
): Promise<Response> {
  if (range.lengthBytes > limits.joinedReadBytesMax) {
    throw new BlobError(
      'InvalidHeaderValue',
      `x-ms-range-get-content-md5 is for ranges of at most ${limits.joinedReadBytesMax} bytes.`,
    )
  }
  const hold = await takeRoom(asked, range.lengthBytes)
  try {
    const bytes = await wholeReader(asked, blob).read(range)
    const md5 = createHash('md5').update(bytes).digest('base64')
    const all = { ...headers, 'content-md5': md5 }
    return new Response(Uint8Array.from(bytes), { status: 206, headers: all })
  } finally {
    hold()
  }
}

function rangeHeaders({ sizeBytes, facts }: StoredBlob, range: WantedRange) {
  const { offsetBytes, lengthBytes, isPart } = range
  const { contentMd5 } = facts
  const length = { 'content-length': String(lengthBytes) }
  if (!isPart) return { ...length, ...(contentMd5 !== undefined && { 'content-md5': contentMd5 }) }
  return {
    ...length,
    'content-range': `bytes ${offsetBytes}-${offsetBytes + lengthBytes - 1}/${sizeBytes}`,
    ...(contentMd5 !== undefined && { 'x-ms-blob-content-md5': contentMd5 }),
  }
}

/** A SAS may say how a blob is shown to who has it. */
function asSigned({ url }: AskedBlob): Record<string, string> {
  const names = {
    rscc: 'cache-control',
    rscd: 'content-disposition',
    rsce: 'content-encoding',
    rscl: 'content-language',
    rsct: 'content-type',
  }
  if (!url.searchParams.has('sig')) return {}
  const said = Object.entries(names).flatMap(([name, header]) => {
    const value = url.searchParams.get(name)
    return value !== null && /^[\x20-\x7e]{1,1024}$/.test(value) ? [[header, value]] : []
  })
  return Object.fromEntries(said)
}

export function unchanged({ etag }: Pick<StoredBlob, 'etag'>): Response {
  return new Response(null, { status: 304, headers: { etag: `"${etag}"` } })
}

/** Get Page Ranges of a page blob. */
export async function answerPageRanges(asked: AskedBlob): Promise<Response> {
  const { raw, url } = asked
  refuseVersions(asked)
  if (url.searchParams.has('prevsnapshot') || raw.headers.has('x-ms-previous-snapshot-url')) {
    throw new BlobError('FeatureNotSupported', 'Blobs have no snapshots here to compare with.')
  }
  const blob = await pageBlobOf(asked)
  if (checkConditions(raw, blob)) return unchanged(blob)
  const { dataRanges } = wholeReader(asked, blob)
  const bytes = {
    sizeBytes: blob.sizeBytes,
    etag: `"${blob.etag}"`,
    dataRanges,
  }
  return await pageList(asked, bytes, blob.updatedMs)
}

/** There is one version of a blob, and it is what is there now. */
export function refuseVersions({ url }: Pick<AskedBlob, 'url'>): void {
  for (const name of ['snapshot', 'versionid']) {
    if (!url.searchParams.has(name)) continue
    throw new BlobError(
      'FeatureNotSupported',
      `Blobs have no ${name === 'snapshot' ? 'snapshots' : 'versions'} here.`,
    )
  }
}
