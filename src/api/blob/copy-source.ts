import type { ByteRange } from '../../domain/byte-range.ts'
import { ownBlobUrl } from '../../domain/own-blob-url.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import { takeRoom } from '../storage/body-stream.ts'
import type { AskedBlob } from './asked.ts'
import { authorise } from './authorise.ts'
import { checkConditions } from './conditions.ts'
import { placeOf } from './place.ts'
import { findBlob } from './read-blob.ts'
import { wholeReader } from './whole-reader.ts'

/** A blob of this installation that another one is made from. */
export type CopySource = {
  readonly blob: StoredBlob
  /** Without its query: a SAS is nobody else's to see. */
  readonly shown: string
  /** At most 4 MiB. `release` gives its room back. Throws ConditionNotMet when the source was written over or deleted meanwhile. */
  read(range: ByteRange): Promise<{ readonly bytes: Uint8Array; release(): void }>
  /** Where it has data in [from, to); throws the same, at the latest at its end. */
  dataRanges(from: number, to: number): AsyncIterable<ByteRange>
}

/**
 * The blob of `x-ms-copy-source`: one of this installation, read by its own SAS, by the token of
 * `x-ms-copy-source-authorization`, or by the key that signed the request, for the same account. Throws CannotVerifyCopySource.
 */
export async function openCopySource(asked: AskedBlob): Promise<CopySource> {
  const { raw, urls } = asked
  const sent = raw.headers.get('x-ms-copy-source') ?? ''
  const url = ownBlobUrl(sent, urls)
  if (!url) {
    throw new BlobError(
      'CannotVerifyCopySource',
      'Only blobs of this server are copied. Download the source and upload it, or import it as a disk.',
    )
  }
  const place = placeOf(url.pathname)
  if (place.container === undefined || place.blob === undefined) {
    throw new BlobError('CannotVerifyCopySource', 'x-ms-copy-source names no blob.')
  }
  const source = {
    ...asked,
    url,
    place: { ...place, container: place.container, blob: place.blob },
  }
  const account = (await mayRead(asked, source)) ?? asked.account
  const from = { ...source, account }
  const blob = await findBlob(from)
  checkConditions({ headers: sourceConditions(raw.headers), method: 'PUT' }, blob)
  return { blob, shown: `${url.origin}${url.pathname}`, ...readsOf(from, blob) }
}

function readsOf(from: AskedBlob, blob: StoredBlob) {
  const { dataRanges, ...reader } = wholeReader(from, blob)

  async function read(range: ByteRange) {
    const release = await takeRoom(from, range.lengthBytes)
    try {
      return { bytes: await reader.read(range), release }
    } catch (error) {
      release()
      throw error
    }
  }

  return { read, dataRanges }
}

/** Undefined: the key of the request's own account reads it. */
async function mayRead(asked: AskedBlob, source: AskedBlob) {
  const { raw, incoming } = asked
  const token = raw.headers.get('x-ms-copy-source-authorization')
  const isOwn = source.place.account === asked.place.account
  const byKey = /^sharedkey /i.test(raw.headers.get('authorization') ?? '')
  if (token === null && !source.url.searchParams.has('sig') && isOwn && byKey) return undefined
  const headers = new Headers(token === null ? {} : { authorization: token })
  const { url, place } = source
  const target = `${url.pathname}${url.search}`
  const needs = { level: 'o', letters: 'r', action: 'containers/blobs/read' } as const
  try {
    const claiming = { headers, method: 'GET', target, url, place, incoming }
    return (await authorise(asked, claiming, needs)).account
  } catch (error) {
    if (!(error instanceof BlobError) || error.code === 'ServerBusy') throw error
    throw new BlobError(
      'CannotVerifyCopySource',
      `The source may not be read: ${error.message}`,
      error.detail,
    )
  }
}

function sourceConditions(headers: Headers): Headers {
  const own = new Headers()
  for (const name of ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']) {
    const value = headers.get(`x-ms-source-${name}`)
    if (value !== null) own.set(name, value)
  }
  return own
}

/** `x-ms-source-range`, inside the source; all of it without one. */
export function sourceRange({ raw }: AskedBlob, { sizeBytes }: StoredBlob): ByteRange {
  const text = raw.headers.get('x-ms-source-range')
  if (text === null) return { offsetBytes: 0, lengthBytes: sizeBytes }
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  const offsetBytes = Number(from)
  const lengthBytes = Number(to) - offsetBytes + 1
  if (lengthBytes > 0 && offsetBytes + lengthBytes <= sizeBytes) return { offsetBytes, lengthBytes }
  throw new BlobError('InvalidRange', `The range '${text}' is not inside the source.`)
}
