import { mapBounded } from '../base/bounded.ts'
import type { World } from '../base/world.ts'
import { layout } from '../chunks/layout.ts'
import { encodeNode } from '../chunks/node.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { limits } from '../domain/limits.ts'
import { fixedVhdFooter, vhdBytesMax } from '../formats/vhd-footer.ts'
import { ClientError } from './client-error.ts'
import { clientLimits } from './client-limits.ts'
import { type DiskDigests, openDiskDigests } from './disk-digests.ts'
import type { Http } from './http.ts'
import { type ImageTransfer, openImageMeter } from './image-meter.ts'
import type { LocalDisk, LocalLeaf } from './local-disk.ts'
import { openPageBlob, type PageBlob } from './page-blob.ts'
import { isLost, type ParentDisk } from './parent-disk.ts'
import { type LeafPlan, planLeaf, type Run } from './plan-leaf.ts'
import { openUploadJournal } from './upload-journal.ts'

const { chunkBytes } = limits
const { leafBytes } = layout
const footerBytes = 512
const zeroChunk = Buffer.alloc(chunkBytes)

type UploadOptions = {
  readonly http: Http
  readonly world: Pick<World, 'now' | 'sleep'>
  readonly signal: AbortSignal
  readonly disk: LocalDisk
  /** A write SAS of a page blob of `imageBytesOf(disk)` bytes. */
  readonly sasUrl: string
  /** Names the blob beyond its address: a blob that is made anew must have another id, or its resume would be wrong. */
  readonly blobId: string
  /** What the server has already and we may read; the first is asked first. */
  readonly parents: readonly ParentDisk[]
  /** Where the note of what has arrived lies until all has. */
  readonly journalFolder: string
  readonly onProgress?: (transfer: ImageTransfer) => void
}

/** Bytes of the page blob that holds a disk as a fixed VHD, or as it is where a VHD cannot be so large. */
export function imageBytesOf({ virtualSizeBytes }: Pick<LocalDisk, 'virtualSizeBytes'>): number {
  return virtualSizeBytes > vhdBytesMax ? virtualSizeBytes : virtualSizeBytes + footerBytes
}

/**
 * Brings a disk into a page blob: reads what is no hole, 16 MiB at a time, sends chunks that no parent has, and tells of
 * the others where the parent has them. 16 MiB count as arrived when the server has acknowledged all of them; the next
 * call with the same file and blob goes on behind them, without reading them again. A parent that is lost meanwhile is
 * done without. Throws ClientError, `InvalidFile` when the file changes meanwhile.
 */
export async function uploadImage(options: UploadOptions) {
  const { disk, signal, world, blobId } = options
  const blob = openPageBlob(options)
  const marks = [disk.path, disk.stamp, blobId, 'leaves']
  const note = { folder: options.journalFolder, marks, blob, blockBytes: leafBytes, signal }
  const journal = await openUploadJournal(note)
  try {
    const arrived = journal.finished
    const meter = openImageMeter(await dataBytesIn(disk, signal), world)
    const tell = (): void => options.onProgress?.(meter.now())
    const { putRuns } = openDiskDigests(options)
    const job = { ...options, blob, putRuns, meter, tell }
    // As many as there are leaves under way: one that was sent is filled again.
    const buffers: Buffer[] = []

    async function bring(leaf: LocalLeaf): Promise<void> {
      const { index, readBytes } = leaf
      if (arrived.has(index)) return meter.skip(readBytes)
      signal.throwIfAborted()
      const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(leafBytes)
      await disk.read(leaf, buffer)
      const digests = digestsOf(buffer)
      const matched = await bringLeaf(job, { index, digests, buffer })
      meter.arrived({ read: readBytes, matched })
      buffers.push(buffer)
      await journal.add(index, dataBytesOf({ index, digests, buffer }, disk))
      tell()
    }

    await mapBounded(disk.leaves(signal), clientLimits.leavesAtOnce, bring)
    await putFooter(job)
    await disk.refuseChanged()
    tell()
    await journal.remove()
    const { readBytes, matchedBytes, sentBytes } = meter.now()
    return { readBytes, matchedBytes, sentBytes, resumedLeaves: arrived.size }
  } finally {
    await journal.close()
  }
}

type Job = UploadOptions & {
  readonly blob: PageBlob
  readonly putRuns: DiskDigests['putRuns']
  readonly meter: ReturnType<typeof openImageMeter>
  tell(): void
}

