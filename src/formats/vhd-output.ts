import { openBlockMap } from './block-map.ts'
import type { ByteReader } from './disk-file.ts'
import { sectorBytes } from './fields.ts'
import { blocksSection, fixedSection, openSections, tableSection } from './sections.ts'
import { dynamicHeader, unallocated } from './vhd-dynamic.ts'
import { dynamicVhdFooter, fixedVhdFooter } from './vhd-footer.ts'

const blockBytes = 2 * 1024 * 1024
const headerAt = sectorBytes
const tableAt = headerAt + 2 * sectorBytes
/** A bit for each sector of a block: all of it is there. */
const bitmap = new Uint8Array(sectorBytes).fill(0xff)

/**
 * A disk as a fixed VHD: its bytes, then the footer. `idHex` (32 digits) names its content. Throws InvalidDisk for one that
 * is larger than a VHD may be.
 */
export function fixedVhdOutput(disk: ByteReader, idHex: string): ByteReader {
  const footer = fixedVhdFooter({ virtualSizeBytes: disk.sizeBytes, id: idHex })
  const { sizeBytes, read } = openSections(disk.sizeBytes + sectorBytes, [
    { offsetBytes: 0, lengthBytes: disk.sizeBytes, read: disk.read },
    fixedSection(disk.sizeBytes, footer),
  ])
  async function* dataRanges(signal: AbortSignal) {
    if (disk.dataRanges) yield* disk.dataRanges(signal)
    else yield { offsetBytes: 0, lengthBytes: disk.sizeBytes }
    yield { offsetBytes: disk.sizeBytes, lengthBytes: sectorBytes }
  }
  return { sizeBytes, read, dataRanges }
}

/**
 * A disk as a dynamic VHD, blocks of 2 MiB, without those that hold no data. The same disk gives the same bytes. Any range
 * can be read, so that a download can go on where it was cut. Throws InvalidDisk as the fixed one.
 */
export async function dynamicVhdOutput(
  disk: ByteReader,
  idHex: string,
  signal: AbortSignal,
): Promise<ByteReader> {
  const footer = dynamicVhdFooter({
    virtualSizeBytes: disk.sizeBytes,
    id: idHex,
    headerBytes: headerAt,
  })
  const map = await openBlockMap(disk, blockBytes, signal)
  const entriesASector = sectorBytes / 4
  const entries = Math.ceil(map.blocks / entriesASector) * entriesASector
  const dataAt = tableAt + entries * 4
  const spanBytes = bitmap.length + blockBytes
  const table = tableSection(tableAt, {
    entries,
    entryBytes: 4,
    put: (view, to, block) => {
      const isUsed = block < map.blocks && map.has(block)
      const placeBytes = isUsed ? dataAt + map.rankOf(block) * spanBytes : 0
      view.setUint32(to, isUsed ? placeBytes / sectorBytes : unallocated)
    },
  })
  const footerAt = dataAt + map.used * spanBytes
  return openSections(footerAt + sectorBytes, [
    fixedSection(0, footer),
    fixedSection(headerAt, dynamicHeader({ tableBytes: tableAt, entries: map.blocks, blockBytes })),
    table,
    blocksSection(dataAt, { disk, map, blockBytes, prefix: bitmap }),
    fixedSection(footerAt, footer),
  ])
}
