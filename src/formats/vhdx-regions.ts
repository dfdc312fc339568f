import type { ByteRange } from '../domain/byte-range.ts'
import { ArmError } from '../domain/errors.ts'
import type { ByteReader } from './disk-file.ts'
import { endOf, latin1, overlap, u64le, viewOf } from './fields.ts'
import { guids, hexOf, vhdx, vhdxChecksum, vhdxUnsound } from './vhdx-layout.ts'

export type VhdxRegions = { readonly bat: ByteRange; readonly metadata: ByteRange }

const zeroGuid = '0'.repeat(32)

/** Reads the headers and the region table, each one good copy of two. Throws InvalidDisk. */
export async function readVhdxRegions(
  reader: ByteReader,
  signal: AbortSignal,
): Promise<VhdxRegions> {
  if (reader.sizeBytes < vhdx.alignmentBytes) throw vhdxUnsound('it is shorter than its headers')
  requireClosed(await bestHeader(reader, signal))
  const [table] = await goodCopies(reader, vhdx.regionTable, signal)
  if (!table) throw vhdxUnsound('both of its region tables are damaged')
  const found = regionsOf(table, reader.sizeBytes)
  const bat = found.get(guids.bat)
  const metadata = found.get(guids.metadata)
  if (!bat || !metadata) throw vhdxUnsound('its region table names no block table or no metadata')
  if (overlap(bat, metadata)) throw vhdxUnsound('its regions lie over one another')
  return { bat, metadata }
}

async function bestHeader(reader: ByteReader, signal: AbortSignal): Promise<Uint8Array> {
  const { at } = vhdx.header
  const headers = await goodCopies(reader, vhdx.header, signal)
  const sequence = (header: Uint8Array): bigint =>
    viewOf(header).getBigUint64(at.sequenceNumber, true)
  const [best, other] = headers.sort((a, b) => (sequence(a) < sequence(b) ? 1 : -1))
  if (!best) throw vhdxUnsound('both of its headers are damaged')
  if (other && sequence(best) === sequence(other) && !Buffer.from(best).equals(other)) {
    throw vhdxUnsound('its two headers disagree, and none is the newer one')
  }
  return best
}

/** A log that is not empty holds changes of the tables: they cannot be read without it. */
function requireClosed(header: Uint8Array): void {
  const { at } = vhdx.header
  const view = viewOf(header)
  if (view.getUint16(at.version, true) !== 1) throw vhdxUnsound('it is not of version 1')
  if (hexOf(header, at.logGuid, 16) === zeroGuid) return
  throw new ArmError(
    'InvalidDisk',
    'The VHDX was not closed: changes wait in its log. Shut the machine down or detach the disk, or replay the log: qemu-img check -r all FILE',
  )
}

type Part = {
  readonly signature: string
  readonly places: readonly number[]
  readonly lengthBytes: number
}

async function goodCopies(
  reader: ByteReader,
  { signature, places, lengthBytes }: Part,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const parts = await Promise.all(
    places.map((offsetBytes) => reader.read({ offsetBytes, lengthBytes }, signal)),
  )
  return parts.filter(
    (part) =>
      latin1(part, 0, 4) === signature &&
      viewOf(part).getUint32(vhdx.header.at.checksum, true) === vhdxChecksum(part),
  )
}

function regionsOf(table: Uint8Array, fileBytes: number): Map<string, ByteRange> {
  const { entryCount, entriesMax, entriesAt, entryBytes, at } = vhdx.regionTable
  const view = viewOf(table)
  const count = view.getUint32(entryCount, true)
  if (count > entriesMax) throw vhdxUnsound(`its region table has ${count} entries`)
  const found = new Map<string, ByteRange>()
  for (let index = 0; index < count; index++) {
    const entry = entriesAt + index * entryBytes
    const id = hexOf(table, entry + at.guid, 16)
    if (id !== guids.bat && id !== guids.metadata) {
      if ((view.getUint32(entry + at.isRequired, true) & 1) === 0) continue
      throw vhdxUnsound('it has a region that must be understood, and that no version defines')
    }
    const region = {
      offsetBytes: u64le(view, entry + at.fileOffset),
      lengthBytes: view.getUint32(entry + at.length, true),
    }
    const isPlaced =
      region.offsetBytes >= vhdx.alignmentBytes &&
      region.offsetBytes % vhdx.alignmentBytes === 0 &&
      endOf(region) <= fileBytes
    if (!isPlaced) throw vhdxUnsound('a region lies outside the file')
    if (found.has(id)) throw vhdxUnsound('a region is there twice')
    found.set(id, region)
  }
  return found
}
