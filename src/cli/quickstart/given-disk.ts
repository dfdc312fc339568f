import { open } from 'node:fs/promises'
import { dataRuns } from '../../client/data-runs.ts'
import { fileFault, openForReading } from '../../client/local-file.ts'
import { pageBytesOf } from '../../client/upload-disk.ts'
import { readAt, vhdSizeBytes } from './vhd-content.ts'

const blockBytes = 4 * 1024 * 1024
const sectorBytes = 512
const changedBytes = 4096

/** Formats that the server reads, but in which no byte of the disk is found here to be changed. */
const packed = ['QFI\xfb', 'vhdxfile', 'KDMV']

type DiskFacts = {
  readonly format: string
  readonly fileBytes: number
  /** When the file starts with a plain image of the disk: its length. Undefined for a dynamic VHD. */
  readonly plainBytes: number | undefined
  /** Where bytes of the disk (not of the format) lie: from, to. */
  readonly dataFromBytes: number
  readonly dataToBytes: number
}

/** Looks what kind of disk file it is: as far as is needed to change bytes of the disk in it. Throws ClientError. */
export async function inspectDisk(path: string): Promise<DiskFacts> {
  await using file = await openForReading(path)
  const { size } = await file.stat()
  if (size < sectorBytes) throw fileFault(path, 'it is too small to be a disk')
  const head = (await readAt(file, 0, sectorBytes)).toString('latin1')
  if (packed.some((magic) => head.startsWith(magic))) {
    const convert = `qemu-img convert -O raw ${path} disk.raw`
    const why = 'the quickstart changes bytes of the disk, which it does in raw and VHD alone'
    throw fileFault(path, `${why}; convert it: ${convert}`)
  }
  const footer = await readAt(file, size - sectorBytes, sectorBytes)
  if (footer.toString('latin1', 0, 8) !== 'conectix')
    return {
      format: 'raw',
      fileBytes: size,
      plainBytes: pageBytesOf(size),
      dataFromBytes: 0,
      dataToBytes: size,
    }
  const end = size - sectorBytes
  if (footer.readUInt32BE(60) === 2)
    return {
      format: 'fixed VHD',
      fileBytes: size,
      plainBytes: vhdSizeBytes(footer),
      dataFromBytes: 0,
      dataToBytes: end,
    }
  const header = await readAt(file, Number(footer.readBigUInt64BE(16)), 1024)
  const entries = Math.min(header.readUInt32BE(28), 1_048_576)
  const table = await readAt(file, Number(header.readBigUInt64BE(16)), entries * 4)
  const blockSectors = header.readUInt32BE(32) / sectorBytes
  const bitmapBytes = Math.ceil(blockSectors / 8 / sectorBytes) * sectorBytes
  const first = Array.from({ length: entries }, (_, at) => table.readUInt32BE(at * 4)).find(
    (sector) => sector !== 0xffffffff,
  )
  const from = first === undefined ? end : first * sectorBytes + bitmapBytes
  const to = Math.min(end, from + blockSectors * sectorBytes)
  return {
    format: 'dynamic VHD',
    fileBytes: size,
    plainBytes: undefined,
    dataFromBytes: from,
    dataToBytes: to,
  }
}

/** Copies a file, leaves holes where it is zero, and fills up the last page of 512 bytes. */
export async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  await using source = await openForReading(from)
  await using target = await open(to, 'wx')
  const { size } = await source.stat()
  await target.truncate(pageBytesOf(size))
  for (let at = 0; at < size; at += blockBytes) {
    signal.throwIfAborted()
    const block = await readAt(source, at, Math.min(blockBytes, size - at))
    for (const run of dataRuns(block))
      await target.write(block, run.offsetBytes, run.lengthBytes, at + run.offsetBytes)
  }
}

/** Inverts a little of the disk's data in up to three places that hold some already; returns how much. */
export async function flipBytes(
  path: string,
  facts: DiskFacts,
  signal: AbortSignal,
): Promise<number> {
  await using file = await open(path, 'r+')
  const starts: number[] = []
  for (let at = facts.dataFromBytes; at < facts.dataToBytes; at += blockBytes) {
    signal.throwIfAborted()
    const block = await readAt(file, at, Math.min(blockBytes, facts.dataToBytes - at))
    starts.push(...dataRuns(block).map((run) => at + run.offsetBytes))
  }
  const chosen = [0.25, 0.5, 0.75].map((share) => starts[Math.floor(starts.length * share)])
  const places = new Set(chosen.filter((start) => start !== undefined))
  for (const at of places) {
    const bytes = await readAt(file, at, changedBytes)
    await file.write(
      bytes.map((byte) => byte ^ 0xff),
      0,
      changedBytes,
      at,
    )
  }
  return places.size * changedBytes
}
