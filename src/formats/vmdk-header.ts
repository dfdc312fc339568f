import { compressedPlainBytesMax } from '../domain/compressed-run.ts'
import { ArmError } from '../domain/errors.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { ByteReader } from './disk-file.ts'
import { isPowerOfTwo, latin1, sectorBytes, u64le, viewOf } from './fields.ts'
import { onePart, requireWholeDisk } from './vmdk-descriptor.ts'

/**
 * The header of a sparse VMDK extent, little-endian, from VMware's "Virtual Disk Format 5.0": name and offset of each
 * field that is read. Sizes and places are in sectors.
 */
const at = {
  version: 4,
  flags: 8,
  capacity: 12,
  grainSize: 20,
  descriptorOffset: 28,
  descriptorSize: 36,
  numGTEsPerGT: 44,
  gdOffset: 56,
  uncleanShutdown: 72,
  newLines: 73,
  compressAlgorithm: 77,
} as const

export const vmdkMagic = 'KDMV'
const flags = { hasNewLines: 1, hasZeroGrains: 4, isCompressed: 0x1_0000, hasMarkers: 0x2_0000 }
/** A transfer as text would have changed one of them. */
const newLines = '\n \r\n'
const deflateAlgorithm = 1
/** In place of a directory: it comes with the footer, a copy of the header in the last sector but one. */
const directoryAtEnd = 0xffff_ffff_ffff_ffffn
const footerFromEndBytes = 2 * sectorBytes

/** VMware asks for more than 4 KiB and nobody writes less; compressed ones are unpacked whole. */
const grainBytesMin = 4 * sizes.kib
export const grainTableEntries = 512
/** Of a disk of 32 TiB in grains of 64 KiB: 4 MiB of directory. */
const directoryEntriesMax = 2 ** 20
const descriptorBytesMax = 128 * sizes.kib

export type VmdkHeader = {
  readonly virtualSizeBytes: number
  readonly grainBytes: number
  readonly directoryBytes: number
  readonly directoryEntries: number
  readonly isCompressed: boolean
  /** An entry of 1 means zeros, not sector 1. */
  readonly hasZeroGrains: boolean
}

/** Reads and judges header, footer and descriptor of a file that carries the magic. Throws InvalidDisk. */
export async function readVmdkHeader(reader: ByteReader, signal: AbortSignal): Promise<VmdkHeader> {
  const first = await sectorAt(reader, 0, signal)
  const view = requireHeader(first)
  await requireDescriptor(reader, view, signal)
  if (view.getBigUint64(at.gdOffset, true) !== directoryAtEnd) {
    return geometryOf(view, reader.sizeBytes)
  }
  const footerBytes = reader.sizeBytes - footerFromEndBytes
  const footer = footerBytes > 0 ? await sectorAt(reader, footerBytes, signal) : first
  if (footer === first || latin1(footer, 0, 4) !== vmdkMagic) {
    throw vmdkUnsound('its footer is not at its end: it was truncated')
  }
  const last = geometryOf(requireHeader(footer), reader.sizeBytes)
  if (u64le(view, at.capacity) * sectorBytes !== last.virtualSizeBytes) {
    throw vmdkUnsound('its header and its footer disagree')
  }
  return last
}

async function sectorAt(
  reader: ByteReader,
  offsetBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (offsetBytes + sectorBytes > reader.sizeBytes) throw vmdkUnsound('it ends in its header')
  return await reader.read({ offsetBytes, lengthBytes: sectorBytes }, signal)
}

function requireHeader(sector: Uint8Array): DataView {
  const view = viewOf(sector)
  const version = view.getUint32(at.version, true)
  if (version < 1 || version > 3) {
    throw vmdkUnsound(`its version is ${version}; 1, 2 and 3 are read`)
  }
  const told = view.getUint32(at.flags, true)
  if (told & flags.hasNewLines && latin1(sector, at.newLines, at.newLines + 4) !== newLines) {
    throw vmdkUnsound('it was damaged by a transfer as text')
  }
  if (view.getUint8(at.uncleanShutdown) !== 0) {
    throw new ArmError(
      'InvalidDisk',
      'The VMDK was not closed: its machine runs, or stopped hard. Shut the machine down, or mend the disk: vmware-vdiskmanager -R FILE',
    )
  }
  const algorithm = view.getUint16(at.compressAlgorithm, true)
  const isCompressed = (told & flags.isCompressed) !== 0
  if (isCompressed && (algorithm !== deflateAlgorithm || (told & flags.hasMarkers) === 0)) {
    throw vmdkUnsound('it is compressed in a way that no version defines')
  }
  return view
}

/** The descriptor inside says whether this file is the whole disk. */
async function requireDescriptor(
  reader: ByteReader,
  view: DataView,
  signal: AbortSignal,
): Promise<void> {
  const offsetBytes = u64le(view, at.descriptorOffset) * sectorBytes
  const lengthBytes = u64le(view, at.descriptorSize) * sectorBytes
  if (offsetBytes === 0 || lengthBytes === 0) throw onePart()
  if (lengthBytes > descriptorBytesMax || offsetBytes + lengthBytes > reader.sizeBytes) {
    throw vmdkUnsound('its descriptor lies outside the file')
  }
  requireWholeDisk(await reader.read({ offsetBytes, lengthBytes }, signal))
}

function geometryOf(view: DataView, fileBytes: number): VmdkHeader {
  const told = view.getUint32(at.flags, true)
  const grainBytes = u64le(view, at.grainSize) * sectorBytes
  if (!isPowerOfTwo(grainBytes) || grainBytes < grainBytesMin) {
    throw vmdkUnsound(`its grains of ${grainBytes} bytes are no power of two of 4 KiB or more`)
  }
  if (grainBytes > compressedPlainBytesMax) {
    throw vmdkUnsound(`its grains of ${grainBytes} bytes are larger than 2 MiB`)
  }
  if (view.getUint32(at.numGTEsPerGT, true) !== grainTableEntries) {
    throw vmdkUnsound('its grain tables have not 512 entries')
  }
  const virtualSizeBytes = u64le(view, at.capacity) * sectorBytes
  const directoryEntries = Math.ceil(virtualSizeBytes / grainBytes / grainTableEntries)
  const isTooLarge =
    virtualSizeBytes > limits.virtualBytesMax || directoryEntries > directoryEntriesMax
  if (virtualSizeBytes === 0 || isTooLarge) {
    throw vmdkUnsound(`its disk size of ${virtualSizeBytes} bytes is none that is read`)
  }
  const directoryBytes = u64le(view, at.gdOffset) * sectorBytes
  if (directoryBytes === 0 || directoryBytes + directoryEntries * 4 > fileBytes) {
    throw vmdkUnsound('its grain directory lies outside the file')
  }
  return {
    virtualSizeBytes,
    grainBytes,
    directoryBytes,
    directoryEntries,
    isCompressed: (told & flags.isCompressed) !== 0,
    hasZeroGrains: (told & flags.hasZeroGrains) !== 0,
  }
}

export function vmdkUnsound(what: string): ArmError {
  return new ArmError('InvalidDisk', `The VMDK is unsound: ${what}. Copy or export the disk again.`)
}
