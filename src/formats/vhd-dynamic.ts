import type { ByteRange } from '../domain/byte-range.ts'
import { ArmError } from '../domain/errors.ts'
import { sizes } from '../domain/limits.ts'
import { openApart } from './apart.ts'
import type { ByteReader, DiskExtent, DiskFile } from './disk-file.ts'
import { endOf, latin1, overlap, sectorBytes, viewOf } from './fields.ts'
import {
  hasVhdCookie,
  parseVhdFooter,
  requireChecksum,
  type VhdFooter,
  vhdChecksum,
} from './vhd-footer.ts'

const headerLengthBytes = 1024
/** In place of a block's sector. */
export const unallocated = 0xffff_ffff
/** The table is read in parts of this size: a disk of 2040 GiB in blocks of 512 KiB has one of 16 MiB. */
const tablePartBytes = sizes.mib
/** Bitmaps read at once: enough to hide a remote reader's latency, 2 MiB at the largest block size. */
const bitmapsAtOnce = 32
/** No block starts beyond what a 32-bit sector number reaches. */
const blockReachBytes = 2 ** 32 * sectorBytes

/** Where everything lies in a dynamic VHD whose header was found sound. */
type Layout = {
  readonly reader: ByteReader
  readonly virtualSizeBytes: number
  readonly blockBytes: number
  /** Each block is preceded by one bit per sector, in whole sectors. */
  readonly bitmapBytes: number
  readonly tableBytes: number
  /** Blocks that the disk needs; the table may be longer. */
  readonly blocks: number
  /** What no block may touch: the footer's copy, the header, the table. */
  readonly taken: readonly ByteRange[]
  /** The footer's place. */
  readonly endBytes: number
}

type Block = { readonly index: number; readonly startBytes: number }

/**
 * Opens a dynamic VHD: block table, and a bitmap before each block whose clear sectors read as zeros.
 * Throws InvalidDisk when header, table or blocks are unsound; the whole table is checked here.
 */
export async function openDynamicVhd(
  reader: ByteReader,
  footer: VhdFooter,
  signal: AbortSignal,
): Promise<DiskFile> {
  const layout = await readLayout(reader, footer, signal)
  await requireApart(layout, signal)
  return {
    format: 'vhd-dynamic',
    virtualSizeBytes: footer.virtualSizeBytes,
    extents: (during) => extentsOf(layout, during),
  }
}

async function readLayout(
  reader: ByteReader,
  footer: VhdFooter,
  signal: AbortSignal,
): Promise<Layout> {
  const endBytes = reader.sizeBytes - sectorBytes
  const copyRange = { offsetBytes: 0, lengthBytes: sectorBytes }
  const headerRange = { offsetBytes: footer.headerBytes, lengthBytes: headerLengthBytes }
  if (footer.headerBytes < sectorBytes || endOf(headerRange) > endBytes) {
    throw unsound('its header lies outside the file')
  }
  requireSameFooter(await reader.read(copyRange, signal), footer)
  const { blockBytes, table } = parseHeader(await reader.read(headerRange, signal))
  const blocks = Math.ceil(footer.virtualSizeBytes / blockBytes)
  if (table.lengthBytes < blocks * 4) throw unsound('its block table is too short for the disk')
  if (endOf(table) > endBytes) throw unsound('its block table lies outside the file')
  if (overlap(copyRange, table) || overlap(headerRange, table)) {
    throw unsound('its block table lies over a header')
  }
  return {
    reader,
    virtualSizeBytes: footer.virtualSizeBytes,
    blockBytes,
    bitmapBytes: Math.ceil(blockBytes / sectorBytes / 8 / sectorBytes) * sectorBytes,
    tableBytes: table.offsetBytes,
    blocks,
    taken: [copyRange, headerRange, table],
    endBytes,
  }
}

/** The dynamic header: cookie 0, table offset 16, version 24, table entries 28, block size 32, checksum 36. */
function parseHeader(header: Uint8Array): { blockBytes: number; table: ByteRange } {
  if (latin1(header, 0, 8) !== 'cxsparse') throw unsound('no header stands where the footer says')
  requireChecksum(header, 36, 'header')
  const view = viewOf(header)
  if (view.getUint32(24) !== 0x0001_0000) throw unsound('its header is not of version 1.0')
  const blockBytes = view.getUint32(32)
  if (!isBlockSize(blockBytes)) {
    throw unsound(
      `its block size of ${blockBytes} bytes is no power of two from 512 KiB to 256 MiB`,
    )
  }
  const table = { offsetBytes: Number(view.getBigUint64(16)), lengthBytes: view.getUint32(28) * 4 }
  return { blockBytes, table }
}

/** The header of a table that lies at `tableBytes`; no parent. */
export function dynamicHeader(table: {
  readonly tableBytes: number
  readonly entries: number
  readonly blockBytes: number
}): Uint8Array {
  const header = Buffer.alloc(headerLengthBytes)
  header.write('cxsparse', 0, 'latin1')
  header.writeBigUInt64BE(0xffff_ffff_ffff_ffffn, 8)
  header.writeBigUInt64BE(BigInt(table.tableBytes), 16)
  header.writeUInt32BE(0x0001_0000, 24)
  header.writeUInt32BE(table.entries, 28)
  header.writeUInt32BE(table.blockBytes, 32)
  header.writeUInt32BE(vhdChecksum(header, 36), 36)
  return header
}