type Leaf = {
  readonly index: number
  readonly digests: readonly (Digest | undefined)[]
  readonly buffer: Buffer
}

/** All that is no hole: what a file says of itself is soon walked through. */
async function dataBytesIn(disk: LocalDisk, signal: AbortSignal): Promise<number> {
  let dataBytes = 0
  for await (const { readBytes } of disk.leaves(signal)) dataBytes += readBytes
  return dataBytes
}

/**
 * Tells first: what turns out to be lost is sent then. Each round but the last loses a parent. Answers how many bytes were
 * there.
 */
async function bringLeaf(job: Job, leaf: Leaf): Promise<number> {
  let plan = await planOf(job, leaf)
  while (!(await tellRuns(job, plan.runs))) plan = await planOf(job, leaf)
  await mapBounded(plan.sends, clientLimits.leafBlocksAtOnce, async (range) => {
    const from = range.offsetBytes - leaf.index * leafBytes
    const bytes = leaf.buffer.subarray(from, from + range.lengthBytes)
    await job.blob.put(range.offsetBytes, bytes, job.signal)
    job.meter.sent(range.lengthBytes)
    job.tell()
  })
  const sentBytes = plan.sends.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  return dataBytesOf(leaf, job.disk) - sentBytes
}

/** Of its chunks that are not zeros; the last one of the disk may be shorter. */
function dataBytesOf({ index, digests }: Leaf, { virtualSizeBytes }: LocalDisk): number {
  return digests.reduce((bytes, digest, at) => {
    const left = virtualSizeBytes - index * leafBytes - at * chunkBytes
    return digest === undefined ? bytes : bytes + Math.min(chunkBytes, left)
  }, 0)
}

async function planOf(job: Job, { index, digests }: Leaf): Promise<LeafPlan<ParentDisk>> {
  const { parents, signal, disk } = job
  if (digests.every((digest) => digest === undefined)) return { runs: [], sends: [] }
  const whole = digestOf(encodeNode({ level: 0, children: digests }))
  const same = parents.find((parent) => parent.leafDigest(index) === whole)
  if (same) return { runs: [wholeRun(same, index, disk)], sends: [] }
  for (const parent of parents) await parent.learn(index, signal)
  const first = index * limits.nodeChildren
  const leaf = { first, digests, diskBytes: disk.virtualSizeBytes }
  return planLeaf<ParentDisk>(leaf, (digest, chunk, before) => {
    for (const parent of parents) {
      const behind = before?.parent === parent ? before.chunk : undefined
      const place = parent.placeOf(digest, chunk, behind)
      if (place !== undefined) return { parent, chunk: place }
    }
    return undefined
  })
}

/** Of disks of two lengths, as far as the shorter one reaches: there is nothing behind it in the other. */
function wholeRun(parent: ParentDisk, index: number, disk: LocalDisk): Run<ParentDisk> {
  const offsetBytes = index * leafBytes
  const parentEnd = Math.ceil(parent.virtualSizeBytes / chunkBytes) * chunkBytes
  const endBytes = Math.min(offsetBytes + leafBytes, disk.virtualSizeBytes, parentEnd)
  return { parent, offsetBytes, lengthBytes: endBytes - offsetBytes, fromBytes: offsetBytes }
}

/** False: a parent is lost. */
async function tellRuns(job: Job, runs: readonly Run<ParentDisk>[]): Promise<boolean> {
  for (const [parent, own] of Map.groupBy(runs, (run) => run.parent)) {
    try {
      await job.putRuns(parent.sasUrl, own, job.signal)
    } catch (error) {
      if (!(error instanceof ClientError) || !isLost(error)) throw error
      parent.lose()
      return false
    }
  }
  return true
}

function digestsOf(buffer: Buffer): (Digest | undefined)[] {
  return Array.from({ length: limits.nodeChildren }, (_, at) => {
    const chunk = buffer.subarray(at * chunkBytes, (at + 1) * chunkBytes)
    return zeroChunk.equals(chunk) ? undefined : digestOf(chunk)
  })
}

/** What makes the blob a VHD: it says that the bytes before it are the disk, whatever they look like. */
async function putFooter({ disk, blob, signal, blobId }: Job): Promise<void> {
  const { virtualSizeBytes } = disk
  if (imageBytesOf(disk) === virtualSizeBytes) return
  const id = digestOf(Buffer.from(blobId)).slice(0, 32)
  const footer = fixedVhdFooter({ virtualSizeBytes, id })
  await blob.put(virtualSizeBytes, footer, signal)
}
