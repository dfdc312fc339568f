import type { DiskExtent } from './disk-file.ts'
import { sectorBytes } from './fields.ts'
import { type Qcow2Header, qcow2Unsound } from './qcow2-header.ts'

/** In the upper half of an L2 entry. */
const compressedBit = 0x4000_0000
/** In the lower half, since version 3: the cluster reads as zeros. */
const zeroBit = 1
/** Bits of a standard entry that no version defines. */
const reservedHigh = 0x3f00_0000
const reservedLow = 0x1fe
const offsetHigh = 0x00ff_ffff
const subclusters = 32

type Place = {
  /** Which L2 table it is. */
  readonly index: number
  readonly fileBytes: number
  /** Told of each whole cluster that the table names. Throws. */
  take(startBytes: number, what: string): void
}

type Entry = {
  readonly high: number
  readonly low: number
  /** Number of the cluster on the disk. */
  readonly cluster: number
  readonly offsetBytes: number
  /** Less than a cluster at the end of the disk. */
  readonly lengthBytes: number
}

/** What the entries of one L2 table place on the disk, ascending. Throws InvalidDisk for an entry that cannot be. */
export function* qcow2Entries(
  table: DataView,
  header: Qcow2Header,
  place: Place,
): Generator<DiskExtent> {
  const clusterBytes = 2 ** header.clusterBits
  const entryBytes = header.hasExtendedL2 ? 16 : 8
  const entries = clusterBytes / entryBytes
  for (let at = 0; at < entries; at++) {
    const cluster = place.index * entries + at
    const offsetBytes = cluster * clusterBytes
    if (offsetBytes >= header.virtualSizeBytes) return
    const high = table.getUint32(at * entryBytes)
    const low = table.getUint32(at * entryBytes + 4)
    const lengthBytes = Math.min(clusterBytes, header.virtualSizeBytes - offsetBytes)
    const entry = { high, low, cluster, offsetBytes, lengthBytes }
    const hasBitmap = header.hasExtendedL2
    const isAllocated = hasBitmap ? table.getUint32(at * entryBytes + 12) : undefined
    const isZero = hasBitmap ? table.getUint32(at * entryBytes + 8) : 0
    if ((high & compressedBit) !== 0) {
      if (isAllocated || isZero) throw badEntry(cluster, 'has subclusters, though compressed')
      yield compressedExtent(entry, header, place.fileBytes)
    } else if (high !== 0 || low !== 0 || isAllocated || isZero) {
      yield* standardExtents(entry, { header, place, isAllocated, isZero })
    }
  }
}

/** Offset in the lowest bits, then how many 512-byte sectors the stream touches after its first one. */
function compressedExtent(entry: Entry, header: Qcow2Header, fileBytes: number): DiskExtent {
  const { high, low, offsetBytes, lengthBytes } = entry
  const offsetHighBits = 70 - header.clusterBits - 32
  const startBytes = (high & (2 ** offsetHighBits - 1)) * 2 ** 32 + low
  const moreSectors = (high & 0x3fff_ffff) >>> offsetHighBits
  if (startBytes === 0 || startBytes >= fileBytes)
    throw badEntry(entry.cluster, 'lies outside the file')
  const sectorsEnd = (Math.floor(startBytes / sectorBytes) + 1 + moreSectors) * sectorBytes
  // The last stream of a file may end it in the middle of its last sector.
  const storedBytes = Math.min(sectorsEnd, fileBytes) - startBytes
  const compressed = { codec: header.codec, storedBytes, plainBytes: 2 ** header.clusterBits }
  return { offsetBytes, lengthBytes, fileBytes: startBytes, compressed }
}

function* standardExtents(
  entry: Entry,
  {
    header,
    place,
    isAllocated,
    isZero,
  }: {
    readonly header: Qcow2Header
    readonly place: Place
    /** A bit a subcluster, the lowest the first; undefined: there are none. */
    readonly isAllocated: number | undefined
    readonly isZero: number
  },
): Generator<DiskExtent> {
  const { high, low, cluster, offsetBytes, lengthBytes } = entry
  const hasZeroBit = (low & zeroBit) !== 0
  const mayBeZero = header.version === 3 && isAllocated === undefined
  if ((high & reservedHigh) !== 0 || (low & reservedLow) !== 0 || (hasZeroBit && !mayBeZero)) {
    throw badEntry(cluster, 'has bits that no version defines')
  }
  const startBytes = (high & offsetHigh) * 2 ** 32 + ((low & ~zeroBit) >>> 0)
  if (startBytes > 0) place.take(startBytes, `cluster ${cluster}`)
  if (isAllocated === undefined) {
    if (startBytes === 0 || hasZeroBit) return
    requireInFile(cluster, startBytes + lengthBytes, place.fileBytes)
    yield { offsetBytes, lengthBytes, fileBytes: startBytes }
    return
  }
  if (startBytes === 0 && isAllocated !== 0) throw badEntry(cluster, 'has data, but no place')
  if ((isAllocated & isZero) !== 0) throw badEntry(cluster, 'has a part with data and with zeros')
  const partBytes = 2 ** header.clusterBits / subclusters
  for (let at = 0; at < subclusters && at * partBytes < lengthBytes; at++) {
    if ((isAllocated & (2 ** at)) === 0) continue
    const from = at * partBytes
    const part = Math.min(partBytes, lengthBytes - from)
    requireInFile(cluster, startBytes + from + part, place.fileBytes)
    yield { offsetBytes: offsetBytes + from, lengthBytes: part, fileBytes: startBytes + from }
  }
}

function requireInFile(cluster: number, endBytes: number, fileBytes: number): void {
  if (endBytes > fileBytes) throw badEntry(cluster, 'lies outside the file: it was truncated')
}

function badEntry(cluster: number, what: string) {
  return qcow2Unsound(`cluster ${cluster} ${what}`)
}
