import type { BlobFacts, StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'

const headerCharsMax = 1024
const metadataBytesMax = 8 * 1024

/** What a write says about a blob's bytes, by `x-ms-blob-…` headers. Throws InvalidHeaderValue. */
export function factsIn(headers: Headers): BlobFacts {
  return {
    ...said(headers, 'contentType', 'x-ms-blob-content-type'),
    ...said(headers, 'contentEncoding', 'x-ms-blob-content-encoding'),
    ...said(headers, 'contentLanguage', 'x-ms-blob-content-language'),
    ...said(headers, 'contentDisposition', 'x-ms-blob-content-disposition'),
    ...said(headers, 'cacheControl', 'x-ms-blob-cache-control'),
    ...said(headers, 'contentMd5', 'x-ms-blob-content-md5'),
  }
}

/** The same with metadata: of a blob that is made. */
export function newFacts(headers: Headers): BlobFacts {
  for (const name of ['x-ms-tags', 'x-ms-encryption-key', 'x-ms-encryption-scope']) {
    if (!headers.has(name)) continue
    throw new BlobError('FeatureNotSupported', `${name} is not available here. Leave it out.`)
  }
  const metadata = metadataIn(headers)
  return { ...factsIn(headers), ...(Object.keys(metadata).length > 0 && { metadata }) }
}

function said(headers: Headers, member: keyof BlobFacts, name: string): BlobFacts {
  const value = headers.get(name)
  if (value === null || value === '') return {}
  if (value.length > headerCharsMax || !isPrintable(value)) {
    throw new BlobError(
      'InvalidHeaderValue',
      `${name} has at most ${headerCharsMax} printable characters.`,
    )
  }
  return { [member]: value }
}

/** By `x-ms-meta-…` headers, names in lower case. Throws InvalidMetadata, MetadataTooLarge. */
export function metadataIn(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {}
  let bytes = 0
  for (const [header, value] of headers) {
    if (!header.startsWith('x-ms-meta-')) continue
    const name = header.slice('x-ms-meta-'.length)
    if (!/^[a-z_][a-z\d_]*$/.test(name) || !isPrintable(value)) {
      throw new BlobError(
        'InvalidMetadata',
        `The metadata '${name.slice(0, 80)}' is not allowed: a name has letters, digits and underscores, a value printable ASCII.`,
      )
    }
    metadata[name] = value
    bytes += name.length + value.length
  }
  if (bytes <= metadataBytesMax) return metadata
  throw new BlobError('MetadataTooLarge', `Metadata has at most ${metadataBytesMax} bytes.`)
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

/** What every answer about a blob tells of it. */
export function blobHeaders(blob: StoredBlob, isRead: boolean): Record<string, string> {
  const { facts } = blob
  const shown = {
    'content-encoding': facts.contentEncoding,
    'content-language': facts.contentLanguage,
    'content-disposition': facts.contentDisposition,
    'cache-control': facts.cacheControl,
  }
  const headers: Record<string, string> = {
    ...writtenHeaders(blob),
    'content-type': facts.contentType ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
    'x-ms-blob-type': blob.type,
    'x-ms-creation-time': new Date(blob.createdMs).toUTCString(),
    'x-ms-lease-status': isRead ? 'locked' : 'unlocked',
    'x-ms-lease-state': isRead ? 'leased' : 'available',
    'x-ms-server-encrypted': 'false',
    // Whatever a blob holds, a browser runs nothing of it under this server's name.
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
    ...(blob.type === 'BlockBlob' && { 'x-ms-access-tier': 'Hot' }),
    ...(blob.type === 'BlockBlob' && { 'x-ms-access-tier-inferred': 'true' }),
    ...metaHeaders(facts.metadata ?? {}),
    ...copyHeaders(facts),
  }
  for (const [name, value] of Object.entries(shown)) if (value !== undefined) headers[name] = value
  return headers
}

/** What an answer to a write tells. */
export function writtenHeaders(blob: StoredBlob): Record<string, string> {
  return {
    etag: `"${blob.etag}"`,
    'last-modified': new Date(blob.updatedMs).toUTCString(),
    ...(blob.type === 'PageBlob' && {
      'x-ms-blob-sequence-number': String(blob.facts.sequenceNumber ?? 0),
    }),
  }
}

export function metaHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(metadata)
  return Object.fromEntries(entries.map(([name, value]) => [`x-ms-meta-${name}`, value]))
}

function copyHeaders({ copy }: BlobFacts): Record<string, string> {
  if (!copy) return {}
  return {
    'x-ms-copy-id': copy.id,
    'x-ms-copy-source': copy.source,
    'x-ms-copy-status': 'success',
    'x-ms-copy-progress': `${copy.bytes}/${copy.bytes}`,
    'x-ms-copy-completion-time': new Date(copy.endedMs).toUTCString(),
  }
}
