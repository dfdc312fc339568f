import type { ByteRange } from '../domain/byte-range.ts'
import { sizes } from '../domain/limits.ts'
import { openApart } from './apart.ts'
import type { ByteReader, DiskExtent, DiskFile } from './disk-file.ts'
import { endOf, overlap, viewOf } from './fields.ts'
import { batLayout, vhdx, vhdxUnsound } from './vhdx-layout.ts'
import { readVhdxMetadata, type VhdxDisk } from './vhdx-metadata.ts'
import { readVhdxRegions, type VhdxRegions } from './vhdx-regions.ts'

/** The block table is read in parts of this size. */
const tablePartBytes = sizes.mib

type Layout = VhdxDisk &
  VhdxRegions & {
    readonly reader: ByteReader
    readonly blocks: number
    readonly chunkRatio: number
    readonly entries: number
  }

/**
 * Opens a VHDX, fixed or dynamic: a block is in the file or reads as zeros.
 * Throws InvalidDisk when it was not closed, stands on a parent, or is unsound; the whole block table is checked here.
 */
export async function openVhdx(reader: ByteReader, signal: AbortSignal): Promise<DiskFile> {
  const regions = await readVhdxRegions(reader, signal)
  const disk = await readVhdxMetadata(reader, regions.metadata, signal)
  const layout = { ...regions, ...disk, ...batLayout(disk), reader }
  if (layout.entries * vhdx.bat.entryBytes > regions.bat.lengthBytes) {
    throw vhdxUnsound('its block table is too short for the disk')
  }
  await requireApart(layout, signal)
  return {
    format: 'vhdx',
    virtualSizeBytes: disk.virtualSizeBytes,
    extents: (during) => extentsOf(layout, during),
  }
}

async function requireApart(layout: Layout, signal: AbortSignal): Promise<void> {
  const apart = openApart({
    reachBytes: layout.reader.sizeBytes,
    spanBytes: layout.blockBytes,
    unitBytes: vhdx.alignmentBytes,
  })
  if (!apart) throw vhdxUnsound('its file has too many blocks; make it anew with larger ones')
  for await (const { index, fileBytes } of present(layout, signal)) {
    if (!apart.isFree(fileBytes)) throw vhdxUnsound(`block ${index} overlaps another block`)
  }
}

async function* extentsOf(layout: Layout, signal: AbortSignal): AsyncGenerator<DiskExtent> {
  for await (const { index, fileBytes } of present(layout, signal)) {
    const offsetBytes = index * layout.blockBytes
    const lengthBytes = Math.min(layout.blockBytes, layout.virtualSizeBytes - offsetBytes)
    yield { offsetBytes, lengthBytes, fileBytes }
  }
}

/** The blocks that lie in the file, ascending on the disk, each inside the file and clear of its tables. */
async function* present(
  layout: Layout,
  signal: AbortSignal,
): AsyncGenerator<{ index: number; fileBytes: number }> {
  const { reader, bat, entries, chunkRatio } = layout
  const partEntries = tablePartBytes / vhdx.bat.entryBytes
  for (let first = 0; first < entries; first += partEntries) {
    const count = Math.min(partEntries, entries - first)
    const offsetBytes = bat.offsetBytes + first * vhdx.bat.entryBytes
    const part = { offsetBytes, lengthBytes: count * vhdx.bat.entryBytes }
    const view = viewOf(await reader.read(part, signal))
    for (let at = 0; at < count; at++) {
      const entry = first + at
      // After each `chunkRatio` blocks comes the entry of their sector bitmap, of use only with a parent.
      if (entry % (chunkRatio + 1) === chunkRatio) continue
      const index = entry - Math.floor(entry / (chunkRatio + 1))
      const fileBytes = placeOf(view, at, index)
      if (fileBytes === undefined) continue
      requirePlaced(layout, index, { offsetBytes: fileBytes, lengthBytes: layout.blockBytes })
      yield { index, fileBytes }
    }
  }
}

/** undefined: the block reads as zeros, or its content is left open, where zeros are as good as anything. */
function placeOf(view: DataView, at: number, index: number): number | undefined {
  const low = view.getUint32(at * vhdx.bat.entryBytes, true)
  const high = view.getUint32(at * vhdx.bat.entryBytes + 4, true)
  if ((low & 0x000f_fff8) !== 0)
    throw vhdxUnsound(`block ${index} has bits that no version defines`)
  switch (low & 7) {
    case vhdx.bat.notPresent:
    case vhdx.bat.undefined:
    case vhdx.bat.zero:
    case vhdx.bat.unmapped:
      return undefined
    case vhdx.bat.fullyPresent:
      return high * 2 ** 32 + ((low & 0xfff0_0000) >>> 0)
    default:
      throw vhdxUnsound(`block ${index} has a state that a disk without a parent cannot have`)
  }
}

function requirePlaced(layout: Layout, index: number, block: ByteRange): void {
  const taken = [layout.bat, layout.metadata]
  const isPlaced =
    block.offsetBytes >= vhdx.alignmentBytes &&
    endOf(block) <= layout.reader.sizeBytes &&
    !taken.some((region) => overlap(region, block))
  if (!isPlaced) throw vhdxUnsound(`block ${index} lies outside the file or over its tables`)
}
