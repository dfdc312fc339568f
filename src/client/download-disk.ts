import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { mapBounded } from '../base/bounded.ts'
import { openMutex } from '../base/mutex.ts'
import { release } from '../base/release.ts'
import type { World } from '../base/world.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { digestOf } from '../domain/digest.ts'
import { type BlockJournal, openBlockJournal } from './block-journal.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import { joinNear, rangesByBlock } from './data-runs.ts'
import { openFollowingDigest } from './following-digest.ts'
import type { Http } from './http.ts'
import { fileFault } from './local-file.ts'
import { openMeter, type Transfer } from './meter.ts'
import { openPageBlob, type PageBlob } from './page-blob.ts'

const footerBytes = 512

/** What a downloaded file may be; all but the first two are made by the server. */
export const downloadFormats = ['raw', 'vhd', 'vhd-dynamic', 'vhdx', 'qcow2'] as const
export type DownloadFormat = (typeof downloadFormats)[number]

type DownloadOptions = {
  readonly http: Http
  readonly world: Pick<World, 'now' | 'sleep'>
  readonly signal: AbortSignal
  /** A read SAS of a fixed VHD. */
  readonly sasUrl: string
  /** Names the bytes: the same id promises the same bytes, so that a download can be resumed from another blob of them. */
  readonly contentId: string
  readonly out: string
  /** `raw` leaves the footer of the VHD away. */
  readonly format: DownloadFormat
  readonly onProgress?: (transfer: Transfer) => void
}

/**
 * Writes the disk behind a read SAS to `out`: only where it has data (the file is sparse), several blocks at a time.
 * The file grows under `out.part` and gets its name when it is complete; an interrupted download goes on from there.
 * Throws ClientError, `InvalidFile` when `out` exists.
 */
export async function downloadDisk(options: DownloadOptions) {
  const { signal, out, format } = options
  await refuseUnfit(out)
  const isFixedVhd = format === 'raw' || format === 'vhd'
  const sasUrl = isFixedVhd ? options.sasUrl : `${options.sasUrl}&format=${format}`
  const blob = openPageBlob({ ...options, sasUrl })
  const blobBytes = await blob.sizeBytes(signal)
  if (isFixedVhd) await checkFooter(blob, blobBytes, signal)
  const fileBytes = format === 'raw' ? blobBytes - footerBytes : blobBytes
  const ranges = withinBytes(await blob.dataRanges(signal), fileBytes)
  const part = `${out}.part`
  const subject = digestOf(Buffer.from(JSON.stringify([options.contentId, format, fileBytes])))
  if (!(await hasSize(part, fileBytes))) await rm(`${part}.log`, { force: true })
  const journal = await openBlockJournal(`${part}.log`, subject)
  try {
    const resumed = journal.finished.size > 0
    await using file = await open(part, resumed ? 'r+' : 'w+').catch((error: unknown) => {
      throw fileFault(part, error)
    })
    await file.truncate(fileBytes)
    const sums = await fetchBlocks({ ...options, blob, file, journal, ranges, fileBytes })
    await file.datasync()
    await rename(part, out)
    await journal.remove()
    return { fileBytes, ...sums }
  } finally {
    await journal.close()
  }
}

type Fetch = DownloadOptions & {
  readonly blob: PageBlob
  readonly file: FileHandle
  readonly journal: BlockJournal
  readonly ranges: readonly ByteRange[]
  readonly fileBytes: number
}

