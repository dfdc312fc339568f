import { ArmError } from '../domain/errors.ts'
import { sizes } from '../domain/limits.ts'
import { crc32c } from './crc32c.ts'
import { viewOf } from './fields.ts'

/**
 * The parts of a VHDX, little-endian, from Microsoft's [MS-VHDX]. Its first MiB holds the file type identifier, two
 * headers (the one with the higher sequence number counts) and two copies of the region table.
 */
export const vhdx = {
  signature: 'vhdxfile',
  /** Everything but the five parts of the first MiB lies on, and is, whole MiB. */
  alignmentBytes: sizes.mib,
  header: {
    signature: 'head',
    places: [64 * sizes.kib, 128 * sizes.kib],
    lengthBytes: 4 * sizes.kib,
    at: {
      checksum: 4,
      sequenceNumber: 8,
      fileWriteGuid: 16,
      dataWriteGuid: 32,
      logGuid: 48,
      logVersion: 64,
      version: 66,
      logLength: 68,
      logOffset: 72,
    },
  },
  regionTable: {
    signature: 'regi',
    places: [192 * sizes.kib, 256 * sizes.kib],
    lengthBytes: 64 * sizes.kib,
    entryCount: 8,
    entriesAt: 16,
    entryBytes: 32,
    entriesMax: 2047,
    /** Within an entry. */
    at: { guid: 0, fileOffset: 16, length: 24, isRequired: 28 },
  },
  metadata: {
    signature: 'metadata',
    entryCount: 10,
    tableBytes: 64 * sizes.kib,
    entriesAt: 32,
    entryBytes: 32,
    entriesMax: 2047,
    at: { itemId: 0, offset: 16, length: 20, flags: 24 },
    isVirtualDisk: 2,
    isRequired: 4,
  },
  /** Entries of the block allocation table: a state in bits 0 to 2, whole MiB in bits 20 to 63. */
  bat: { entryBytes: 8, notPresent: 0, undefined: 1, zero: 2, unmapped: 3, fullyPresent: 6 },
  /** After so many bytes of the disk, divided by the block size, the table has an entry for a sector bitmap. */
  chunkSectors: 2 ** 23,
  blockBytesMin: sizes.mib,
  blockBytesMax: 256 * sizes.mib,
} as const

/** As they lie in the file: the first three groups with their lowest byte first. */
export const guids = {
  bat: guid('2DC27766-F623-4200-9D64-115E9BFD4A08'),
  metadata: guid('8B7CA206-4790-4B9A-B8FE-575F050F886E'),
  fileParameters: guid('CAA16737-FA36-4D43-B3B6-33F0AA44E76B'),
  virtualDiskSize: guid('2FA54224-CD1B-4876-B211-5DBED83BF4B8'),
  virtualDiskId: guid('BECA12AB-B2E6-4523-93EF-C309E000C746'),
  logicalSectorSize: guid('8141BF1D-A96F-4709-BA47-F233A8FAAB5F'),
  physicalSectorSize: guid('CDA348C7-445D-4471-9CC9-E9885251C556'),
  parentLocator: guid('A8D35F2D-B30B-454D-ABF7-D3D84834AB0C'),
} as const

/** The bytes of a GUID as hex. */
function guid(text: string): string {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes.toString('hex')
}

export function hexOf(bytes: Uint8Array, from: number, lengthBytes: number): string {
  return Buffer.from(bytes.subarray(from, from + lengthBytes)).toString('hex')
}

/** The checksum of a header or a region table: over all of it, with zeros where it stands itself. */
export function vhdxChecksum(part: Uint8Array): number {
  const copy = Uint8Array.from(part)
  viewOf(copy).setUint32(vhdx.header.at.checksum, 0)
  return crc32c(copy)
}

/** Entries of the block allocation table: the disk's blocks and, between them, those of the sector bitmaps. */
export function batLayout(disk: {
  readonly virtualSizeBytes: number
  readonly blockBytes: number
  readonly logicalSectorBytes: number
}): { blocks: number; chunkRatio: number; entries: number } {
  const chunkRatio = (vhdx.chunkSectors * disk.logicalSectorBytes) / disk.blockBytes
  const blocks = Math.ceil(disk.virtualSizeBytes / disk.blockBytes)
  return { blocks, chunkRatio, entries: blocks + Math.floor((blocks - 1) / chunkRatio) }
}

export function vhdxUnsound(what: string): ArmError {
  return new ArmError('InvalidDisk', `The VHDX is unsound: ${what}. Copy or export the disk again.`)
}
