import type { IncomingHttpHeaders } from 'node:http'
import type { World } from '../base/world.ts'
import type { Plane } from '../regions/plane.ts'
import { type Staging, stagedReader, stagePage } from '../regions/staging.ts'
import type { ForeignAnswer, ForeignHost } from './foreign-host.ts'
import { changedFault, finalFault, refuseStatus } from './source-faults.ts'

/** Which state of a file is fetched: every later answer must be of the same. */
export type Pin = {
  /** Undefined: the source does not say before its end. */
  readonly sizeBytes: number | undefined
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** Ranges are answered; else the file comes in one piece. */
  readonly ranges: boolean
  /** An Azure page blob: it tells where its holes are. */
  readonly isPageBlob: boolean
}

/** Room for the tag and date that a source may tell. */
const pinBytes = 4_096
const tagCharsMax = 1_024

/** Looks at the first byte: HEAD is refused by URLs that are signed for GET. Throws PassingFault, ArmError. */
export async function pinSource(host: ForeignHost, world: World, signal: AbortSignal) {
  const { message, status } = await host.get({ range: 'bytes=0-0' }, signal)
  message.destroy()
  const { headers } = message
  if (status === 416) throw finalFault(`${host.place} is empty.`)
  if (status !== 200 && status !== 206) refuse(host, { message, status }, world)
  refuseEncoding(host, headers)
  const ranges = status === 206
  const pin: Pin = {
    sizeBytes: ranges ? totalOf(headers) : lengthOf(headers),
    etag: told(headers.etag),
    lastModified: told(headers['last-modified']),
    ranges,
    isPageBlob: headers['x-ms-blob-type'] === 'PageBlob',
  }
  if (ranges && pin.sizeBytes === undefined) {
    throw finalFault(`${host.place} does not tell its size in Content-Range.`)
  }
  return pin
}

/** Throws what a status means that no bytes come with. */
export function refuse(
  { place }: ForeignHost,
  { message, status }: ForeignAnswer,
  world: World,
): never {
  message.destroy()
  refuseStatus(status, { place, retryAfter: message.headers['retry-after'], now: world.now() })
}

export function refuseEncoding({ place }: ForeignHost, headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return
  throw finalFault(`${place} comes in the encoding '${encoding}', which was not asked for.`)
}

/** `If-Match` where the tag is a strong one; answers are compared as well. */
export function pinHeaders({ etag }: Pin): Readonly<Record<string, string>> {
  return etag?.startsWith('"') ? { 'if-match': etag } : {}
}

/** Throws when the answer is of another state of the file. */
export function expectPinned(place: string, pin: Pin, headers: IncomingHttpHeaders): void {
  const same =
    pin.etag === undefined
      ? pin.lastModified === told(headers['last-modified'])
      : pin.etag === told(headers.etag)
  if (!same) throw changedFault(place)
}

function told(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= tagCharsMax ? text : undefined
}

function totalOf(headers: IncomingHttpHeaders): number | undefined {
  const total = /^bytes 0-0\/(\d{1,15})$/.exec(headers['content-range'] ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const length = headers['content-length']
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/** A page behind the end of every file: it comes and goes with the others, and no reader reaches it. */
const pinOffsetBytes = 2 ** 50

/** What an earlier run of the same upload pinned. */
export async function keptPin(
  plane: Plane,
  staging: Staging,
  signal: AbortSignal,
): Promise<Pin | undefined> {
  const end = pinOffsetBytes + pinBytes
  const pages = await plane.uploads.touching(staging.upload, pinOffsetBytes, end)
  if (pages.length === 0) return undefined
  const range = { offsetBytes: pinOffsetBytes, lengthBytes: pinBytes }
  const bytes = await stagedReader(plane, { ...staging, sizeBytes: end }).read(range, signal)
  // Written below, with absent members left out.
  const { sizeBytes, etag, lastModified, ...rest } = JSON.parse(
    Buffer.from(bytes).toString('utf8'),
  ) as Pin
  return { sizeBytes, etag, lastModified, ...rest }
}

/** Durable before the first page of the file. */
export async function keepPin(
  plane: Plane,
  staging: Staging & { readonly signal: AbortSignal },
  pin: Pin,
): Promise<void> {
  const text = JSON.stringify(pin)
  if (Buffer.byteLength(text) > pinBytes) {
    throw finalFault('The ETag or Last-Modified of the file is longer than any server needs.')
  }
  const bytes = Buffer.alloc(pinBytes, ' ')
  bytes.write(text)
  await stagePage(plane, { ...staging, offsetBytes: pinOffsetBytes, bytes })
}
