import { Buffer } from 'node:buffer'

/**
 * VHD files written by the specification and by nothing of `src/`, so that the reader is held against a second opinion.
 * Whole files in memory: for disks of a few MiB.
 */
export type VhdOptions = {
  /** Four characters; `win ` unless told. */
  readonly creator?: string
  readonly diskType?: number
  /** What the footer says when it is not the disk's length. */
  readonly currentSizeBytes?: number
  readonly geometry?: readonly [cylinders: number, heads: number, sectors: number]
}

export type DynamicOptions = VhdOptions & {
  /** 512 KiB unless told. */
  readonly blockBytes?: number
  /** Blocks lie in the file in this order of preference; ascending unless told. */
  readonly order?: (blocks: number[]) => number[]
  /** Entries of the table beyond what the disk needs. */
  readonly spareEntries?: number
}

export const sector = 512
export const dynamicHeaderAt = 512
export const dynamicTableAt = 1536

export function vhdFixed(disk: Uint8Array, options: VhdOptions = {}): Buffer {
  return Buffer.concat([disk, footerOf(disk.length, { diskType: 2, ...options }, undefined)])
}

/** Only blocks with a byte that is not zero get a place, and only such sectors a bit. */
export function vhdDynamic(disk: Uint8Array, options: DynamicOptions = {}): Buffer {
  const blockBytes = options.blockBytes ?? 512 * 1024
  const entries = Math.ceil(disk.length / blockBytes)
  const table = Buffer.alloc(roundUp((entries + (options.spareEntries ?? 0)) * 4), 0xff)
  const footer = footerOf(disk.length, { diskType: 3, ...options }, dynamicHeaderAt)
  const used = Array.from({ length: entries }, (_, index) => index).filter((index) =>
    hasData(disk.subarray(index * blockBytes, (index + 1) * blockBytes)),
  )
  const blocks: Buffer[] = []
  let atBytes = dynamicTableAt + table.length
  for (const index of options.order?.(used) ?? used) {
    const block = blockOf(disk.subarray(index * blockBytes, (index + 1) * blockBytes), blockBytes)
    table.writeUInt32BE(atBytes / sector, index * 4)
    blocks.push(block)
    atBytes += block.length
  }
  const header = headerOf(blockBytes, entries + (options.spareEntries ?? 0))
  return Buffer.concat([footer, header, table, ...blocks, footer])
}

/** Writes the right checksums over a fixed or dynamic file whose fields were changed; answers it. */
export function resealed(file: Buffer): Buffer {
  seal(file.subarray(file.length - sector), 64)
  if (file.toString('latin1', 0, 8) !== 'conectix') return file
  seal(file.subarray(0, sector), 64)
  seal(file.subarray(dynamicHeaderAt, dynamicTableAt), 36)
  return file
}

function footerOf(diskBytes: number, options: VhdOptions, headerAt: number | undefined): Buffer {
  const footer = Buffer.alloc(sector)
  footer.write('conectix', 0, 'latin1')
  footer.writeUInt32BE(2, 8)
  footer.writeUInt32BE(0x10000, 12)
  footer.writeBigUInt64BE(BigInt(headerAt ?? '0xffffffffffffffff'), 16)
  footer.writeUInt32BE(700_000_000, 24)
  footer.write(options.creator ?? 'win ', 28, 'latin1')
  footer.writeUInt32BE(0x60001, 32)
  footer.write('Wi2k', 36, 'latin1')
  footer.writeBigUInt64BE(BigInt(diskBytes), 40)
  footer.writeBigUInt64BE(BigInt(options.currentSizeBytes ?? diskBytes), 48)
  const [cylinders, heads, sectors] = options.geometry ?? [Math.floor(diskBytes / 34816), 4, 17]
  footer.writeUInt16BE(cylinders, 56)
  footer.writeUInt8(heads, 58)
  footer.writeUInt8(sectors, 59)
  footer.writeUInt32BE(options.diskType ?? 2, 60)
  footer.write('00112233445566778899aabbccddeeff', 68, 'hex')
  return seal(footer, 64)
}

function headerOf(blockBytes: number, entries: number): Buffer {
  const header = Buffer.alloc(1024)
  header.write('cxsparse', 0, 'latin1')
  header.writeBigUInt64BE(0xffffffffffffffffn, 8)
  header.writeBigUInt64BE(BigInt(dynamicTableAt), 16)
  header.writeUInt32BE(0x10000, 24)
  header.writeUInt32BE(entries, 28)
  header.writeUInt32BE(blockBytes, 32)
  return seal(header, 36)
}

function blockOf(data: Uint8Array, blockBytes: number): Buffer {
  const bitmap = Buffer.alloc(roundUp(blockBytes / sector / 8))
  // What a clear bit covers is not zero here, so that a reader which ignores the bitmap is found out.
  const block = Buffer.alloc(blockBytes, 0xee)
  for (let at = 0; at * sector < data.length; at++) {
    const bytes = data.subarray(at * sector, (at + 1) * sector)
    if (!hasData(bytes)) continue
    bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (0x80 >> (at & 7))
    block.set(bytes, at * sector)
  }
  return Buffer.concat([bitmap, block])
}

function seal(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt32BE(0, at)
  let sum = 0
  for (const byte of bytes) sum += byte
  bytes.writeUInt32BE(~sum >>> 0, at)
  return bytes
}

function hasData(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte !== 0)
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / sector) * sector
}
