import type { ByteRange } from '../../domain/byte-range.ts'
import type { StoredBlob } from '../../domain/stored-blobs.ts'
import { stagedReader } from '../../regions/staging.ts'
import { BlobError } from '../storage/blob-error.ts'
import { clipped, whole } from '../storage/disk-bytes.ts'
import type { AskedBlob } from './asked.ts'
import { spaceOf } from './change-blob.ts'

type Reading = Pick<AskedBlob, 'plane' | 'store' | 'account' | 'raw'>

/**
 * The bytes of a blob as it was found. Once it was written over or deleted its pages may go, and a page that is gone looks like
 * one that never was: every answer is looked at again before it counts. Throws ConditionNotMet when pages may have gone.
 */
export function wholeReader(asked: Reading, { upload, sizeBytes }: StoredBlob) {
  const { plane, store, raw } = asked
  const reader = stagedReader(plane, { upload, sizeBytes, space: spaceOf(asked) })

  async function mustBeWhole(): Promise<void> {
    if (await store.read.blobs.isWhole(upload)) return
    throw new BlobError(
      'ConditionNotMet',
      'The blob was written over or deleted while it was read. Read it again.',
    )
  }

  async function read(range: ByteRange): Promise<Uint8Array> {
    try {
      return await reader.read(range, raw.signal)
    } finally {
      // Whatever came of it: what it throws takes the place of both.
      await mustBeWhole()
    }
  }

  /** What of [from, to) has data. */
  async function* dataRanges(from: number, to: number): AsyncGenerator<ByteRange> {
    yield* clipped(reader.dataRanges?.(raw.signal) ?? whole(to), from, to)
    await mustBeWhole()
  }

  return { read, dataRanges }
}