async function fetchBlocks(fetch: Fetch) {
  const { blob, file, journal, signal } = fetch
  const blocks = rangesByBlock(fetch.ranges, clientLimits.blockBytes)
  const dataBytes = fetch.ranges.reduce((sum, range) => sum + range.lengthBytes, 0)
  const meter = openMeter(fetch.fileBytes, fetch.world)
  meter.skip(fetch.fileBytes - dataBytes)
  const finish = openFinisher(file, journal)
  const digest = openFollowingDigest(file, fetch.ranges)
  const passed = openPassed([...blocks.keys()])
  let receivedBytes = 0

  async function fetchBlock([block, ranges]: readonly [number, readonly ByteRange[]]) {
    const blockDataBytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0)
    if (journal.finished.has(block)) {
      passed.add(block)
      return meter.skip(blockDataBytes)
    }
    for (const range of joinNear(ranges)) {
      const bytes = await blob.read(range, signal)
      await writeAll(file, bytes, range.offsetBytes).catch((error: unknown) => {
        throw fileFault(`${fetch.out}.part`, error)
      })
      receivedBytes += bytes.length
      release(bytes)
    }
    await finish.add(block, blockDataBytes)
    // A failure to read is met again at the end.
    digest.upTo(passed.add(block) * clientLimits.blockBytes).catch(() => undefined)
    meter.add(blockDataBytes)
    fetch.onProgress?.(meter.read())
  }

  try {
    await mapBounded(blocks, clientLimits.blocksAtOnce, fetchBlock)
  } finally {
    await finish.flush()
  }
  fetch.onProgress?.(meter.read())
  const sha256 = await digest.end(fetch.fileBytes)
  return { dataBytes, receivedBytes, resumedBlocks: journal.finished.size, sha256 }
}

/** Blocks finish in any order; `add` answers the first one that has not, 0 when all have. */
function openPassed(blocks: readonly number[]) {
  const finished = new Set<number>()
  let first = 0
  return {
    add(block: number): number {
      finished.add(block)
      while (finished.has(blocks[first] ?? -1)) first++
      return blocks[first] ?? 0
    },
  }
}

/** Notes finished blocks in batches, each after its bytes are durable: a note must not outlive what it tells of. */
function openFinisher(file: FileHandle, journal: BlockJournal) {
  const exclusively = openMutex()
  let waiting: (readonly [block: number, dataBytes: number])[] = []

  async function flush(): Promise<void> {
    await exclusively(async () => {
      const batch = waiting
      waiting = []
      if (batch.length === 0) return
      await file.datasync()
      for (const [block, dataBytes] of batch) await journal.add(block, dataBytes)
    })
  }

  async function add(block: number, dataBytes: number): Promise<void> {
    waiting.push([block, dataBytes])
    if (waiting.length >= clientLimits.blocksPerSync) await flush()
  }

  return { add, flush }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offsetBytes + at)
    at += bytesWritten
  }
}

/** The last 512 bytes must be the footer of a fixed VHD whose size fits; else `raw` would cut off real bytes. */
async function checkFooter(blob: PageBlob, blobBytes: number, signal: AbortSignal): Promise<void> {
  const offsetBytes = blobBytes - footerBytes
  const footer =
    offsetBytes > 0
      ? await blob.read({ offsetBytes, lengthBytes: footerBytes }, signal)
      : Buffer.alloc(footerBytes)
  const isFixedVhd = footer.toString('latin1', 0, 8) === 'conectix' && footer.readUInt32BE(60) === 2
  if (isFixedVhd && footer.readBigUInt64BE(48) === BigInt(offsetBytes)) return
  throw new ClientError({
    code: 'BadAnswer',
    message: `The ${blobBytes} bytes behind the address are not a fixed VHD.`,
    nextStep: 'The log of the server has more; was the disk changed while it was read?',
  })
}

/** The parts of `ranges` (ascending) that lie below `endBytes`. */
function withinBytes(ranges: readonly ByteRange[], endBytes: number): readonly ByteRange[] {
  return ranges
    .filter((range) => range.offsetBytes < endBytes)
    .map(({ offsetBytes, lengthBytes }) => ({
      offsetBytes,
      lengthBytes: Math.min(lengthBytes, endBytes - offsetBytes),
    }))
}

async function hasSize(path: string, sizeBytes: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.size === sizeBytes
}

/** A file of the user's is never written over, and no folder is made for one. Throws ClientError `InvalidFile`. */
export async function refuseUnfit(out: string): Promise<void> {
  const folder = await stat(dirname(resolve(out))).catch(() => undefined)
  if (!folder?.isDirectory()) throw fileFault(out, 'the folder it is to lie in does not exist')
  const found = await stat(out).catch(() => undefined)
  if (found !== undefined) throw fileFault(out, 'it exists already')
}
