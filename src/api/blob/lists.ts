import { limits } from '../../domain/limits.ts'
import type { BlobContainer, StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import type { Asked } from './asked.ts'
import { findContainer } from './containers.ts'
import { isXmlText } from './place.ts'
import { element, xmlAnswer } from './xml.ts'

/** Rows that are looked at in one go while names are put together by a delimiter. */
const delimitedRows = 500
const delimitedMax = 1_000

type Wanted = {
  readonly prefix: string
  readonly marker: string | undefined
  readonly most: number
  readonly delimiter: string | undefined
  readonly include: ReadonlySet<string>
}

function wantedOf({ url }: Asked): Wanted {
  const get = (name: string) => url.searchParams.get(name) ?? ''
  for (const name of ['prefix', 'delimiter']) {
    if (get(name).length <= 1024 && isXmlText(get(name))) continue
    throw new BlobError('InvalidQueryParameterValue', `${name} cannot be part of a name.`)
  }
  const delimiter = get('delimiter') === '' ? undefined : get('delimiter')
  const asked = get('maxresults')
  if (asked !== '' && !/^[1-9]\d{0,8}$/.test(asked)) {
    throw new BlobError('OutOfRangeInput', `maxresults must be from 1 to ${limits.blobPageRows}.`)
  }
  const bound = delimiter === undefined ? limits.blobPageRows : delimitedMax
  return {
    prefix: get('prefix'),
    marker: markerOf(get('marker')),
    most: Math.min(asked === '' ? bound : Number(asked), bound),
    delimiter,
    include: new Set(get('include').toLowerCase().split(',')),
  }
}

/** Opaque to clients: the last name of the page before, behind which the next begins. */
function markerOf(marker: string): string | undefined {
  if (marker === '') return undefined
  const name = Buffer.from(marker, 'base64url').toString('utf8')
  if (/^[\w-]{1,8192}$/.test(marker) && isMarker(name)) return name
  throw new BlobError('InvalidQueryParameterValue', 'The marker is not one that a list gave.')
}

const pastPrefix = '\u{10ffff}'

function isMarker(name: string): boolean {
  return isXmlText(name.endsWith(pastPrefix) ? name.slice(0, -pastPrefix.length) : name)
}

function nextMarker(name: string | undefined): string {
  return element('NextMarker', name === undefined ? '' : Buffer.from(name).toString('base64url'))
}

/** List Containers. */
export async function listContainers(asked: Asked): Promise<Response> {
  const { store, account, url } = asked
  const { prefix, marker, most, include } = wantedOf(asked)
  const page = { prefix, after: marker, rowsMax: most + 1 }
  const found = await store.read.blobs.containers(account.key, page)
  const shown = found.slice(0, most)
  const each = shown.map((container) => containerXml(container, include.has('metadata')))
  const next = found.length > most ? shown.at(-1)?.name : undefined
  return xmlAnswer(
    `<EnumerationResults ServiceEndpoint="${endpointOf(asked)}">${echoed(url)}<Containers>${each.join('')}</Containers>${nextMarker(next)}</EnumerationResults>`,
  )
}

function containerXml(container: BlobContainer, withMetadata: boolean): string {
  const properties = [
    element('Last-Modified', new Date(container.updatedMs).toUTCString()),
    element('Etag', `"${container.etag}"`),
    element('LeaseStatus', 'unlocked'),
    element('LeaseState', 'available'),
    element('HasImmutabilityPolicy', 'false'),
    element('HasLegalHold', 'false'),
  ]
  const metadata = withMetadata ? metadataXml(container.metadata) : ''
  return `<Container>${element('Name', container.name)}<Properties>${properties.join('')}</Properties>${metadata}</Container>`
}

/** List Blobs, flat or by a delimiter. */
export async function listBlobs(asked: Asked): Promise<Response> {
  const { place, url } = asked
  const container = await findContainer(asked)
  const wanted = wantedOf(asked)
  const { items, next } = await itemsOf(asked, container, wanted)
  const each = items.map((item) =>
    typeof item === 'string'
      ? `<BlobPrefix>${element('Name', item)}</BlobPrefix>`
      : blobXml(item, wanted.include.has('metadata')),
  )
  return xmlAnswer(
    `<EnumerationResults ServiceEndpoint="${endpointOf(asked)}" ContainerName="${place.container}">${echoed(url)}<Blobs>${each.join('')}</Blobs>${nextMarker(next)}</EnumerationResults>`,
  )
}

/** Blobs, and texts that stand for all names that begin with them. */
async function itemsOf(
  { store }: Asked,
  { id }: BlobContainer,
  { prefix, marker, most, delimiter }: Wanted,
): Promise<{
  readonly items: readonly (StoredBlob | string)[]
  readonly next: string | undefined
}> {
  const items: (StoredBlob | string)[] = []
  let after = marker
  for (;;) {
    const rowsMax = delimiter === undefined ? most + 1 : Math.min(delimitedRows, most + 1)
    const rows = await store.read.blobs.list(id, { prefix, after, rowsMax })
    let skipped = false
    for (const row of rows) {
      if (items.length === most) return { items, next: after }
      const common = commonOf(row.name, prefix, delimiter)
      items.push(common ?? row)
      after = common === undefined ? row.name : `${common}${pastPrefix}`
      // What else begins so is passed over by the next look.
      skipped = common !== undefined
      if (skipped) break
    }
    if (!skipped && rows.length < rowsMax) return { items, next: undefined }
  }
}

function commonOf(name: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined) return undefined
  const at = name.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : name.slice(0, at + delimiter.length)
}

