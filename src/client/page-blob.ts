import type { World } from '../base/world.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { limits } from '../domain/limits.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import type { Http, HttpAnswer, HttpRequest } from './http.ts'
import { sendPatiently } from './patience.ts'

const { chunkBytes } = limits
const storageVersion = '2021-12-02'

/** A page blob behind a SAS. Every method throws ClientError, or the signal's reason. */
export type PageBlob = {
  sizeBytes(signal: AbortSignal): Promise<number>
  /** Where pages were written, ascending; everything else reads as zeros. */
  dataRanges(signal: AbortSignal): Promise<readonly ByteRange[]>
  /** Durable at the server once resolved. At most 4 MiB; offset and length are multiples of 512. */
  put(offsetBytes: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Exactly the bytes of the range, which lies inside the blob; at most 4 MiB. */
  read(range: ByteRange, signal: AbortSignal): Promise<Buffer>
}

type BlobParts = {
  readonly http: Http
  readonly sasUrl: string
  readonly world: Pick<World, 'sleep'>
}

/** Sends requests about the blob behind a SAS; `query` is added to its URL. Throws ClientError, or the signal's reason. */
export function openBlobSender(parts: BlobParts) {
  return async (request: Omit<HttpRequest, 'url'> & { readonly query?: string }) => {
    const url = request.query === undefined ? parts.sasUrl : `${parts.sasUrl}&${request.query}`
    const headers = { 'x-ms-version': storageVersion, ...request.headers }
    const answer = await sendPatiently(parts.http, { ...request, url, headers }, parts.world)
    if (answer.status >= 400) throw blobError(answer)
    return answer
  }
}

export function openPageBlob(parts: BlobParts): PageBlob {
  const send = openBlobSender(parts)

  async function sizeBytes(signal: AbortSignal): Promise<number> {
    const answer = await send({ method: 'HEAD', signal })
    const size = Number(answer.headers['content-length'] ?? Number.NaN)
    if (!Number.isSafeInteger(size)) throw notABlob('gives no length')
    return size
  }

  async function dataRanges(signal: AbortSignal): Promise<readonly ByteRange[]> {
    const ranges: ByteRange[] = []
    let query = 'comp=pagelist'
    for (let page = 0; page < clientLimits.pageListsMax; page++) {
      const answer = await send({ method: 'GET', query, signal })
      const list = parsePageList(answer.body.toString('utf8'))
      ranges.push(...list.ranges)
      if (list.nextMarker === undefined) return ranges
      query = `comp=pagelist&marker=${encodeURIComponent(list.nextMarker)}`
    }
    throw notABlob('has a page list that does not end')
  }

  async function put(offsetBytes: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const headers = {
      'x-ms-page-write': 'update',
      'x-ms-range': rangeHeader({ offsetBytes, lengthBytes: bytes.length }),
      'content-type': 'application/octet-stream',
    }
    await send({ method: 'PUT', query: 'comp=page', headers, body: bytes, signal })
  }

  async function read(range: ByteRange, signal: AbortSignal): Promise<Buffer> {
    try {
      return await readOnce(range, signal)
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'AnswerCut') throw error
      return await readByChunk(range, signal)
    }
  }

  /** A fault in the midst of an answer can only cut it; a request that begins at the fault is answered with what it is. */
  async function readByChunk(range: ByteRange, signal: AbortSignal): Promise<Buffer> {
    const endBytes = range.offsetBytes + range.lengthBytes
    const parts: Buffer[] = []
    for (let from = range.offsetBytes; from < endBytes; ) {
      const to = Math.min(endBytes, (Math.floor(from / chunkBytes) + 1) * chunkBytes)
      parts.push(await readOnce({ offsetBytes: from, lengthBytes: to - from }, signal))
      from = to
    }
    return Buffer.concat(parts)
  }

  async function readOnce(range: ByteRange, signal: AbortSignal): Promise<Buffer> {
    const headers = { 'x-ms-range': rangeHeader(range) }
    const answer = await send({ method: 'GET', headers, signal })
    if (answer.body.length !== range.lengthBytes) throw notABlob('answers with another range')
    return answer.body
  }

  return { sizeBytes, dataRanges, put, read }
}

function rangeHeader(range: ByteRange): string {
  return `bytes=${range.offsetBytes}-${range.offsetBytes + range.lengthBytes - 1}`
}

/** Reads the XML of Get Page Ranges; cleared ranges are left out. */
function parsePageList(xml: string) {
  if (!xml.includes('<PageList')) throw notABlob('gives no page list')
  const pattern = /<PageRange>\s*<Start>(\d+)<\/Start>\s*<End>(\d+)<\/End>\s*<\/PageRange>/g
  const ranges = Array.from(xml.matchAll(pattern), ([, start, end]) => ({
    offsetBytes: Number(start),
    lengthBytes: Number(end) - Number(start) + 1,
  }))
  const nextMarker = /<NextMarker>([^<]+)<\/NextMarker>/.exec(xml)?.[1]
  return { ranges, nextMarker }
}

export function notABlob(why: string): ClientError {
  return new ClientError({
    code: 'BadAnswer',
    message: `The address is not that of a page blob: it ${why}.`,
    nextStep: 'Ask for a fresh one: `vitrine disk grant-access -g GROUP -n DISK`.',
  })
}

function blobError(answer: HttpAnswer): ClientError {
  const xml = answer.body.toString('utf8')
  const code = answer.headers['x-ms-error-code'] ?? /<Code>([^<]+)<\/Code>/.exec(xml)?.[1]
  const message = /<Message>([^<]+)<\/Message>/.exec(xml)?.[1]?.split('\n')[0]
  const refused = answer.status === 401 || answer.status === 403
  return new ClientError({
    code: code ?? `Http${answer.status}`,
    message: message ?? `The disk's bytes were answered with HTTP ${answer.status}.`,
    status: answer.status,
    correlationId: answer.headers['x-ms-request-id'],
    nextStep: refused
      ? 'The shared access address has expired or was revoked: repeat the command, or `vitrine disk grant-access`.'
      : undefined,
  })
}
