import { resolve } from 'node:path'
import { mapBounded } from '../base/bounded.ts'
import { dataRangesOf } from '../base/data-ranges-of.ts'
import type { World } from '../base/world.ts'
import { clientLimits } from './client-limits.ts'
import { dataRuns } from './data-runs.ts'
import type { Http } from './http.ts'
import { openForReading, readPadded, refuseChanged, stampOf } from './local-file.ts'
import { openMeter, type Transfer } from './meter.ts'
import { openPageBlob } from './page-blob.ts'
import { openUploadJournal } from './upload-journal.ts'

type UploadOptions = {
  readonly http: Http
  readonly world: Pick<World, 'now' | 'sleep'>
  readonly signal: AbortSignal
  readonly file: string
  /** A write SAS of a page blob of at least `pageBytesOf(file size)` bytes. */
  readonly sasUrl: string
  /** Names the blob beyond its address: a blob that is made anew must have another id, or its resume would be wrong. */
  readonly blobId: string
  /** Where the note of what has arrived lies until all has. */
  readonly journalFolder: string
  readonly onProgress?: (transfer: Transfer) => void
}

/** Bytes of the page blob that holds a file: rounded up to whole pages of 512. */
export function pageBytesOf(fileBytes: number): number {
  return Math.ceil(fileBytes / 512) * 512
}

/**
 * Sends a file into a page blob: only what is not zero, several blocks at a time. A block counts as arrived when the server
 * has acknowledged it; the next call with the same file (path, size, time of change) and blob sends only the others.
 * Throws ClientError, `InvalidFile` when the file changes meanwhile.
 */
export async function uploadDisk(options: UploadOptions) {
  const { signal } = options
  const path = resolve(options.file)
  await using file = await openForReading(path)
  const stamp = await stampOf(file, path)
  const { blobId, journalFolder: folder } = options
  const blob = openPageBlob(options)
  const { blockBytes } = clientLimits
  const marks = [path, stamp, blobId]
  const journal = await openUploadJournal({ folder, marks, blob, blockBytes, signal })
  try {
    const arrived = journal.finished
    const fileBytes = Number(stamp.size)
    const meter = openMeter(fileBytes, options.world)
    const filled = await blocksWithData(file, fileBytes)
    // As many as there are blocks under way: one that was sent is filled again.
    const buffers: Buffer[] = []
    let sentBytes = 0

    async function sendBlock(block: number): Promise<void> {
      const offsetBytes = block * clientLimits.blockBytes
      const lengthBytes = Math.min(clientLimits.blockBytes, fileBytes - offsetBytes)
      if (arrived.has(block) || !filled.has(block)) return meter.skip(lengthBytes)
      const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(clientLimits.blockBytes)
      const bytes = buffer.subarray(0, pageBytesOf(lengthBytes))
      await readPadded(file, offsetBytes, bytes)
      const runs = dataRuns(bytes)
      for (const run of runs) {
        const part = bytes.subarray(run.offsetBytes, run.offsetBytes + run.lengthBytes)
        await blob.put(offsetBytes + run.offsetBytes, part, signal)
        sentBytes += run.lengthBytes
      }
      buffers.push(buffer)
      await journal.add(
        block,
        runs.reduce((sum, run) => sum + run.lengthBytes, 0),
      )
      if (runs.length === 0) meter.skip(lengthBytes)
      else meter.add(lengthBytes)
      options.onProgress?.(meter.read())
    }

    const blocks = Math.ceil(fileBytes / clientLimits.blockBytes)
    await mapBounded(Array(blocks).keys(), clientLimits.blocksAtOnce, sendBlock)
    await refuseChanged(file, path, stamp)
    options.onProgress?.(meter.read())
    await journal.remove()
    return { fileBytes, sentBytes, resumedBlocks: arrived.size }
  } finally {
    await journal.close()
  }
}

/** Blocks that are more than a hole of a sparse file: the others are not even read. */
async function blocksWithData(
  file: Awaited<ReturnType<typeof openForReading>>,
  fileBytes: number,
): Promise<ReadonlySet<number>> {
  const blocks = new Set<number>()
  for await (const { offsetBytes, lengthBytes } of dataRangesOf(file.fd, fileBytes)) {
    const last = Math.floor((offsetBytes + lengthBytes - 1) / clientLimits.blockBytes)
    for (let at = Math.floor(offsetBytes / clientLimits.blockBytes); at <= last; at++)
      blocks.add(at)
  }
  return blocks
}
