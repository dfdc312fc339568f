import { invariant } from '../base/assert.ts'
import { ArmError } from '../domain/errors.ts'
import { sizes } from '../domain/limits.ts'
import { latin1, sectorBytes, viewOf } from './fields.ts'

/**
 * The last 512 bytes of every VHD, big-endian, from Microsoft's "Virtual Hard Disk Image Format Specification" 1.0:
 * cookie 0, features 8, version 12, data offset 16, time stamp 24, creator 28, creator version 32, creator's system 36,
 * original size 40, current size 48, geometry 56, type 60, checksum 64, id 68, saved state 84, zeros to the end.
 */
export type VhdFooter = {
  /** 2 fixed, 3 dynamic, 4 differencing; others were never used. */
  readonly diskType: number
  /** Where the dynamic header lies. */
  readonly headerBytes: number
  readonly currentSizeBytes: number
  readonly virtualSizeBytes: number
  /** The 16 bytes that name this disk, as hex. */
  readonly idHex: string
}

/** What a VHD may span: the specification's own bound, held by Azure and qemu alike. */
export const vhdBytesMax = 2040 * sizes.gib

type Geometry = { readonly cylinders: number; readonly heads: number; readonly sectors: number }

const cookie = 'conectix'
const version = 0x0001_0000
const checksumAt = 64
const geometryMax = 65535 * 16 * 255

export function hasVhdCookie(sector: Uint8Array): boolean {
  return latin1(sector, 0, 8) === cookie
}

/** True for the footer of a fixed VHD, whole and of exactly this length. */
export function endsFixedVhd(sector: Uint8Array, fileBytes: number): boolean {
  const view = viewOf(sector)
  return (
    hasVhdCookie(sector) &&
    view.getUint32(60) === 2 &&
    view.getBigUint64(48) === BigInt(fileBytes - sectorBytes) &&
    view.getUint32(checksumAt) === vhdChecksum(sector, checksumAt)
  )
}

/** Reads a footer that carries the cookie. Throws InvalidDisk naming the field that is not as it must be. */
export function parseVhdFooter(sector: Uint8Array): VhdFooter {
  const view = viewOf(sector)
  invariant(view.byteLength === sectorBytes && hasVhdCookie(sector), 'a VHD footer was recognised')
  requireChecksum(sector, checksumAt, 'footer')
  if ((view.getUint32(8) & ~3) !== 0) throw damaged('has feature bits that no version defines')
  if (view.getUint32(12) !== version) throw damaged('is not of version 1.0')
  const currentSizeBytes = Number(view.getBigUint64(48))
  if (currentSizeBytes === 0 || currentSizeBytes % sectorBytes !== 0) {
    throw damaged(
      `gives a disk size of ${currentSizeBytes} bytes, not a multiple of ${sectorBytes}`,
    )
  }
  if (currentSizeBytes > vhdBytesMax) {
    throw damaged(`gives a disk size of ${currentSizeBytes} bytes; a VHD spans at most 2040 GiB`)
  }
  return {
    diskType: view.getUint32(60),
    headerBytes: Number(view.getBigUint64(16)),
    currentSizeBytes,
    virtualSizeBytes: virtualSizeOf(view, currentSizeBytes),
    idHex: Buffer.from(sector.subarray(68, 84)).toString('hex'),
  }
}

type FooterOf = {
  readonly virtualSizeBytes: number
  /** A UUID or 32 hex digits. */
  readonly id: string
}

/**
 * The footer that makes raw bytes, followed by it, a fixed VHD. The same disk gets the same bytes: the time stamp stays at
 * its epoch, 2000-01-01.
 * Throws InvalidDisk for a disk that is larger than a VHD may be.
 */
export function fixedVhdFooter(disk: FooterOf): Uint8Array {
  return footerOf(disk, { diskType: 2, headerBytes: 0xffff_ffff_ffff_ffffn })
}

/** The footer, and its copy at the beginning, of a dynamic VHD whose header lies at `headerBytes`. Throws as the other. */
export function dynamicVhdFooter(disk: FooterOf & { readonly headerBytes: number }): Uint8Array {
  return footerOf(disk, { diskType: 3, headerBytes: BigInt(disk.headerBytes) })
}

