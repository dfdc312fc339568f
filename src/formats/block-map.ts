import { invariant } from '../base/assert.ts'
import type { ByteReader } from './disk-file.ts'

/** Blocks whose count is kept: small enough to be counted at each look, 256 KiB of memory for a disk of 1 TiB. */
const groupBlocks = 256

/** Which blocks of a disk hold data, one bit each: 2 MiB of memory for a disk of 1 TiB in blocks of 64 KiB. */
export type BlockMap = {
  /** Of the disk, in all. */
  readonly blocks: number
  /** With data. */
  readonly used: number
  has(block: number): boolean
  /** Used blocks before this one. */
  rankOf(block: number): number
  /** The used block with so many used ones before it. */
  blockAt(rank: number): number
}

/** Looks where the data of a disk is. A reader that does not know has data everywhere. */
export async function openBlockMap(
  disk: ByteReader,
  blockBytes: number,
  signal: AbortSignal,
): Promise<BlockMap> {
  const blocks = Math.ceil(disk.sizeBytes / blockBytes)
  const bits = new Uint8Array(Math.ceil(blocks / 8))
  if (disk.dataRanges) {
    for await (const { offsetBytes, lengthBytes } of disk.dataRanges(signal)) {
      const end = Math.min(disk.sizeBytes, offsetBytes + lengthBytes)
      setBits(bits, Math.floor(offsetBytes / blockBytes), Math.ceil(end / blockBytes))
    }
  } else setBits(bits, 0, blocks)
  return mapOf(bits, blocks)
}

function mapOf(bits: Uint8Array, blocks: number): BlockMap {
  const groupBytes = groupBlocks / 8
  /** Used blocks before each group. */
  const before = new Uint32Array(Math.ceil(blocks / groupBlocks) + 1)
  for (let group = 0; group + 1 < before.length; group++) {
    const part = bits.subarray(group * groupBytes, (group + 1) * groupBytes)
    before[group + 1] = (before[group] ?? 0) + countOf(part)
  }
  const used = before[before.length - 1] ?? 0

  const has = (block: number): boolean => ((bits[block >>> 3] ?? 0) & (1 << (block & 7))) !== 0

  function rankOf(block: number): number {
    const group = Math.floor(block / groupBlocks)
    const whole = countOf(bits.subarray(group * groupBytes, block >>> 3))
    return (
      (before[group] ?? 0) + whole + onesOf((bits[block >>> 3] ?? 0) & ((1 << (block & 7)) - 1))
    )
  }

  function blockAt(rank: number): number {
    invariant(rank >= 0 && rank < used, 'there are so many used blocks')
    let low = 0
    let high = before.length - 1
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((before[middle] ?? 0) <= rank) low = middle
      else high = middle
    }
    let left = rank - (before[low] ?? 0)
    let byte = low * groupBytes
    for (let ones = onesOf(bits[byte] ?? 0); ones <= left; ones = onesOf(bits[byte] ?? 0)) {
      left -= ones
      byte += 1
    }
    let block = byte * 8
    for (; !has(block) || left-- > 0; block++);
    return block
  }

  return { blocks, used, has, rankOf, blockAt }
}

function setBits(bits: Uint8Array, from: number, to: number): void {
  let block = from
  for (; block < to && block % 8 !== 0; block++) setBit(bits, block)
  const wholeTo = to - (to % 8)
  if (block < wholeTo) {
    bits.fill(0xff, block / 8, wholeTo / 8)
    block = wholeTo
  }
  for (; block < to; block++) setBit(bits, block)
}

function setBit(bits: Uint8Array, block: number): void {
  bits[block >>> 3] = (bits[block >>> 3] ?? 0) | (1 << (block & 7))
}

const ones = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
)

function onesOf(byte: number): number {
  return ones[byte] ?? 0
}

function countOf(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) count += onesOf(byte)
  return count
}
