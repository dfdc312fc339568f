import type { ByteRange } from '../../domain/byte-range.ts'
import type { StagedPage } from '../../domain/holdings.ts'
import { limits } from '../../domain/limits.ts'
import { putPage } from '../../regions/staging.ts'
import { BlobError } from '../storage/blob-error.ts'
import { pageRange } from '../storage/page-range.ts'
import type { AskedBlob } from './asked.ts'
import { stageTaken } from './blocks.ts'
import { mayChange, spaceOf } from './change-blob.ts'
import { type CopySource, openCopySource, sourceRange } from './copy-source.ts'
import { newFacts, writtenHeaders } from './facts.ts'
import { openUpload } from './intake.ts'
import { placePage } from './pages.ts'
import { commitTaken, created } from './put-blob.ts'
import { findBlob, pageBlobOf } from './read-blob.ts'

/** Copy Blob and Put Blob From URL, from another blob or a disk of this installation: done when it is answered. */
export async function copyBlob(asked: AskedBlob): Promise<Response> {
  const { raw, world } = asked
  const source = await openCopySource(asked)
  const { sizeBytes } = source
  await mayChange(asked)
  const taken = await takeCopy(asked, source, { offsetBytes: 0, lengthBytes: sizeBytes })
  const said = newFacts(raw.headers)
  const id = world.id()
  const facts = {
    ...source.facts,
    ...said,
    copy: { id, source: source.shown, bytes: sizeBytes, endedMs: world.now().getTime() },
  }
  const made = await commitTaken(asked, taken, facts, source.type)
  const told = { ...writtenHeaders(made), 'x-ms-copy-id': id, 'x-ms-copy-status': 'success' }
  const isPut = raw.headers.has('x-ms-blob-type')
  return new Response(null, { status: isPut ? 201 : 202, headers: told })
}

/** Abort Copy Blob: every copy has ended before anybody could. Throws BlobNotFound, NoPendingCopyOperation. */
export async function abortCopy(asked: AskedBlob): Promise<Response> {
  await findBlob(asked)
  throw new BlobError('NoPendingCopyOperation', 'There is currently no pending copy operation.')
}

/** Put Block From URL. */
export async function putBlockFromUrl(asked: AskedBlob): Promise<Response> {
  const source = await openCopySource(asked)
  await mayChange(asked)
  const taken = await takeCopy(asked, source, sourceRange(asked, source))
  await stageTaken(asked, taken)
  return created({ 'x-ms-request-server-encrypted': 'false' })
}

/** Put Page From URL. */
export async function putPageFromUrl(asked: AskedBlob): Promise<Response> {
  const source = await openCopySource(asked)
  const blob = await pageBlobOf(asked)
  const range = pageRange(asked.raw.headers, blob.sizeBytes)
  const from = sourceRange(asked, source)
  if (from.lengthBytes !== range.lengthBytes || range.lengthBytes > limits.putPageBytesMax) {
    throw new BlobError(
      'InvalidHeaderValue',
      `x-ms-range and x-ms-source-range have one length, at most ${limits.putPageBytesMax} bytes.`,
    )
  }
  const { bytes, release } = await source.read(from)
  try {
    const placed = await placePage(asked, blob, { offsetBytes: range.offsetBytes, bytes })
    return created({ ...writtenHeaders(placed), 'x-ms-request-server-encrypted': 'false' })
  } finally {
    release()
  }
}

/** A part of the source as an upload of its own; where it has no data, nothing is written. */
async function takeCopy(asked: AskedBlob, source: CopySource, range: ByteRange) {
  await refuseTooMuch(source, range)
  const upload = await openUpload(asked)
  const pages: Omit<StagedPage, 'seq'>[] = []
  const end = range.offsetBytes + range.lengthBytes
  for await (const run of source.dataRanges(range.offsetBytes, end)) {
    for (const piece of piecesOf(run)) {
      const { bytes, release } = await source.read(piece)
      try {
        const offsetBytes = piece.offsetBytes - range.offsetBytes
        const { signal } = asked.raw
        const key = await putPage(asked.plane, {
          upload,
          space: spaceOf(asked),
          offsetBytes,
          bytes,
          signal,
        })
        pages.push({ offsetBytes, lengthBytes: piece.lengthBytes, key })
      } finally {
        release()
      }
    }
  }
  return { upload, sizeBytes: range.lengthBytes, pages }
}

/** Holes cost nothing: a large disk with little in it is copied at once. */
async function refuseTooMuch(
  { dataRanges, type }: CopySource,
  { offsetBytes, lengthBytes }: ByteRange,
): Promise<void> {
  if (lengthBytes <= limits.blobCopyBytesMax) return
  const inParts = type === 'PageBlob' ? 'in pages, with Put Page' : 'in blocks, with Put Block'
  const tooMuch = new BlobError(
    'RequestBodyTooLarge',
    `At most ${limits.blobCopyBytesMax} bytes of data are copied in one request. Copy ${inParts} From URL, as azcopy does.`,
  )
  if (lengthBytes > limits.pageBlobBytesMax) throw tooMuch
  let bytes = 0
  for await (const run of dataRanges(offsetBytes, offsetBytes + lengthBytes)) {
    bytes += run.lengthBytes
    if (bytes > limits.blobCopyBytesMax) throw tooMuch
  }
}

function* piecesOf({ offsetBytes, lengthBytes }: ByteRange): Generator<ByteRange> {
  const { putPageBytesMax } = limits
  const end = offsetBytes + lengthBytes
  for (let at = offsetBytes; at < end; at += putPageBytesMax) {
    yield { offsetBytes: at, lengthBytes: Math.min(putPageBytesMax, end - at) }
  }
}
