import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Hold } from '../../base/byte-budget.ts'
import { release } from '../../base/release.ts'
import type { StagedPage } from '../../domain/holdings.ts'
import { limits } from '../../domain/limits.ts'
import { putPage } from '../../regions/staging.ts'
import { BlobError } from '../storage/blob-error.ts'
import { takeRoom } from '../storage/body-stream.ts'
import type { AskedBlob } from './asked.ts'
import { spaceOf } from './change-blob.ts'
import { openCrc64 } from './crc64.ts'

/** What came: an upload of its own, whose pages no row names yet. It is dropped by itself unless it is adopted in time. */
export type TakenIn = {
  readonly upload: string
  readonly sizeBytes: number
  readonly pages: readonly Omit<StagedPage, 'seq'>[]
  /** base64; undefined when nobody asked for it. */
  readonly md5: string | undefined
  readonly crc64: string | undefined
}

/** Nobody is so slow: node itself ends a request long before. */
const adoptMs = 3_600_000

/** How many bytes a body will have. Throws MissingContentLengthHeader, RequestBodyTooLarge. */
export function bodyBytes({ raw }: AskedBlob, bytesMax: number = limits.blobBodyBytesMax): number {
  const text = raw.headers.get('content-length')
  if (text === null || !/^\d{1,15}$/.test(text)) {
    throw new BlobError('MissingContentLengthHeader', 'The request must say its Content-Length.')
  }
  if (raw.headers.has('x-ms-structured-body')) {
    throw new BlobError('FeatureNotSupported', 'x-ms-structured-body is not taken here.')
  }
  if (Number(text) <= bytesMax) return Number(text)
  throw new BlobError(
    'RequestBodyTooLarge',
    `At most ${bytesMax} bytes are taken in one request. Send the blob in smaller blocks.`,
  )
}

/** An upload that is dropped by itself unless it is adopted in time. Its folder is known before the first byte lies in it. */
export async function openUpload(asked: AskedBlob): Promise<string> {
  const upload = asked.world.id()
  const dueMs = asked.world.now().getTime() + adoptMs
  await asked.store.write((rows) => rows.blobs.drop({ upload, space: spaceOf(asked), dueMs }))
  return upload
}

/**
 * Takes a body in pieces of at most 4 MiB, each durable before it is let go: memory stays flat however long it is. Throws
 * Md5Mismatch, Crc64Mismatch, SpaceFull, Unavailable, and InvalidHeaderValue for a body that breaks off.
 */
export async function takeIn(asked: AskedBlob, sizeBytes: number): Promise<TakenIn> {
  const upload = await openUpload(asked)
  const sums = openSums(asked.raw.headers, sizeBytes)
  const pages: Omit<StagedPage, 'seq'>[] = []
  let offsetBytes = 0
  for await (const { bytes, hold } of piecesOf(asked, sizeBytes)) {
    try {
      const lengthBytes = bytes.byteLength
      sums.add(bytes)
      const piece = { upload, space: spaceOf(asked), offsetBytes, bytes, signal: asked.raw.signal }
      const key = await putPage(asked.plane, piece)
      pages.push({ offsetBytes, lengthBytes, key })
      offsetBytes += lengthBytes
      asked.plane.moved.uploadedBytes += lengthBytes
    } finally {
      release(bytes)
      hold()
    }
  }
  return { upload, sizeBytes, pages, ...sums.check() }
}

async function* piecesOf(
  asked: AskedBlob,
  sizeBytes: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly hold: Hold }> {
  const source = openSource(asked)
  for (let at = 0; at < sizeBytes; ) {
    const lengthBytes = Math.min(limits.putPageBytesMax, sizeBytes - at)
    const hold = await takeRoom(asked, lengthBytes)
    try {
      const bytes = await source.read(lengthBytes)
      yield { bytes, hold }
    } finally {
      hold()
    }
    at += lengthBytes
  }
}

/** The body, as many bytes at a time as somebody wants: the rest waits in the socket. */
function openSource({ incoming, raw }: AskedBlob) {
  const parts = bodyOf(incoming, raw)
  let part: Buffer = Buffer.alloc(0)
  let used = 0

  async function read(lengthBytes: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(lengthBytes)
    let at = 0
    while (at < lengthBytes) {
      if (used === part.length) {
        const next = await parts.next().catch(() => ({ done: true as const, value: undefined }))
        if (next.done) throw new BlobError('InvalidHeaderValue', 'The body broke off.')
        part = next.value
        used = 0
      }
      const taken = Math.min(part.length - used, lengthBytes - at)
      part.copy(bytes, at, used, used + taken)
      at += taken
      used += taken
      if (used < part.length) continue
      // Else the collector would run every few pages, for these alone.
      release(part)
      part = Buffer.alloc(0)
      used = 0
    }
    return bytes
  }

  return { read }
}

async function* bodyOf(
  incoming: IncomingMessage | undefined,
  raw: Request,
): AsyncGenerator<Buffer> {
  if (incoming) yield* incoming
  else for await (const part of raw.body ?? []) yield Buffer.from(part)
}

/** A body that is short is summed whether it was asked for or not, as Azure does. */
function openSums(headers: Headers, sizeBytes: number) {
  const wantedMd5 = headers.get('content-md5')
  const wantedCrc = headers.get('x-ms-content-crc64')
  const isShort = sizeBytes <= limits.putPageBytesMax
  const md5 = wantedMd5 !== null || isShort ? createHash('md5') : undefined
  const crc = wantedCrc !== null ? openCrc64() : undefined

  function add(bytes: Uint8Array): void {
    md5?.update(bytes)
    crc?.add(bytes)
  }

  function check() {
    const told = { md5: md5?.digest('base64'), crc64: crc?.digest() }
    if (wantedMd5 !== null && wantedMd5 !== told.md5) {
      throw new BlobError(
        'Md5Mismatch',
        'The MD5 value specified in the request did not match with the MD5 value calculated by the server.',
      )
    }
    if (wantedCrc !== null && wantedCrc !== told.crc64) {
      throw new BlobError(
        'Crc64Mismatch',
        'The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.',
      )
    }
    return told
  }

  return { add, check }
}

/** What an answer tells of a body that came. */
export function sumHeaders({ md5, crc64 }: Pick<TakenIn, 'md5' | 'crc64'>): Record<string, string> {
  return {
    ...(md5 !== undefined && { 'content-md5': md5 }),
    ...(crc64 !== undefined && { 'x-ms-content-crc64': crc64 }),
    'x-ms-request-server-encrypted': 'false',
  }
}
