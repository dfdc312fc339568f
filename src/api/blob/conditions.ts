import { BlobError } from '../storage/blob-error.ts'

type Kept = { readonly etag: string; readonly updatedMs: number }

/** What a request with this condition expects, and what it is told else. */
export type Expecting = {
  readonly headers: Headers
  /** Blobs and containers have conditions of the same names. */
  readonly method: string
}

/**
 * Throws ConditionNotMet, or BlobAlreadyExists, when what is kept (undefined: nothing) is not what the client expects. Answers
 * `unchanged` when who reads has it already: 304.
 */
export function checkConditions({ headers, method }: Expecting, kept: Kept | undefined) {
  refuseLease(headers)
  const isRead = method === 'GET' || method === 'HEAD'
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null && !names(ifMatch, kept)) throw notMet('If-Match')
  const notAfter = timeOf(headers, 'if-unmodified-since')
  if (notAfter !== undefined && kept && seconds(kept.updatedMs) > notAfter) {
    throw notMet('If-Unmodified-Since')
  }
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null && names(ifNoneMatch, kept)) {
    if (isRead) return 'unchanged' as const
    if (ifNoneMatch.trim() === '*') {
      throw new BlobError('BlobAlreadyExists', 'The specified blob already exists.')
    }
    throw notMet('If-None-Match')
  }
  const after = timeOf(headers, 'if-modified-since')
  if (after !== undefined && ifNoneMatch === null && kept && seconds(kept.updatedMs) <= after) {
    if (isRead) return 'unchanged' as const
    throw notMet('If-Modified-Since')
  }
  return undefined
}

function refuseLease(headers: Headers): void {
  if (headers.has('x-ms-lease-id')) {
    throw new BlobError(
      'LeaseNotPresentWithBlobOperation',
      'There is currently no lease on the blob or container: leases are not given here. Leave out x-ms-lease-id.',
    )
  }
  if (headers.has('x-ms-if-tags')) {
    throw new BlobError('FeatureNotSupported', 'Blobs have no tags here. Leave out x-ms-if-tags.')
  }
}

function names(header: string, kept: Kept | undefined): boolean {
  if (!kept) return false
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, '').replaceAll('"', ''))
  return header.trim() === '*' || tags.includes(kept.etag)
}

/** Whole seconds, as headers tell times. */
function timeOf(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)
  if (text === null) return undefined
  const atMs = Date.parse(text)
  if (!Number.isNaN(atMs)) return seconds(atMs)
  throw new BlobError(
    'InvalidHeaderValue',
    `${name} must be a time such as ${'Sat, 21 Nov 2026 08:00:00 GMT'}.`,
  )
}

const seconds = (atMs: number): number => Math.floor(atMs / 1000)

function notMet(header: string): BlobError {
  return new BlobError(
    'ConditionNotMet',
    `The condition specified using HTTP conditional header(s) is not met: ${header}.`,
  )
}
