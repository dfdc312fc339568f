import { mapBounded } from '../base/bounded.ts'
import { sizes } from '../domain/limits.ts'
import { openApart } from './apart.ts'
import type { ByteReader, DiskExtent, DiskFile } from './disk-file.ts'
import { sectorBytes, viewOf } from './fields.ts'
import { joined } from './joined.ts'
import { grainTableEntries, readVmdkHeader, type VmdkHeader, vmdkUnsound } from './vmdk-header.ts'

const directoryPartBytes = sizes.mib
const tableBytes = grainTableEntries * 4
/** Grain tables read at once: enough to hide a remote reader's latency. */
const tablesAtOnce = 32
/** Before a compressed grain: its first sector on the disk (8 bytes) and the length of its stream (4). */
const markerBytes = 12

type Grain = {
  /** Number of the grain on the disk. */
  readonly index: number
  readonly startBytes: number
}

/**
 * Opens a sparse VMDK of one file, plain or stream-optimised: a directory of tables of grains.
 * Throws InvalidDisk when it is part of something larger or unsound; all tables are checked here.
 */
export async function openVmdk(reader: ByteReader, signal: AbortSignal): Promise<DiskFile> {
  const header = await readVmdkHeader(reader, signal)
  await requireSound(reader, header, signal)
  const { virtualSizeBytes } = header
  return {
    format: 'vmdk',
    virtualSizeBytes,
    extents: (during) => joined(extentsOf(reader, header, during)),
  }
}

/**
 * No table and no plain grain lies over another. Of compressed grains, whose length only they themselves tell, each takes a
 * sector at least: no more can be than the file has.
 */
async function requireSound(
  reader: ByteReader,
  header: VmdkHeader,
  signal: AbortSignal,
): Promise<void> {
  const { grainBytes, isCompressed } = header
  const apart = openApart({
    reachBytes: reader.sizeBytes,
    spanBytes: grainBytes,
    unitBytes: sectorBytes,
  })
  if (!apart) throw vmdkUnsound('its file has too many grains; make it anew with larger ones')
  const tables = new Set<number>()
  let grains = 0
  for await (const table of tablesOf(reader, header, signal)) {
    if (tables.has(table.startBytes)) throw vmdkUnsound('a grain table is there twice')
    tables.add(table.startBytes)
    for (const { index, startBytes } of table.grains) {
      grains += 1
      const needBytes = isCompressed ? markerBytes + 1 : bytesOf(header, index)
      if (startBytes + needBytes > reader.sizeBytes) {
        throw vmdkUnsound(`grain ${index} lies outside the file: it was truncated`)
      }
      if (!isCompressed && !apart.isFree(startBytes)) {
        throw vmdkUnsound(`grain ${index} overlaps another grain`)
      }
    }
    if (isCompressed) compressedExtents(table.grains, header, reader.sizeBytes)
  }
  if (grains * sectorBytes > reader.sizeBytes) throw vmdkUnsound('its grains overlap')
}

/** Grain by grain. */
async function* extentsOf(
  reader: ByteReader,
  header: VmdkHeader,
  signal: AbortSignal,
): AsyncGenerator<DiskExtent> {
  for await (const { grains } of tablesOf(reader, header, signal)) {
    yield* header.isCompressed
      ? compressedExtents(grains, header, reader.sizeBytes)
      : plainExtents(grains, header)
  }
}

function plainExtents(grains: readonly Grain[], header: VmdkHeader): DiskExtent[] {
  return grains.map(({ index, startBytes }) => ({
    offsetBytes: index * header.grainBytes,
    lengthBytes: bytesOf(header, index),
    fileBytes: startBytes,
  }))
}

/**
 * A stream ends at the latest where the next grain of its table begins; the last one is given what a stream can be at most.
 * So the grains themselves need not be read to find out how long they are.
 */
function compressedExtents(
  grains: readonly Grain[],
  header: VmdkHeader,
  fileBytes: number,
): DiskExtent[] {
  const { grainBytes } = header
  const starts = [...grains.map(({ startBytes }) => startBytes), fileBytes].sort((a, b) => a - b)
  const nextStart = new Map(starts.map((start, at) => [start, starts[at + 1] ?? fileBytes]))
  return grains.map(({ index, startBytes }) => {
    const endBytes = nextStart.get(startBytes) ?? fileBytes
    const storedBytes = Math.min(endBytes - startBytes - markerBytes, 2 * grainBytes)
    if (storedBytes <= 0 || nextStart.size <= grains.length)
      throw vmdkUnsound(`grain ${index} overlaps another grain`)
    return {
      offsetBytes: index * grainBytes,
      lengthBytes: bytesOf(header, index),
      fileBytes: startBytes + markerBytes,
      compressed: { codec: 'zlib', storedBytes, plainBytes: grainBytes },
    }
  })
}

/** Less than a grain at the end of the disk. */
function bytesOf({ grainBytes, virtualSizeBytes }: VmdkHeader, index: number): number {
  return Math.min(grainBytes, virtualSizeBytes - index * grainBytes)
}

type Table = { readonly startBytes: number; readonly grains: readonly Grain[] }

/** The grain tables that there are, and the grains that each places in the file, ascending on the disk. */
async function* tablesOf(
  reader: ByteReader,
  header: VmdkHeader,
  signal: AbortSignal,
): AsyncGenerator<Table> {
  const batch: { index: number; startBytes: number }[] = []
  const read = () =>
    mapBounded(batch.splice(0), tablesAtOnce, async ({ index, startBytes }) => {
      const place = { offsetBytes: startBytes, lengthBytes: tableBytes }
      const grains = grainsOf(viewOf(await reader.read(place, signal)), header, index)
      return { startBytes, grains }
    })
  for await (const table of directory(reader, header, signal)) {
    batch.push(table)
    if (batch.length === tablesAtOnce) yield* await read()
  }
  yield* await read()
}

async function* directory(
  reader: ByteReader,
  header: VmdkHeader,
  signal: AbortSignal,
): AsyncGenerator<{ index: number; startBytes: number }> {
  const partEntries = directoryPartBytes / 4
  for (let first = 0; first < header.directoryEntries; first += partEntries) {
    const count = Math.min(partEntries, header.directoryEntries - first)
    const part = { offsetBytes: header.directoryBytes + first * 4, lengthBytes: count * 4 }
    const view = viewOf(await reader.read(part, signal))
    for (let at = 0; at < count; at++) {
      const startBytes = view.getUint32(at * 4, true) * sectorBytes
      if (startBytes === 0) continue
      if (startBytes + tableBytes > reader.sizeBytes) {
        throw vmdkUnsound(`grain table ${first + at} lies outside the file`)
      }
      yield { index: first + at, startBytes }
    }
  }
}

function grainsOf(view: DataView, header: VmdkHeader, table: number): Grain[] {
  const grains: Grain[] = []
  for (let at = 0; at < grainTableEntries; at++) {
    const index = table * grainTableEntries + at
    if (index * header.grainBytes >= header.virtualSizeBytes) break
    const sector = view.getUint32(at * 4, true)
    if (sector === 0 || (sector === 1 && header.hasZeroGrains)) continue
    grains.push({ index, startBytes: sector * sectorBytes })
  }
  return grains
}
