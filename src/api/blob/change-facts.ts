import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { BlobError } from '../storage/blob-error.ts'
import { type AskedBlob, freshEtag, numberHeader } from './asked.ts'
import { blobNotFound, type Changing, changeBlob, mustBe } from './change-blob.ts'
import { checkConditions } from './conditions.ts'
import { factsIn, metadataIn, metaHeaders, writtenHeaders } from './facts.ts'
import { pageBlobSize } from './put-blob.ts'
import { findBlob, unchanged } from './read-blob.ts'

/** Set Blob Properties: headers that are not sent are cleared, as Azure does; or the size of a page blob, and what it counts. */
export async function setProperties(asked: AskedBlob): Promise<Response> {
  const sizeBytes = pageBlobSize(asked)
  const said = factsIn(asked.raw.headers)
  const saysFacts = Object.keys(said).length > 0
  const sequence = sequenceChange(asked)
  return changed(asked, async ({ rows }, blob) => {
    if (sizeBytes !== undefined || sequence) mustBe(blob, 'PageBlob')
    const { metadata, copy, sequenceNumber = 0 } = blob.facts
    const kept = { ...(metadata && { metadata }), ...(copy && { copy }) }
    const next = sequence ? sequence(sequenceNumber) : sequenceNumber
    const counted = blob.type === 'PageBlob' ? { sequenceNumber: next } : {}
    const isOther = sizeBytes !== undefined || sequence !== undefined
    const facts =
      isOther && !saysFacts ? { ...blob.facts, ...counted } : { ...kept, ...said, ...counted }
    const size = sizeBytes ?? blob.sizeBytes
    if (size < blob.sizeBytes) {
      // Grown again, it reads as zeros there.
      const cut = { offsetBytes: size, lengthBytes: blob.sizeBytes - size, key: undefined }
      await rows.blobs.addPages(blob.upload, [cut])
    }
    return { ...blob, facts, sizeBytes: size }
  })
}

function sequenceChange(asked: AskedBlob): ((own: number) => number) | undefined {
  const action = asked.raw.headers.get('x-ms-sequence-number-action')?.toLowerCase()
  if (action === undefined) return undefined
  const number = numberHeader(asked, 'x-ms-blob-sequence-number')
  if (action === 'increment' && number === undefined) return (own) => own + 1
  if (action === 'max' && number !== undefined) return (own) => Math.max(own, number)
  if (action === 'update' && number !== undefined) return () => number
  throw new BlobError(
    'InvalidHeaderValue',
    'x-ms-sequence-number-action is increment; or max or update, with x-ms-blob-sequence-number.',
  )
}

export function setMetadata(asked: AskedBlob): Promise<Response> {
  const metadata = metadataIn(asked.raw.headers)
  return changed(asked, async (_, blob) => ({ ...blob, facts: { ...blob.facts, metadata } }))
}

async function changed(
  asked: AskedBlob,
  act: (changing: Changing, blob: StoredBlob) => Promise<StoredBlob>,
): Promise<Response> {
  const blob = await changeBlob(asked, async (changing) => {
    const { rows, before, nowMs } = changing
    if (!before) throw blobNotFound()
    const next = { ...(await act(changing, before)), etag: freshEtag(asked), updatedMs: nowMs }
    await rows.blobs.update(next)
    return next
  })
  return new Response(null, { status: 200, headers: writtenHeaders(blob) })
}

export async function getMetadata(asked: AskedBlob): Promise<Response> {
  const blob = await findBlob(asked)
  if (checkConditions(asked.raw, blob)) return unchanged(blob)
  const headers = { ...writtenHeaders(blob), ...metaHeaders(blob.facts.metadata ?? {}) }
  return new Response(null, { status: 200, headers })
}

/** Delete Blob: gone at once; its bytes go later, so that who reads it now ends. */
export async function deleteBlob(asked: AskedBlob): Promise<Response> {
  await changeBlob(asked, async ({ rows, container, before, nowMs }) => {
    if (!before) throw blobNotFound()
    const dueMs = nowMs + asked.holdMs
    await rows.blobs.remove(container.id, before.name)
    await rows.blobs.drop({ upload: before.upload, space: container.space, dueMs })
    await rows.blobs.forgetStaged(container.id, before.name, dueMs)
    return true
  })
  return new Response(null, { status: 202, headers: { 'x-ms-delete-type-permanent': 'true' } })
}
