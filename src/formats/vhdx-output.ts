import { openBlockMap } from './block-map.ts'
import type { ByteReader } from './disk-file.ts'
import { sectorBytes } from './fields.ts'
import { blocksSection, fixedSection, openSections, tableSection } from './sections.ts'
import { batLayout, guids, vhdx, vhdxChecksum } from './vhdx-layout.ts'

const blockBytes = 2 * vhdx.alignmentBytes
/** The log is empty, but must be there; then the metadata, then the block table. */
const logAt = vhdx.alignmentBytes
const metadataAt = 2 * vhdx.alignmentBytes
const batAt = 3 * vhdx.alignmentBytes
const physicalSectorBytes = 4096

/**
 * A disk as a dynamic VHDX, blocks of 2 MiB, without those that hold no data. `idHex` (32 digits) names its content: the
 * same disk gives the same bytes. Any range can be read, so that a download can go on where it was cut.
 */
export async function vhdxOutput(
  disk: ByteReader,
  idHex: string,
  signal: AbortSignal,
): Promise<ByteReader> {
  const map = await openBlockMap(disk, blockBytes, signal)
  const shape = { virtualSizeBytes: disk.sizeBytes, blockBytes, logicalSectorBytes: sectorBytes }
  const { entries, chunkRatio } = batLayout(shape)
  const { alignmentBytes } = vhdx
  const batBytes = Math.ceil((entries * vhdx.bat.entryBytes) / alignmentBytes) * alignmentBytes
  const dataAt = batAt + batBytes
  const bat = tableSection(batAt, {
    entries,
    entryBytes: vhdx.bat.entryBytes,
    put: (view, to, entry) => {
      if (entry % (chunkRatio + 1) === chunkRatio) return
      const block = entry - Math.floor(entry / (chunkRatio + 1))
      if (!map.has(block)) return
      const placeBytes = dataAt + map.rankOf(block) * blockBytes
      view.setBigUint64(to, BigInt(placeBytes + vhdx.bat.fullyPresent), true)
    },
  })
  return openSections(dataAt + map.used * blockBytes, [
    fixedSection(0, Buffer.from(vhdx.signature, 'latin1')),
    ...vhdx.header.places.map((at, index) => fixedSection(at, headerOf(index + 1, idHex))),
    ...vhdx.regionTable.places.map((at) => fixedSection(at, regionTableOf(batBytes))),
    fixedSection(metadataAt, metadataOf(disk.sizeBytes, idHex)),
    bat,
    blocksSection(dataAt, { disk, map, blockBytes }),
  ])
}

function headerOf(sequenceNumber: number, idHex: string): Uint8Array {
  const { at, lengthBytes, signature } = vhdx.header
  const header = Buffer.alloc(lengthBytes)
  header.write(signature, 0, 'latin1')
  header.writeBigUInt64LE(BigInt(sequenceNumber), at.sequenceNumber)
  header.write(idHex, at.fileWriteGuid, 'hex')
  header.write(idHex, at.dataWriteGuid, 'hex')
  header.writeUInt16LE(1, at.version)
  header.writeUInt32LE(vhdx.alignmentBytes, at.logLength)
  header.writeBigUInt64LE(BigInt(logAt), at.logOffset)
  header.writeUInt32LE(vhdxChecksum(header), at.checksum)
  return header
}

function regionTableOf(batBytes: number): Uint8Array {
  const { at, lengthBytes, signature, entryCount, entriesAt, entryBytes } = vhdx.regionTable
  const regions = [
    { guid: guids.bat, offsetBytes: batAt, regionBytes: batBytes },
    { guid: guids.metadata, offsetBytes: metadataAt, regionBytes: vhdx.alignmentBytes },
  ]
  const table = Buffer.alloc(lengthBytes)
  table.write(signature, 0, 'latin1')
  table.writeUInt32LE(regions.length, entryCount)
  for (const [index, { guid, offsetBytes, regionBytes }] of regions.entries()) {
    const entry = entriesAt + index * entryBytes
    table.write(guid, entry + at.guid, 'hex')
    table.writeBigUInt64LE(BigInt(offsetBytes), entry + at.fileOffset)
    table.writeUInt32LE(regionBytes, entry + at.length)
    table.writeUInt32LE(1, entry + at.isRequired)
  }
  table.writeUInt32LE(vhdxChecksum(table), vhdx.header.at.checksum)
  return table
}

/** Table and items; items follow the table one by one. */
function metadataOf(virtualSizeBytes: number, idHex: string): Uint8Array {
  const { signature, entryCount, tableBytes, entriesAt, entryBytes, at } = vhdx.metadata
  const { isVirtualDisk, isRequired } = vhdx.metadata
  const parameters = Buffer.alloc(8)
  parameters.writeUInt32LE(blockBytes)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(virtualSizeBytes))
  const items = [
    { id: guids.fileParameters, flags: isRequired, bytes: parameters },
    { id: guids.virtualDiskSize, flags: isVirtualDisk | isRequired, bytes: size },
    {
      id: guids.virtualDiskId,
      flags: isVirtualDisk | isRequired,
      bytes: Buffer.from(idHex, 'hex'),
    },
    { id: guids.logicalSectorSize, flags: isVirtualDisk | isRequired, bytes: u32(sectorBytes) },
    {
      id: guids.physicalSectorSize,
      flags: isVirtualDisk | isRequired,
      bytes: u32(physicalSectorBytes),
    },
  ]
  const table = Buffer.alloc(tableBytes)
  table.write(signature, 0, 'latin1')
  table.writeUInt16LE(items.length, entryCount)
  let itemAt: number = tableBytes
  for (const [index, { id, flags, bytes }] of items.entries()) {
    const entry = entriesAt + index * entryBytes
    table.write(id, entry + at.itemId, 'hex')
    table.writeUInt32LE(itemAt, entry + at.offset)
    table.writeUInt32LE(bytes.length, entry + at.length)
    table.writeUInt32LE(flags, entry + at.flags)
    itemAt += bytes.length
  }
  return Buffer.concat([table, ...items.map(({ bytes }) => bytes)])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
