import { expect } from 'vitest'
import { inflateRun } from '../../src/chunks/inflate-run.ts'
import type { ByteRange } from '../../src/domain/byte-range.ts'
import { compressedPlainBytesMax } from '../../src/domain/compressed-run.ts'
import type { ByteReader, DiskExtent, DiskFile } from '../../src/formats/disk-file.ts'

/** A reader over bytes in memory that refuses ranges outside of them and tells how many bytes were asked for. */
export function memoryReader(
  bytes: Uint8Array,
  dataRanges?: readonly ByteRange[],
): ByteReader & { askedBytes(): number } {
  let askedBytes = 0
  async function read({ offsetBytes, lengthBytes }: ByteRange): Promise<Uint8Array> {
    const inside = offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes + lengthBytes <= bytes.length
    if (!inside) throw new RangeError(`read of ${lengthBytes} bytes at ${offsetBytes}`)
    askedBytes += lengthBytes
    // A copy: whoever reads may give its memory back.
    return Uint8Array.from(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))
  }
  async function* ranges(): AsyncGenerator<ByteRange> {
    yield* dataRanges ?? []
  }
  const base = { sizeBytes: bytes.length, read, askedBytes: () => askedBytes }
  return dataRanges ? { ...base, dataRanges: ranges } : base
}

/** All extents, having checked what `DiskFile` promises of them. */
export async function soundExtents(disk: DiskFile, fileBytes: number): Promise<DiskExtent[]> {
  const all: DiskExtent[] = []
  let end = 0
  for await (const extent of disk.extents(new AbortController().signal)) {
    const { compressed } = extent
    const inFileBytes = compressed?.storedBytes ?? extent.lengthBytes
    const plainBytes = compressed?.plainBytes ?? extent.lengthBytes
    const whole = [extent.offsetBytes, extent.lengthBytes, extent.fileBytes, inFileBytes].every(
      Number.isSafeInteger,
    )
    const onGrid =
      !compressed ||
      (extent.offsetBytes % plainBytes === 0 && plainBytes <= compressedPlainBytesMax)
    const holds =
      whole &&
      onGrid &&
      plainBytes >= extent.lengthBytes &&
      inFileBytes > 0 &&
      inFileBytes <= 2 * compressedPlainBytesMax + extent.lengthBytes &&
      extent.offsetBytes >= end &&
      extent.lengthBytes > 0 &&
      extent.offsetBytes + extent.lengthBytes <= disk.virtualSizeBytes &&
      extent.fileBytes >= 0 &&
      extent.fileBytes + inFileBytes <= fileBytes
    expect(holds, `a sound extent, not ${JSON.stringify(extent)}`).toBe(true)
    end = extent.offsetBytes + extent.lengthBytes
    all.push(extent)
  }
  return all
}

/** The bytes of the disk as a machine sees them; for disks of a few MiB. */
export async function wholeDisk(disk: DiskFile, reader: ByteReader): Promise<Uint8Array> {
  const bytes = new Uint8Array(disk.virtualSizeBytes)
  for (const extent of await soundExtents(disk, reader.sizeBytes)) {
    const { offsetBytes, lengthBytes, fileBytes, compressed } = extent
    const range = { offsetBytes: fileBytes, lengthBytes: compressed?.storedBytes ?? lengthBytes }
    const stored = await reader.read(range, new AbortController().signal)
    const into = bytes.subarray(offsetBytes, offsetBytes + lengthBytes)
    if (compressed) inflateRun(compressed, stored, into)
    else into.set(stored)
  }
  return bytes
}
