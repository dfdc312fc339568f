import type { ByteRange } from '../domain/byte-range.ts'
import { ArmError } from '../domain/errors.ts'
import { limits, sizes } from '../domain/limits.ts'
import type { ByteReader } from './disk-file.ts'
import { endOf, isPowerOfTwo, latin1, sectorBytes, u64le, viewOf } from './fields.ts'
import { guids, hexOf, vhdx, vhdxUnsound } from './vhdx-layout.ts'

export type VhdxDisk = {
  readonly virtualSizeBytes: number
  readonly blockBytes: number
  readonly logicalSectorBytes: number
}

/** The region holds a table and small items; more than this is not asked for. */
const itemBytesMax = 64
const regionBytesMax = 64 * sizes.mib
const hasParentBit = 2

/** What the metadata region says of the disk. Throws InvalidDisk. */
export async function readVhdxMetadata(
  reader: ByteReader,
  region: ByteRange,
  signal: AbortSignal,
): Promise<VhdxDisk> {
  const { tableBytes } = vhdx.metadata
  if (region.lengthBytes < tableBytes || region.lengthBytes > regionBytesMax) {
    throw vhdxUnsound(`its metadata region has ${region.lengthBytes} bytes`)
  }
  const table = await reader.read({ ...region, lengthBytes: tableBytes }, signal)
  const places = itemsOf(table, region)

  async function item(id: string, name: string, lengthBytes: number): Promise<DataView> {
    const place = places.get(id)
    if (!place || place.lengthBytes < lengthBytes) throw vhdxUnsound(`its metadata has no ${name}`)
    return viewOf(await reader.read({ ...place, lengthBytes }, signal))
  }

  const parameters = await item(guids.fileParameters, 'file parameters', 8)
  if ((parameters.getUint32(4, true) & hasParentBit) !== 0 || places.has(guids.parentLocator)) {
    throw new ArmError(
      'InvalidDisk',
      'This is a differencing VHDX: it holds only what differs from its parent. Merge it into the parent first (Hyper-V: Merge-VHD) and upload the result.',
    )
  }
  const size = await item(guids.virtualDiskSize, 'disk size', 8)
  const logical = await item(guids.logicalSectorSize, 'logical sector size', 4)
  return judged({
    blockBytes: parameters.getUint32(0, true),
    virtualSizeBytes: u64le(size, 0),
    logicalSectorBytes: logical.getUint32(0, true),
  })
}

function judged(disk: VhdxDisk): VhdxDisk {
  const { blockBytes, virtualSizeBytes, logicalSectorBytes } = disk
  const { blockBytesMin, blockBytesMax } = vhdx
  if (!isPowerOfTwo(blockBytes) || blockBytes < blockBytesMin || blockBytes > blockBytesMax) {
    throw vhdxUnsound(
      `its block size of ${blockBytes} bytes is no power of two from 1 MiB to 256 MiB`,
    )
  }
  if (logicalSectorBytes !== sectorBytes && logicalSectorBytes !== 4096) {
    throw vhdxUnsound(`its sectors of ${logicalSectorBytes} bytes are neither 512 nor 4096`)
  }
  if (virtualSizeBytes === 0 || virtualSizeBytes % logicalSectorBytes !== 0) {
    throw vhdxUnsound(`its disk size of ${virtualSizeBytes} bytes is not whole sectors`)
  }
  if (virtualSizeBytes > limits.virtualBytesMax) {
    throw vhdxUnsound(
      `its disk size of ${virtualSizeBytes} bytes is over 64 TiB, which is what a VHDX spans`,
    )
  }
  return disk
}

/** Where each system item lies in the file. An item that is required and not known must not be passed over. */
function itemsOf(table: Uint8Array, region: ByteRange): Map<string, ByteRange> {
  const { signature, entryCount, entriesMax, entriesAt, entryBytes, at } = vhdx.metadata
  if (latin1(table, 0, 8) !== signature) throw vhdxUnsound('no metadata stands in its place')
  const view = viewOf(table)
  const count = view.getUint16(entryCount, true)
  if (count > entriesMax) throw vhdxUnsound(`its metadata has ${count} items`)
  const known: ReadonlySet<string> = new Set(Object.values(guids))
  const places = new Map<string, ByteRange>()
  for (let index = 0; index < count; index++) {
    const entry = entriesAt + index * entryBytes
    const id = hexOf(table, entry + at.itemId, 16)
    if (!known.has(id)) {
      if ((view.getUint32(entry + at.flags, true) & vhdx.metadata.isRequired) === 0) continue
      throw vhdxUnsound('it needs something of its reader that no version defines')
    }
    if (places.has(id)) throw vhdxUnsound('an item of its metadata is there twice')
    const offset = view.getUint32(entry + at.offset, true)
    const lengthBytes = Math.min(view.getUint32(entry + at.length, true), itemBytesMax)
    const place = { offsetBytes: region.offsetBytes + offset, lengthBytes }
    if (offset < vhdx.metadata.tableBytes || endOf(place) > endOf(region)) {
      throw vhdxUnsound('an item of its metadata lies outside of it')
    }
    places.set(id, place)
  }
  return places
}
