import type { FileHandle } from 'node:fs/promises'
import { fileFault, openForReading, readPadded } from '../../client/local-file.ts'
import { type Digest, openDigest } from '../../domain/digest.ts'

const sectorBytes = 512
const unallocated = 0xffff_ffff
const entriesMax = 4_194_304
const blockBytesMax = 256 * 1024 * 1024
const fullGeometry = 65_535 * 16 * 255

/** Bytes of the disk as a machine sees it, by a VHD's footer: old qemu and Virtual PC tell it by the geometry. */
export function vhdSizeBytes(footer: Buffer): number {
  const currentBytes = Number(footer.readBigUInt64BE(48))
  if (!['vpc ', 'qemu'].includes(footer.toString('latin1', 28, 32))) return currentBytes
  const sectors = footer.readUInt16BE(56) * footer.readUInt8(58) * footer.readUInt8(59)
  const tells = sectors > 0 && sectors !== fullGeometry && sectors * sectorBytes <= currentBytes
  return tells ? sectors * sectorBytes : currentBytes
}

/** The SHA-256 of the disk inside a dynamic VHD, read here and not by the server: what is to come out. Throws ClientError. */
export async function digestDynamicVhd(path: string, signal: AbortSignal): Promise<Digest> {
  await using file = await openForReading(path)
  const { size } = await file.stat()
  const footer = await readAt(file, size - sectorBytes, sectorBytes)
  const header = await readAt(file, Number(footer.readBigUInt64BE(16)), 1024)
  const blockBytes = header.readUInt32BE(32)
  const diskBytes = vhdSizeBytes(footer)
  const blocks = Math.ceil(diskBytes / blockBytes)
  if (blockBytes < sectorBytes || blockBytes > blockBytesMax || blocks > entriesMax)
    throw fileFault(path, 'its dynamic header is not sound')
  const table = await readAt(file, Number(header.readBigUInt64BE(16)), blocks * 4)
  const zeros = Buffer.alloc(blockBytes)
  const digest = openDigest()
  for (let block = 0; block < blocks; block++) {
    signal.throwIfAborted()
    const sector = table.readUInt32BE(block * 4)
    const bytes =
      sector === unallocated ? zeros : await readBlock(file, sector * sectorBytes, blockBytes)
    digest.add(bytes.subarray(0, Math.min(blockBytes, diskBytes - block * blockBytes)))
  }
  return digest.end()
}

/** A block follows its bitmap, whose clear bits mean sectors of zeros, whatever lies there. */
async function readBlock(file: FileHandle, at: number, blockBytes: number): Promise<Buffer> {
  const sectors = blockBytes / sectorBytes
  const bitmapBytes = Math.ceil(sectors / 8 / sectorBytes) * sectorBytes
  const bitmap = await readAt(file, at, bitmapBytes)
  const bytes = await readAt(file, at + bitmapBytes, blockBytes)
  for (let sector = 0; sector < sectors; sector++) {
    const isHeld = ((bitmap[sector >> 3] ?? 0) & (0x80 >> (sector & 7))) !== 0
    if (!isHeld) bytes.fill(0, sector * sectorBytes, (sector + 1) * sectorBytes)
  }
  return bytes
}

/** Bytes of a file; those behind its end are zeros. */
export async function readAt(
  file: FileHandle,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(lengthBytes)
  await readPadded(file, offsetBytes, bytes)
  return bytes
}
