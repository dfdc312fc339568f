import { BlobError } from './blob-error.ts'
import type { BlobRequest } from './blob-request.ts'
import { type DiskBytes, openDiskBytes } from './disk-bytes.ts'
import { readRange } from './range.ts'

/** Ranges of one answer; a `NextMarker` goes on after them. */
const rangesMax = 10_000

/** Get Page Ranges: where the disk has data, so that holes are never sent. */
export async function answerPageList(request: BlobRequest): Promise<Response> {
  return pageList(request, await openDiskBytes(request), request.disk.updatedMs)
}

/** The same of any bytes that know where they have data. */
export async function pageList(
  { raw, url }: Pick<BlobRequest, 'raw' | 'url'>,
  bytes: Pick<DiskBytes, 'sizeBytes' | 'etag' | 'dataRanges'>,
  updatedMs: number,
): Promise<Response> {
  const asked = readRange(raw.headers, bytes.sizeBytes)
  const marker = readMarker(url.searchParams.get('marker'), asked.offsetBytes)
  const most = readMost(url.searchParams.get('maxresults'))
  const end = asked.offsetBytes + asked.lengthBytes
  const lines: string[] = []
  let next = ''
  for await (const range of bytes.dataRanges(marker, end)) {
    if (lines.length === most) {
      next = String(range.offsetBytes)
      break
    }
    const last = range.offsetBytes + range.lengthBytes - 1
    lines.push(`<PageRange><Start>${range.offsetBytes}</Start><End>${last}</End></PageRange>`)
  }
  const body = `<?xml version="1.0" encoding="utf-8"?><PageList>${lines.join('')}<NextMarker>${next}</NextMarker></PageList>`
  return new Response(body, {
    headers: {
      'content-type': 'application/xml',
      'x-ms-blob-content-length': String(bytes.sizeBytes),
      etag: bytes.etag,
      'last-modified': new Date(updatedMs).toUTCString(),
    },
  })
}

function readMarker(marker: string | null, offsetBytes: number): number {
  if (marker === null || marker === '') return offsetBytes
  if (/^\d{1,15}$/.test(marker)) return Math.max(offsetBytes, Number(marker))
  throw new BlobError(
    'InvalidHeaderValue',
    `The marker '${marker}' is not one that this list gave.`,
  )
}

function readMost(text: string | null): number {
  if (text === null || text === '') return rangesMax
  if (/^[1-9]\d{0,5}$/.test(text)) return Math.min(rangesMax, Number(text))
  throw new BlobError('InvalidHeaderValue', `maxresults must be a number from 1 to ${rangesMax}.`)
}
