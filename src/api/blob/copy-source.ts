import type { ByteRange } from '../../domain/byte-range.ts'
import { ownBlobUrl } from '../../domain/own-blob-url.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { admitDisk } from '../storage/admit-disk.ts'
import { BlobError } from '../storage/blob-error.ts'
import { takeRoom } from '../storage/body-stream.ts'
import { openDiskBytes } from '../storage/disk-bytes.ts'
import type { AskedBlob } from './asked.ts'
import { authorise } from './authorise.ts'
import { checkConditions } from './conditions.ts'
import { placeOf } from './place.ts'
import { findBlob } from './read-blob.ts'
import { wholeReader } from './whole-reader.ts'

/** A blob of this installation, or a disk of it, that a blob is made from. */
export type CopySource = Pick<StoredBlob, 'type' | 'sizeBytes' | 'facts'> & {
  /** Without its query: a SAS is nobody else's to see. */
  readonly shown: string
  /** At most 4 MiB. `release` gives its room back. Throws ConditionNotMet when the source was written over or deleted meanwhile. */
  read(range: ByteRange): Promise<{ readonly bytes: Uint8Array; release(): void }>
  /** Where it has data in [from, to); throws the same, at the latest at its end. */
  dataRanges(from: number, to: number): AsyncIterable<ByteRange>
}

/**
 * The blob of `x-ms-copy-source`: one of this installation, read by its own SAS, by the token of
 * `x-ms-copy-source-authorization`, or by the key that signed the request, for the same account; or a disk or snapshot, by the
 * SAS that beginGetAccess gave. Throws CannotVerifyCopySource.
 */
export async function openCopySource(asked: AskedBlob): Promise<CopySource> {
  const { raw, urls } = asked
  const sent = raw.headers.get('x-ms-copy-source') ?? ''
  const url = ownBlobUrl(sent, urls)
  if (!url) {
    throw new BlobError(
      'CannotVerifyCopySource',
      'Only blobs and disks of this server are copied. Download the source and upload it, or import it as a disk.',
    )
  }
  const [, grantId] = /^\/md-disks\/([^/]+)\/[^/]+$/.exec(url.pathname) ?? []
  if (grantId !== undefined) return await openDiskSource(asked, url, grantId)
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
  const { type, sizeBytes, facts } = blob
  return { type, sizeBytes, facts, shown: shownOf(url), ...readsOf(asked, wholeReader(from, blob)) }
}

/** The page blob that a disk is, as its SAS gives it: who holds that may copy it, until the access is revoked. */
async function openDiskSource(asked: AskedBlob, url: URL, grantId: string): Promise<CopySource> {
  const admit = () => admitDisk({ ...asked, url }, grantId).catch(refuseSource)
  const admitted = await admit()
  const bytes = await openDiskBytes({ ...asked, ...admitted, url })
  const { updatedMs } = admitted.disk
  const kept = { etag: bytes.etag.replaceAll('"', ''), updatedMs }
  checkConditions({ headers: sourceConditions(asked.raw.headers), method: 'PUT' }, kept)

  async function* dataRanges(from: number, to: number): AsyncGenerator<ByteRange> {
    yield* bytes.dataRanges(from, to)
    await admit()
  }

  const read = ({ offsetBytes, lengthBytes }: ByteRange) => bytes.read(offsetBytes, lengthBytes)
  const reads = readsOf(asked, { read, dataRanges })
  return {
    type: 'PageBlob',
    sizeBytes: bytes.sizeBytes,
    facts: {},
    shown: shownOf(url),
    ...reads,
  }
}

function shownOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

/** Its bytes take their room in memory. */
function readsOf(asked: AskedBlob, { read, dataRanges }: ReturnType<typeof wholeReader>) {
  async function readInto(range: ByteRange) {
    const release = await takeRoom(asked, range.lengthBytes)
    try {
      return { bytes: await read(range), release }
    } catch (error) {
      release()
      throw error
    }
  }

  return { read: readInto, dataRanges }
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
    return refuseSource(error)
  }
}

function refuseSource(error: unknown): never {
  if (!(error instanceof BlobError) || error.code === 'ServerBusy') throw error
  throw new BlobError(
    'CannotVerifyCopySource',
    `The source may not be read: ${error.message}`,
    error.detail,
  )
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
export function sourceRange(
  { raw }: AskedBlob,
  { sizeBytes }: Pick<CopySource, 'sizeBytes'>,
): ByteRange {
  const text = raw.headers.get('x-ms-source-range')
  if (text === null) return { offsetBytes: 0, lengthBytes: sizeBytes }
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text) ?? []
  const offsetBytes = Number(from)
  const lengthBytes = Number(to) - offsetBytes + 1
  if (lengthBytes > 0 && offsetBytes + lengthBytes <= sizeBytes) return { offsetBytes, lengthBytes }
  throw new BlobError('InvalidRange', `The range '${text}' is not inside the source.`)
}