function blobXml(blob: StoredBlob, withMetadata: boolean): string {
  const { facts } = blob
  const properties = [
    element('Creation-Time', new Date(blob.createdMs).toUTCString()),
    element('Last-Modified', new Date(blob.updatedMs).toUTCString()),
    element('Etag', blob.etag),
    element('Content-Length', blob.sizeBytes),
    element('Content-Type', facts.contentType ?? 'application/octet-stream'),
    element('Content-Encoding', facts.contentEncoding ?? ''),
    element('Content-Language', facts.contentLanguage ?? ''),
    element('Content-MD5', facts.contentMd5 ?? ''),
    element('Cache-Control', facts.cacheControl ?? ''),
    element('Content-Disposition', facts.contentDisposition ?? ''),
    blob.type === 'PageBlob' ? element('x-ms-blob-sequence-number', facts.sequenceNumber ?? 0) : '',
    element('BlobType', blob.type),
    blob.type === 'BlockBlob' ? element('AccessTier', 'Hot') : '',
    blob.type === 'BlockBlob' ? element('AccessTierInferred', 'true') : '',
    element('LeaseStatus', 'unlocked'),
    element('LeaseState', 'available'),
    element('ServerEncrypted', 'false'),
  ]
  const metadata = withMetadata ? metadataXml(facts.metadata ?? {}) : ''
  return `<Blob>${element('Name', blob.name)}<Properties>${properties.join('')}</Properties>${metadata}</Blob>`
}

function metadataXml(metadata: Readonly<Record<string, string>>): string {
  const entries = Object.entries(metadata).map(([name, value]) => element(name, value))
  return `<Metadata>${entries.join('')}</Metadata>`
}

function endpointOf({ urls, place }: Asked): string {
  return `${urls[0] ?? ''}/${place.account}/`
}

/** What was asked, told again as Azure does. */
function echoed(url: URL): string {
  const names = {
    prefix: 'Prefix',
    marker: 'Marker',
    maxresults: 'MaxResults',
    delimiter: 'Delimiter',
  }
  return Object.entries(names)
    .map(([name, told]) => element(told, url.searchParams.get(name) || undefined))
    .join('')
}
