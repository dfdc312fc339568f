import { sizes } from '../domain/limits.ts'
import { openApart } from './apart.ts'
import type { ByteReader, DiskExtent, DiskFile } from './disk-file.ts'
import { sectorBytes, viewOf } from './fields.ts'
import { joined } from './joined.ts'
import { qcow2Entries } from './qcow2-entries.ts'
import { type Qcow2Header, qcow2Unsound, readQcow2Header } from './qcow2-header.ts'

/** The L1 table is read in parts of this size. */
const l1PartBytes = sizes.mib
/** L1 and standard L2 entries: COPIED in bit 63, the offset in bits 9 to 55, all others zero. */
const reservedHigh = 0x7f00_0000
const reservedLow = 0x1ff
const offsetHigh = 0x00ff_ffff

/**
 * Opens a QCOW2, version 2 or 3: two levels of tables, clusters as they are, of zeros, or compressed. What the active
 * tables say is read; internal snapshots and reference counts are not looked at.
 * Throws InvalidDisk when it is encrypted, stands on another file, or is unsound; all tables are checked here.
 */
export async function openQcow2(reader: ByteReader, signal: AbortSignal): Promise<DiskFile> {
  const header = await readQcow2Header(reader, signal)
  const clusterBytes = 2 ** header.clusterBits
  const apart = openApart({
    reachBytes: reader.sizeBytes,
    spanBytes: clusterBytes,
    unitBytes: sectorBytes,
  })
  if (!apart || reader.sizeBytes > 2 ** 32 * sectorBytes) {
    throw qcow2Unsound('its file has too many clusters; convert it with -o cluster_size=64k')
  }
  // The tables are checked when they are read the first time; the second time they are what they were.
  const take = (startBytes: number, what: string): void => {
    if (startBytes % clusterBytes !== 0) throw qcow2Unsound(`${what} does not lie on a cluster`)
    if (startBytes === 0 || startBytes >= reader.sizeBytes) {
      throw qcow2Unsound(`${what} lies outside the file`)
    }
    if (!apart.isFree(startBytes)) throw qcow2Unsound(`${what} lies over another cluster`)
  }
  const l1Bytes = header.l1Entries * 8
  for (let at = 0; at < l1Bytes; at += clusterBytes) take(header.l1TableBytes + at, 'its L1 table')
  for await (const _ of clustersOf(reader, { header, take, signal }));
  const extents = (during: AbortSignal) =>
    joined(clustersOf(reader, { header, take: () => undefined, signal: during }))
  return { format: 'qcow2', virtualSizeBytes: header.virtualSizeBytes, extents }
}

type Walk = {
  readonly header: Qcow2Header
  /** Told of each cluster that a table names. Throws. */
  take(startBytes: number, what: string): void
  readonly signal: AbortSignal
}

/** Cluster by cluster. */
async function* clustersOf(reader: ByteReader, walk: Walk): AsyncGenerator<DiskExtent> {
  for await (const { index, startBytes } of l2Tables(reader, walk)) {
    const table = { offsetBytes: startBytes, lengthBytes: 2 ** walk.header.clusterBits }
    const entries = viewOf(await reader.read(table, walk.signal))
    const place = { index, fileBytes: reader.sizeBytes, take: walk.take }
    yield* qcow2Entries(entries, walk.header, place)
  }
}

/** The L2 tables that there are, each whole inside the file. */
async function* l2Tables(
  reader: ByteReader,
  { header, take, signal }: Walk,
): AsyncGenerator<{ index: number; startBytes: number }> {
  const partEntries = l1PartBytes / 8
  for (let first = 0; first < header.l1Entries; first += partEntries) {
    const count = Math.min(partEntries, header.l1Entries - first)
    const part = { offsetBytes: header.l1TableBytes + first * 8, lengthBytes: count * 8 }
    const entries = viewOf(await reader.read(part, signal))
    for (let at = 0; at < count; at++) {
      const index = first + at
      const [high, low] = [entries.getUint32(at * 8), entries.getUint32(at * 8 + 4)]
      if ((high & reservedHigh) !== 0 || (low & reservedLow) !== 0) {
        throw qcow2Unsound(`entry ${index} of its L1 table has bits that no version defines`)
      }
      const startBytes = (high & offsetHigh) * 2 ** 32 + low
      if (startBytes === 0) continue
      take(startBytes, `L2 table ${index}`)
      if (startBytes + 2 ** header.clusterBits > reader.sizeBytes) {
        throw qcow2Unsound(`L2 table ${index} lies outside the file`)
      }
      yield { index, startBytes }
    }
  }
}
