import type { BlobContainer, StoredBlob } from '../../domain/stored-blobs.ts'
import { accountSpaceOf } from '../../resources/storage-account.ts'
import type { Rows } from '../../store/store.ts'
import { BlobError } from '../storage/blob-error.ts'
import { type AskedBlob, freshEtag } from './asked.ts'
import { checkConditions } from './conditions.ts'

/** A blob's row, locked, as it is when the change is made. */
export type Changing = {
  readonly rows: Rows
  readonly container: BlobContainer
  readonly before: StoredBlob | undefined
  readonly nowMs: number
}

/** Who lost waits for whoever won before the next look, so few lose twice. */
const attemptsMax = 8

/** Undoes what was written so far. */
class Raced extends Error {
  override readonly name = 'Raced'
}

/**
 * One transaction on a blob: its conditions hold and nobody reads it while `act` runs. What `act` throws undoes it; one that
 * answers undefined met another writer, and is run again. Throws ContainerNotFound, ConditionNotMet, LeaseIdMissing.
 */
export async function changeBlob<Result>(
  asked: AskedBlob,
  act: (changing: Changing) => Promise<Result | undefined>,
): Promise<Result> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const nowMs = asked.world.now().getTime()
    try {
      return await asked.store.write(async (rows) => {
        const found = await findBlob(asked, rows, true)
        const result = await act({ rows, ...found, nowMs })
        if (result === undefined) throw new Raced('another writer was first')
        return result
      })
    } catch (error) {
      if (!(error instanceof Raced)) throw error
    }
  }
  throw new BlobError('ServerBusy', 'Others write this blob at the same time. Retry in a moment.')
}

/** The same before bytes are taken, so that who is refused sends none in vain. */
export async function mayChange(asked: AskedBlob): Promise<void> {
  await findBlob(asked, asked.store.read, false)
}

async function findBlob(asked: AskedBlob, rows: Rows, locks: boolean) {
  const { place, account, raw, createsOnly } = asked
  const find = locks ? rows.blobs.holdContainer : rows.blobs.container
  const container = await find(account.key, place.container)
  if (!container) throw containerNotFound()
  const get = locks ? rows.blobs.lock : rows.blobs.get
  const before = await get(container.id, place.blob)
  checkConditions({ headers: raw.headers, method: 'PUT' }, before)
  if (before && createsOnly) {
    throw new BlobError(
      'UnauthorizedBlobOverwrite',
      'This SAS may make blobs (c), not write over one that is there (w).',
    )
  }
  const reader = before && (await rows.blobs.readerOf(before.upload))
  if (reader !== undefined) {
    throw new BlobError(
      'LeaseIdMissing',
      'There is currently a lease on the blob: a resource is being made from it. Write or delete it when that is done.',
    )
  }
  return { container, before }
}

/** The blob that is there, of the wanted type. Throws BlobNotFound, InvalidBlobType. */
export function mustBe(blob: StoredBlob | undefined, type: StoredBlob['type']): StoredBlob {
  if (!blob) throw blobNotFound()
  if (blob.type === type) return blob
  throw new BlobError(
    'InvalidBlobType',
    `The blob type is invalid for this operation: it is a ${blob.type}, not a ${type}.`,
  )
}

export function blobNotFound(): BlobError {
  return new BlobError('BlobNotFound', 'The specified blob does not exist.')
}

export function containerNotFound(): BlobError {
  return new BlobError('ContainerNotFound', 'The specified container does not exist.')
}

/** Puts a blob in the place of the one before, whose bytes and waiting blocks are dropped. Undefined: somebody was first. */
export async function replaceBlob(
  asked: AskedBlob,
  { rows, container, before, nowMs }: Changing,
  made: Pick<StoredBlob, 'type' | 'upload' | 'sizeBytes' | 'facts'>,
): Promise<StoredBlob | undefined> {
  const blob: StoredBlob = {
    ...made,
    container: container.id,
    name: asked.place.blob,
    etag: freshEtag(asked),
    createdMs: before?.createdMs ?? nowMs,
    updatedMs: nowMs,
  }
  if (before) {
    await rows.blobs.update(blob)
    const { space } = container
    await rows.blobs.drop({ upload: before.upload, space, dueMs: nowMs + asked.holdMs })
  } else if (!(await rows.blobs.insert(blob))) return undefined
  await rows.blobs.forgetStaged(container.id, blob.name, nowMs + asked.holdMs)
  return blob
}

/** Where an account's bytes go. */
export function spaceOf({ account }: Pick<AskedBlob, 'account'>) {
  return accountSpaceOf(account)
}
