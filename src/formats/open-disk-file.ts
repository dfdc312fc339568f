import { ArmError } from '../domain/errors.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { ByteReader, DiskExtent, DiskFile } from './disk-file.ts'
import { latin1, sectorBytes } from './fields.ts'
import { openQcow2 } from './qcow2.ts'
import { qcow2Magic } from './qcow2-header.ts'
import { openDynamicVhd } from './vhd-dynamic.ts'
import { endsFixedVhd, hasVhdCookie, parseVhdFooter, type VhdFooter } from './vhd-footer.ts'
import { openVhdx } from './vhdx.ts'
import { vhdx } from './vhdx-layout.ts'
import { openVmdk } from './vmdk.ts'
import { vmdkMagic } from './vmdk-header.ts'

/** Formats that are known by their first bytes, and how they are opened. */
const known = [
  { magic: qcow2Magic, open: openQcow2 },
  { magic: vhdx.signature, open: openVhdx },
  { magic: vmdkMagic, open: openVmdk },
]

/** VMDKs that are not one file, or not of this kind. */
const foreign = [
  { magic: 'COWD', what: 'is of a host, and part of a disk of several files' },
  {
    magic: '# Disk DescriptorFile',
    what: 'is a description only: the bytes lie in the files that it names',
  },
]

/**
 * Recognises a disk file by its bytes and checks it: QCOW2, VHDX, VMDK, VHD (fixed, dynamic), else raw.
 * Throws InvalidDisk for a kind that is not read, a damaged or truncated file, a size that no disk has.
 */
export async function openDiskFile(reader: ByteReader, signal: AbortSignal): Promise<DiskFile> {
  const { sizeBytes } = reader
  if (sizeBytes === 0) throw refused('The file is empty. Upload the bytes of a disk.')
  const headBytes = Math.min(sizeBytes, sectorBytes)
  const head = await reader.read({ offsetBytes: 0, lengthBytes: headBytes }, signal)
  const begins = ({ magic }: { magic: string }) => latin1(head, 0, magic.length) === magic
  const tail =
    sizeBytes < sectorBytes
      ? new Uint8Array(sectorBytes)
      : await reader.read(
          { offsetBytes: sizeBytes - sectorBytes, lengthBytes: sectorBytes },
          signal,
        )
  // A disk that itself begins like a disk file: of a footer that fits to the byte there is no second reading.
  if (endsFixedVhd(tail, sizeBytes)) return openFixedVhd(reader, parseVhdFooter(tail))
  const format = known.find(begins)
  if (format) return await format.open(reader, signal)
  const part = foreign.find(begins)
  if (part) throw notWhole(part.what)
  if (hasVhdCookie(tail)) return openVhd(reader, parseVhdFooter(tail), signal)
  if (hasVhdCookie(head)) {
    throw refused(
      'The VHD is truncated: it begins as a VHD, but its footer is not at the end. Copy or export the disk again.',
    )
  }
  return openRaw(reader)
}

/** Any file as it is, whatever it begins with: its bytes, and zeros up to a whole sector. Throws InvalidDisk. */
export function openPackage(reader: ByteReader): DiskFile {
  const { sizeBytes } = reader
  if (sizeBytes === 0) throw refused('The file is empty.')
  if (sizeBytes > limits.virtualBytesMax)
    throw refused(`The file has ${sizeBytes} bytes, which is too large.`)
  const wholeBytes = Math.ceil(sizeBytes / sectorBytes) * sectorBytes
  return { ...flatDisk(reader, 'raw', sizeBytes), virtualSizeBytes: wholeBytes }
}

function openVhd(
  reader: ByteReader,
  footer: VhdFooter,
  signal: AbortSignal,
): DiskFile | Promise<DiskFile> {
  switch (footer.diskType) {
    case 2:
      return openFixedVhd(reader, footer)
    case 3:
      return openDynamicVhd(reader, footer, signal)
    case 4:
      throw refused(
        'This is a differencing VHD: it holds only what differs from its parent. Merge it into the parent first (Hyper-V: Merge-VHD; VirtualBox: clonemedium) and upload the result.',
      )
    default:
      throw refused(
        `The VHD is of type ${footer.diskType}; fixed (2) and dynamic (3) are read. Convert it with: qemu-img convert -O raw SOURCE disk.raw`,
      )
  }
}

function openFixedVhd(reader: ByteReader, footer: VhdFooter): DiskFile {
  const wantedBytes = footer.currentSizeBytes + sectorBytes
  if (reader.sizeBytes !== wantedBytes) {
    throw refused(
      `The fixed VHD must be ${wantedBytes} bytes long by its footer, but is ${reader.sizeBytes}: it was truncated or joined. Copy or export the disk again.`,
    )
  }
  return flatDisk(reader, 'vhd-fixed', footer.virtualSizeBytes)
}

function openRaw(reader: ByteReader): DiskFile {
  const { sizeBytes } = reader
  const overBytes = sizeBytes % sectorBytes
  if (overBytes !== 0) {
    throw refused(
      `The file is ${sizeBytes} bytes long; a raw disk is a multiple of ${sectorBytes}. Pad it with zeros: truncate -s ${sizeBytes - overBytes + sectorBytes} FILE`,
    )
  }
  if (sizeBytes > sizes.mib && sizeBytes % sizes.mib === sectorBytes) {
    throw refused(
      `The file has the length of a fixed VHD, ${Math.floor(sizeBytes / sizes.mib)} MiB and a footer, but the footer is missing or damaged. Copy or export the disk again; if it is a raw disk, pad it to whole MiB.`,
    )
  }
  if (sizeBytes > limits.virtualBytesMax) {
    throw refused(
      `The disk is ${sizeBytes} bytes large; at most ${limits.virtualBytesMax} are read. Shrink it first.`,
    )
  }
  return flatDisk(reader, 'raw', sizeBytes)
}

/** A disk whose bytes lie in the file as they are, from its beginning. */
function flatDisk(
  reader: ByteReader,
  format: DiskFile['format'],
  virtualSizeBytes: number,
): DiskFile {
  async function* extents(signal: AbortSignal): AsyncGenerator<DiskExtent> {
    if (!reader.dataRanges) {
      yield { offsetBytes: 0, lengthBytes: virtualSizeBytes, fileBytes: 0 }
      return
    }
    for await (const { offsetBytes, lengthBytes } of reader.dataRanges(signal)) {
      if (offsetBytes >= virtualSizeBytes) return
      const clippedBytes = Math.min(lengthBytes, virtualSizeBytes - offsetBytes)
      yield { offsetBytes, lengthBytes: clippedBytes, fileBytes: offsetBytes }
    }
  }
  return { format, virtualSizeBytes, extents }
}

function notWhole(what: string): ArmError {
  return refused(
    `This VMDK ${what}. Join them first: qemu-img convert -O qcow2 DESCRIPTOR.vmdk disk.qcow2`,
  )
}

function refused(message: string): ArmError {
  return new ArmError('InvalidDisk', message)
}