function footerOf(
  disk: FooterOf,
  { diskType, headerBytes }: { readonly diskType: number; readonly headerBytes: bigint },
): Uint8Array {
  const { virtualSizeBytes } = disk
  const idHex = disk.id.replaceAll('-', '')
  invariant(/^[0-9a-f]{32}$/i.test(idHex), 'a VHD is named by 16 bytes')
  invariant(virtualSizeBytes > 0 && virtualSizeBytes % sectorBytes === 0, 'a disk is whole sectors')
  if (virtualSizeBytes > vhdBytesMax) {
    throw new ArmError('InvalidDisk', 'A VHD spans at most 2040 GiB; download this disk as raw.')
  }
  const footer = Buffer.alloc(sectorBytes)
  footer.write(cookie, 0, 'latin1')
  footer.writeUInt32BE(2, 8)
  footer.writeUInt32BE(version, 12)
  footer.writeBigUInt64BE(headerBytes, 16)
  // Hyper-V's mark: every reader, also old qemu, takes the current size of such a disk and not its geometry.
  footer.write('win ', 28, 'latin1')
  footer.writeUInt32BE(0x000a_0000, 32)
  footer.write('Wi2k', 36, 'latin1')
  footer.writeBigUInt64BE(BigInt(virtualSizeBytes), 40)
  footer.writeBigUInt64BE(BigInt(virtualSizeBytes), 48)
  const { cylinders, heads, sectors } = vhdGeometry(virtualSizeBytes / sectorBytes)
  footer.writeUInt16BE(cylinders, 56)
  footer.writeUInt8(heads, 58)
  footer.writeUInt8(sectors, 59)
  footer.writeUInt32BE(diskType, 60)
  footer.write(idHex, 68, 'hex')
  footer.writeUInt32BE(vhdChecksum(footer, checksumAt), checksumAt)
  return footer
}

/** Throws InvalidDisk unless the one's complement of the sum of all bytes but the checksum's own stands there. */
export function requireChecksum(bytes: Uint8Array, at: number, what: 'footer' | 'header'): void {
  if (viewOf(bytes).getUint32(at) === vhdChecksum(bytes, at)) return
  throw new ArmError(
    'InvalidDisk',
    `The checksum of the VHD ${what} is wrong: the file was damaged. Copy or export the disk again.`,
  )
}

export function vhdChecksum(bytes: Uint8Array, at: number): number {
  const own = bytes.subarray(at, at + 4).reduce((sum, byte) => sum + byte, 0)
  return ~(bytes.reduce((sum, byte) => sum + byte, 0) - own) >>> 0
}

/**
 * Virtual PC and old qemu show a disk of cylinders × heads × sectors and leave a larger size in the footer; all others
 * mean the size. We decide as qemu does (block/vpc.c, `vpc_ignore_current_size`), so that a machine sees here what it saw
 * there: the geometry for those two creators, unless it is at its maximum, where it says nothing. A geometry of nothing,
 * or beyond the current size, says nothing either.
 */
function virtualSizeOf(view: DataView, currentSizeBytes: number): number {
  const creator = latin1(new Uint8Array(view.buffer, view.byteOffset, sectorBytes), 28, 32)
  if (creator !== 'vpc ' && creator !== 'qemu') return currentSizeBytes
  const sectors = view.getUint16(56) * view.getUint8(58) * view.getUint8(59)
  const sizeBytes = sectors * sectorBytes
  const tells = sectors > 0 && sectors !== geometryMax && sizeBytes <= currentSizeBytes
  return tells ? sizeBytes : currentSizeBytes
}

/** The specification's appendix "CHS Calculation"; it rounds down, hence the current size counts. */
function vhdGeometry(diskSectors: number): Geometry {
  const total = Math.min(diskSectors, geometryMax)
  const shape = (heads: number, sectors: number): Geometry => {
    const cylinders = Math.floor(Math.floor(total / sectors) / heads)
    return { cylinders, heads, sectors }
  }
  if (total >= 65535 * 16 * 63) return shape(16, 255)
  const tracks = Math.floor(total / 17)
  const heads = Math.max(4, Math.floor((tracks + 1023) / 1024))
  if (heads <= 16 && tracks < heads * 1024) return shape(heads, 17)
  return Math.floor(total / 31) < 16 * 1024 ? shape(16, 31) : shape(16, 63)
}

function damaged(what: string): ArmError {
  return new ArmError('InvalidDisk', `The VHD footer ${what}. Copy or export the disk again.`)
}