/** A file that was grown or cut by hand still has the old copy in front; we do not guess which of the two is right. */
function requireSameFooter(sector: Uint8Array, footer: VhdFooter): void {
  if (!hasVhdCookie(sector)) throw unsound('the copy of its footer at the beginning is missing')
  const copy = parseVhdFooter(sector)
  const same =
    copy.diskType === footer.diskType &&
    copy.headerBytes === footer.headerBytes &&
    copy.currentSizeBytes === footer.currentSizeBytes &&
    copy.virtualSizeBytes === footer.virtualSizeBytes &&
    copy.idHex === footer.idHex
  if (!same) throw unsound('its footer and the copy at the beginning disagree')
}

/** No two blocks may share bytes. */
async function requireApart(layout: Layout, signal: AbortSignal): Promise<void> {
  const spanBytes = layout.bitmapBytes + layout.blockBytes
  const reachBytes = Math.min(layout.endBytes, blockReachBytes)
  const apart = openApart({ reachBytes, spanBytes, unitBytes: sectorBytes })
  if (!apart) throw unsound('it has more blocks than a VHD can have')
  for await (const { index, startBytes } of allocated(layout, signal)) {
    if (!apart.isFree(startBytes)) throw unsound(`block ${index} overlaps another block`)
  }
}

/** The blocks that the table places in the file, ascending on the disk, each inside the file and clear of its tables. */
async function* allocated(layout: Layout, signal: AbortSignal): AsyncGenerator<Block> {
  const spanBytes = layout.bitmapBytes + layout.blockBytes
  const partBlocks = tablePartBytes / 4
  for (let first = 0; first < layout.blocks; first += partBlocks) {
    const count = Math.min(partBlocks, layout.blocks - first)
    const part = { offsetBytes: layout.tableBytes + first * 4, lengthBytes: count * 4 }
    const entries = viewOf(await layout.reader.read(part, signal))
    for (let at = 0; at < count; at++) {
      const sector = entries.getUint32(at * 4)
      if (sector === unallocated) continue
      const place = { offsetBytes: sector * sectorBytes, lengthBytes: spanBytes }
      if (endOf(place) > layout.endBytes || layout.taken.some((range) => overlap(range, place))) {
        throw unsound(`block ${first + at} lies outside the file or over its tables`)
      }
      yield { index: first + at, startBytes: place.offsetBytes }
    }
  }
}

async function* extentsOf(layout: Layout, signal: AbortSignal): AsyncGenerator<DiskExtent> {
  let batch: Block[] = []
  for await (const block of allocated(layout, signal)) {
    batch.push(block)
    if (batch.length < bitmapsAtOnce) continue
    yield* batchExtents(layout, batch, signal)
    batch = []
  }
  yield* batchExtents(layout, batch, signal)
}

async function* batchExtents(
  layout: Layout,
  batch: readonly Block[],
  signal: AbortSignal,
): AsyncGenerator<DiskExtent> {
  const lengthBytes = layout.bitmapBytes
  const bitmaps = await Promise.all(
    batch.map(async (block) => ({
      block,
      bitmap: await layout.reader.read({ offsetBytes: block.startBytes, lengthBytes }, signal),
    })),
  )
  for (const { block, bitmap } of bitmaps) {
    const offsetBytes = block.index * layout.blockBytes
    const usedBytes = Math.min(layout.blockBytes, layout.virtualSizeBytes - offsetBytes)
    for (const run of setRuns(bitmap, usedBytes / sectorBytes)) {
      yield {
        offsetBytes: offsetBytes + run.from * sectorBytes,
        lengthBytes: (run.to - run.from) * sectorBytes,
        fileBytes: block.startBytes + lengthBytes + run.from * sectorBytes,
      }
    }
  }
}

/** The runs of ones among the first `bits`, the highest bit of a byte first. */
function* setRuns(bitmap: Uint8Array, bits: number): Generator<{ from: number; to: number }> {
  let from = seek(bitmap, 0, bits, true)
  while (from < bits) {
    const to = seek(bitmap, from, bits, false)
    yield { from, to }
    from = seek(bitmap, to, bits, true)
  }
}

/** The first bit from `start` that is `wanted`, else `bits`; whole bytes of the other kind are skipped. */
function seek(bitmap: Uint8Array, start: number, bits: number, wanted: boolean): number {
  const skipped = wanted ? 0x00 : 0xff
  let bit = start
  while (bit < bits) {
    const byte = bitmap[bit >> 3] ?? 0
    if (byte === skipped) {
      bit = ((bit >> 3) + 1) << 3
      continue
    }
    if (((byte & (0x80 >> (bit & 7))) !== 0) === wanted) return bit
    bit++
  }
  return bits
}

function isBlockSize(bytes: number): boolean {
  const inBounds = bytes >= 512 * sizes.kib && bytes <= 256 * sizes.mib
  return inBounds && (bytes & (bytes - 1)) === 0
}

function unsound(what: string): ArmError {
  return new ArmError(
    'InvalidDisk',
    `The dynamic VHD is unsound: ${what}. Copy or export the disk again.`,
  )
}
