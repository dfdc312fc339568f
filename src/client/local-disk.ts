import { resolve } from 'node:path'
import { dataRangesOf } from '../base/data-ranges-of.ts'
import { inflateRun } from '../chunks/inflate-run.ts'
import { Damaged, layout } from '../chunks/layout.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { ArmError } from '../domain/errors.ts'
import { extentsCutAt } from '../formats/cut-extents.ts'
import type { DiskExtent, DiskFile } from '../formats/disk-file.ts'
import { openDiskFile } from '../formats/open-disk-file.ts'
import { ClientError } from './client-error.ts'
import { openForReading, readPadded, refuseChanged, stampOf } from './local-file.ts'

/** 16 MiB of a disk, as far as the file has anything there. */
export type LocalLeaf = {
  readonly index: number
  /** Bytes of the disk that are read for it. */
  readonly readBytes: number
  readonly extents: readonly DiskExtent[]
}

/** A disk file of any format on this machine, seen as the disk that is in it. Every method throws ClientError `InvalidFile`. */
export type LocalDisk = {
  readonly path: string
  readonly format: DiskFile['format']
  readonly virtualSizeBytes: number
  /** Length, time and place of the file: another one has another. */
  readonly stamp: string
  /** Ascending; what is a hole is left out, and never read. */
  leaves(signal: AbortSignal): AsyncGenerator<LocalLeaf>
  /** Fills `into` (16 MiB) with the bytes of the leaf; zeros where nothing is. */
  read(leaf: LocalLeaf, into: Buffer): Promise<void>
  /** Throws when the file is another one than when it was opened. */
  refuseChanged(): Promise<void>
}

type Local = LocalDisk & { close(): Promise<void> }

/** Recognises the file by its bytes, as a server would, and checks its tables. Call `close` at the end. */
export async function openLocalDisk(file: string, signal: AbortSignal): Promise<Local> {
  const path = resolve(file)
  const handle = await openForReading(path)
  try {
    const stamp = await stampOf(handle, path)
    const sizeBytes = Number(stamp.size)
    const reader = {
      sizeBytes,
      read: async ({ offsetBytes, lengthBytes }: ByteRange) => {
        const bytes = Buffer.alloc(lengthBytes)
        await readPadded(handle, offsetBytes, bytes)
        return bytes
      },
      dataRanges: () => dataRangesOf(handle.fd, sizeBytes),
    }
    const disk = await openDiskFile(reader, signal)
    return {
      path,
      format: disk.format,
      virtualSizeBytes: disk.virtualSizeBytes,
      stamp: JSON.stringify(stamp),
      leaves: (until) => told(path, leavesOf(disk, until)),
      read: (leaf, into) => readLeaf(handle, leaf, into).catch((error) => refuse(path, error)),
      refuseChanged: () => refuseChanged(handle, path, stamp),
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    return refuse(path, error)
  }
}

type Handle = Awaited<ReturnType<typeof openForReading>>

async function* leavesOf(disk: DiskFile, signal: AbortSignal): AsyncGenerator<LocalLeaf> {
  let index = -1
  let extents: DiskExtent[] = []
  for await (const extent of extentsCutAt(disk, layout.leafBytes, signal)) {
    const at = Math.floor(extent.offsetBytes / layout.leafBytes)
    if (at !== index && extents.length > 0) yield { index, extents, readBytes: sum(extents) }
    if (at !== index) extents = []
    index = at
    extents.push(extent)
  }
  if (extents.length > 0) yield { index, extents, readBytes: sum(extents) }
}

function sum(extents: readonly DiskExtent[]): number {
  return extents.reduce((bytes, { lengthBytes }) => bytes + lengthBytes, 0)
}

async function readLeaf(handle: Handle, { index, extents }: LocalLeaf, into: Buffer) {
  let filledTo = 0
  for (const { offsetBytes, lengthBytes, fileBytes, compressed } of extents) {
    const at = offsetBytes - index * layout.leafBytes
    into.fill(0, filledTo, at)
    filledTo = at + lengthBytes
    const place = into.subarray(at, filledTo)
    if (compressed === undefined) {
      await readPadded(handle, fileBytes, place)
      continue
    }
    const stored = Buffer.allocUnsafe(compressed.storedBytes)
    await readPadded(handle, fileBytes, stored)
    inflateRun(compressed, stored, place)
  }
  into.fill(0, filledTo)
}

async function* told<Item>(path: string, items: AsyncGenerator<Item>): AsyncGenerator<Item> {
  try {
    yield* items
  } catch (error) {
    refuse(path, error)
  }
}

/** What the parsers say of a file, as one of ours. */
function refuse(path: string, error: unknown): never {
  const isDisks = error instanceof ArmError || error instanceof Damaged
  if (!isDisks) throw error
  throw new ClientError(
    {
      code: 'InvalidFile',
      message: `${path}: ${error.message}`,
      nextStep: 'Mend the file, or name another one.',
    },
    { cause: error },
  )
}
