import { compressedPlainBytesMax } from '../domain/compressed-run.ts'
import { ArmError } from '../domain/errors.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { ByteReader } from './disk-file.ts'
import { latin1, sectorBytes, u64be, viewOf } from './fields.ts'

/**
 * The header of a QCOW2, big-endian, from qemu's docs/interop/qcow2.txt: name and offset of each field that is read.
 * Version 2 ends before `incompatibleFeatures`.
 */
const at = {
  version: 4,
  backingFileOffset: 8,
  backingFileSize: 16,
  clusterBits: 20,
  size: 24,
  cryptMethod: 32,
  l1Size: 36,
  l1TableOffset: 40,
  incompatibleFeatures: 72,
  headerLength: 100,
  compressionType: 104,
} as const

export const qcow2Magic = 'QFI\xfb'
const headerBytesMax = 112
const version3BytesMin = 104

/** Incompatible features; who does not know one must not read on. */
const features = {
  /** Reference counts may be wrong. Which cluster holds what is not, and we read nothing else: such a file is taken. */
  dirty: 1,
  corrupt: 2,
  externalData: 4,
  compressionType: 8,
  extendedL2: 16,
} as const
const featuresKnown = 31

/** qemu's own bounds: clusters of 512 bytes to 2 MiB, an L1 table of at most 32 MiB. */
const clusterBitsMin = 9
const clusterBitsMax = Math.log2(compressedPlainBytesMax)
const extendedClusterBitsMin = 14
const l1BytesMax = 32 * sizes.mib
const backingNameBytesMax = 1023

export type Qcow2Header = {
  readonly version: 2 | 3
  readonly virtualSizeBytes: number
  readonly clusterBits: number
  readonly l1TableBytes: number
  /** Entries of the table that the disk needs; it may be longer. */
  readonly l1Entries: number
  readonly codec: 'deflate' | 'zstd'
  /** L2 entries of 16 bytes, with a bitmap of 32 subclusters. */
  readonly hasExtendedL2: boolean
}

/** Reads and judges the header of a file that carries the magic. Throws InvalidDisk. */
export async function readQcow2Header(
  reader: ByteReader,
  signal: AbortSignal,
): Promise<Qcow2Header> {
  const lengthBytes = Math.min(headerBytesMax, reader.sizeBytes)
  const bytes = new Uint8Array(headerBytesMax)
  bytes.set(await reader.read({ offsetBytes: 0, lengthBytes }, signal))
  const view = viewOf(bytes)
  const version = view.getUint32(at.version)
  if (version !== 2 && version !== 3) {
    throw qcow2Unsound(`its version is ${version}; 2 and 3 are read`)
  }
  const told = version === 3 ? requireFeatures(view) : 0
  if (view.getUint32(at.cryptMethod) !== 0) {
    throw refused(
      'The QCOW2 is encrypted, and its key is not known here. Decrypt it first: qemu-img convert with --object secret and --image-opts.',
    )
  }
  if (u64be(view, at.backingFileOffset) !== 0) throw await hasBackingFile(reader, view, signal)
  return geometryOf(view, { version, told, fileBytes: reader.sizeBytes })
}

/** The incompatible features, each one known and possible. */
function requireFeatures(view: DataView): number {
  if (view.getUint32(at.headerLength) < version3BytesMin) throw qcow2Unsound('its header is short')
  const told = view.getUint32(at.incompatibleFeatures + 4)
  if (view.getUint32(at.incompatibleFeatures) !== 0 || (told & ~featuresKnown) !== 0) {
    throw refused(
      'The QCOW2 uses a feature that is not known here. Convert it first: qemu-img convert -O qcow2 SOURCE plain.qcow2',
    )
  }
  if (told & features.corrupt) {
    throw refused(
      'The QCOW2 is marked as corrupt. Repair it first: qemu-img check -r all FILE, and look at what it says was lost.',
    )
  }
  if (told & features.externalData) {
    throw refused(
      'The QCOW2 keeps its data in another file. Join both first: qemu-img convert -O qcow2 SOURCE whole.qcow2',
    )
  }
  return told
}

function geometryOf(
  view: DataView,
  { version, told, fileBytes }: { version: 2 | 3; told: number; fileBytes: number },
): Qcow2Header {
  const hasExtendedL2 = (told & features.extendedL2) !== 0
  const clusterBits = view.getUint32(at.clusterBits)
  const bitsMin = hasExtendedL2 ? extendedClusterBitsMin : clusterBitsMin
  if (clusterBits < bitsMin || clusterBits > clusterBitsMax) {
    throw qcow2Unsound(`its clusters are of 2^${clusterBits} bytes, not 2^${bitsMin} to 2 MiB`)
  }
  const virtualSizeBytes = u64be(view, at.size)
  if (virtualSizeBytes === 0 || virtualSizeBytes % sectorBytes !== 0) {
    throw qcow2Unsound(`its disk size of ${virtualSizeBytes} bytes is no multiple of 512`)
  }
  if (virtualSizeBytes > limits.virtualBytesMax) {
    throw refused(
      `The QCOW2 holds a disk of ${virtualSizeBytes} bytes; at most ${limits.virtualBytesMax} are read. Shrink it first.`,
    )
  }
  const clusterBytes = 2 ** clusterBits
  const reachBytes = (clusterBytes / (hasExtendedL2 ? 16 : 8)) * clusterBytes
  const l1Entries = Math.ceil(virtualSizeBytes / reachBytes)
  const l1TableBytes = u64be(view, at.l1TableOffset)
  if (l1Entries > view.getUint32(at.l1Size) || l1Entries * 8 > l1BytesMax) {
    throw qcow2Unsound('its L1 table is too short for the disk')
  }
  const isPlaced = l1TableBytes > 0 && l1TableBytes % clusterBytes === 0
  if (!isPlaced || l1TableBytes + l1Entries * 8 > fileBytes) {
    throw qcow2Unsound('its L1 table lies outside the file')
  }
  const codec = codecOf(view, told)
  return { version, virtualSizeBytes, clusterBits, l1TableBytes, l1Entries, codec, hasExtendedL2 }
}

function codecOf(view: DataView, told: number): Qcow2Header['codec'] {
  const hasField = view.getUint32(at.headerLength) > at.compressionType
  const type = told & features.compressionType && hasField ? view.getUint8(at.compressionType) : 0
  if (told & features.compressionType && type !== 1) {
    throw qcow2Unsound(`its compression type is ${type}; zlib (0) and zstd (1) are read`)
  }
  return type === 1 ? 'zstd' : 'deflate'
}

async function hasBackingFile(
  reader: ByteReader,
  view: DataView,
  signal: AbortSignal,
): Promise<ArmError> {
  const offsetBytes = u64be(view, at.backingFileOffset)
  const lengthBytes = view.getUint32(at.backingFileSize)
  const isReadable =
    lengthBytes <= backingNameBytesMax && offsetBytes + lengthBytes <= reader.sizeBytes
  const bytes = isReadable
    ? await reader.read({ offsetBytes, lengthBytes }, signal)
    : new Uint8Array()
  const name = latin1(bytes, 0, bytes.length).replace(/[^\x20-\x7e]/g, '?')
  return refused(
    `The QCOW2 holds only what differs from its backing file '${name}'. Join both first: qemu-img convert -O qcow2 SOURCE whole.qcow2`,
  )
}

export function qcow2Unsound(what: string): ArmError {
  return refused(
    `The QCOW2 is unsound: ${what}. Copy or export the disk again, or mend it: qemu-img check -r all FILE`,
  )
}

function refused(message: string): ArmError {
  return new ArmError('InvalidDisk', message)
}
