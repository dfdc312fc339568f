import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryReader, soundExtents, wholeDisk } from '../../test/support/disk-bytes.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { outputFormats } from '../domain/output-formats.ts'
import type { ByteReader } from './disk-file.ts'
import { openDiskFile } from './open-disk-file.ts'
import { openDiskOutput, streamOf } from './open-disk-output.ts'

const { signal } = new AbortController()
const idHex = '00112233445566778899aabbccddeeff'
const sector = 512
const mib = 2 ** 20
const formats = outputFormats.map((format) => [format] as const)

/** A disk of up to 10 MiB with data in some places, and a reader that knows where. */
const sparseDisk = fc
  .record({
    sectors: fc.integer({ min: 1, max: 20_000 }),
    runs: fc.uniqueArray(fc.nat(19_999), { maxLength: 8 }),
    byte: fc.integer({ min: 1, max: 255 }),
  })
  .map(({ sectors, runs, byte }) => {
    const bytes = Buffer.alloc(sectors * sector)
    const ranges: ByteRange[] = []
    const starts = runs.filter((at) => at < sectors).sort((a, b) => a - b)
    for (const [turn, at] of starts.entries()) {
      const end = Math.min(starts[turn + 1] ?? sectors, sectors, at + 1 + ((at * byte) % 900))
      bytes.fill(byte + turn, at * sector, end * sector)
      ranges.push({ offsetBytes: at * sector, lengthBytes: (end - at) * sector })
    }
    return { bytes, disk: memoryReader(bytes, ranges) }
  })

async function wholeFile(file: ByteReader, fromBytes = 0): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(streamOf(file, fromBytes, signal)))
}

/** A disk so large that it can only be read where it is asked for: `data` is all ones, the rest is a fault. */
function largeDisk(sizeBytes: number, data: readonly ByteRange[]): ByteReader {
  async function read(range: ByteRange): Promise<Uint8Array> {
    expect(range.lengthBytes).toBeLessThanOrEqual(4 * mib)
    return new Uint8Array(range.lengthBytes).fill(1)
  }
  return {
    sizeBytes,
    read,
    async *dataRanges() {
      yield* data
    },
  }
}

describe.each(formats)('%s', (format) => {
  it('holds the disk that it was made of, and holes are not in it', async () => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async ({ bytes, disk }) => {
        fc.pre(format !== 'raw' || bytes.length <= mib || bytes.length % mib !== sector)
        const output = await openDiskOutput(format, { disk, idHex }, signal)
        const file = await wholeFile(output)
        expect(file.length).toBe(output.sizeBytes)
        const reader = memoryReader(file)
        const opened = await openDiskFile(reader, signal)
        expect(Buffer.compare(await wholeDisk(opened, reader), bytes)).toBe(0)
        const wanted = { vhd: 'vhd-fixed', 'vhd-dynamic': 'vhd-dynamic' }
        expect(opened.format).toBe({ ...wanted, raw: 'raw', vhdx: 'vhdx', qcow2: 'qcow2' }[format])
      }),
      { numRuns: 12 },
    )
  })

  it('any range of it is what the whole has there, and its data ranges are all that is not zero', async () => {
    const cut = fc.tuple(fc.nat(), fc.nat(3 * mib))
    await fc.assert(
      fc.asyncProperty(sparseDisk, fc.array(cut, { maxLength: 5 }), async ({ disk }, cuts) => {
        const output = await openDiskOutput(format, { disk, idHex }, signal)
        const file = await wholeFile(output)
        for (const [at, length] of cuts) {
          const offsetBytes = at % file.length
          const lengthBytes = Math.min(length, file.length - offsetBytes)
          const part = await output.read({ offsetBytes, lengthBytes }, signal)
          const same = file.subarray(offsetBytes, offsetBytes + lengthBytes)
          expect(Buffer.compare(part, same)).toBe(0)
          expect((await wholeFile(output, offsetBytes)).equals(file.subarray(offsetBytes))).toBe(
            true,
          )
        }
        const holes = Buffer.from(file)
        for await (const range of output.dataRanges?.(signal) ?? []) {
          holes.fill(0, range.offsetBytes, range.offsetBytes + range.lengthBytes)
        }
        expect(holes.equals(Buffer.alloc(file.length))).toBe(true)
      }),
      { numRuns: 8 },
    )
  })
})

describe.each([
  ['qcow2', 64 * 1024, 9 * mib],
  ['vhdx', 2 * mib, 45 * mib],
] as const)('%s of a disk of 8 TiB', (format, blockBytes, overheadBytes) => {
  const tib = 2 ** 40
  const data = [
    { offsetBytes: 5 * 2 ** 30 + 512, lengthBytes: 512 },
    { offsetBytes: 3 * tib, lengthBytes: 3 * mib },
    { offsetBytes: 8 * tib - 4096, lengthBytes: 4096 },
  ]

  it('is as large as its data, and its blocks lie where they belong', async () => {
    const disk = largeDisk(8 * tib, data)
    const output = await openDiskOutput(format, { disk, idHex }, signal)
    expect(output.sizeBytes).toBeLessThan(overheadBytes)
    const opened = await openDiskFile(output, signal)
    expect(opened.virtualSizeBytes).toBe(8 * tib)
    const found = await soundExtents(opened, output.sizeBytes)
    const blocks = found.map(({ offsetBytes, lengthBytes }) => [
      offsetBytes / blockBytes,
      (offsetBytes + lengthBytes) / blockBytes,
    ])
    for (const { offsetBytes, lengthBytes } of data) {
      const from = Math.floor(offsetBytes / blockBytes)
      const to = Math.ceil((offsetBytes + lengthBytes) / blockBytes)
      const covers = blocks.some(([start = 0, end = 0]) => start <= from && end >= from + 1)
      expect(covers, `block ${from} to ${to}`).toBe(true)
    }
    const total = found.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    expect(total).toBeLessThanOrEqual(3 * mib + 5 * blockBytes)
  })
})

it('a full disk of 3 TiB: reference counts count themselves, every cluster has its place', async () => {
  const sizeBytes = 3 * 2 ** 40
  const disk = largeDisk(sizeBytes, [{ offsetBytes: 0, lengthBytes: sizeBytes }])
  const output = await openDiskOutput('qcow2', { disk, idHex }, signal)
  const header = Buffer.from(await output.read({ offsetBytes: 0, lengthBytes: 104 }, signal))
  const end = output.sizeBytes / 65_536
  const refBlocks = Math.ceil(end / 32_768)
  const table = Number(header.readBigUInt64BE(48))
  const last = table + (refBlocks - 1) * 8
  const entries = Buffer.from(await output.read({ offsetBytes: last, lengthBytes: 16 }, signal))
  const block = Number(entries.readBigUInt64BE(0))
  expect(entries.readBigUInt64BE(8)).toBe(0n)
  const counts = Buffer.from(await output.read({ offsetBytes: block, lengthBytes: 65_536 }, signal))
  const used = end - (refBlocks - 1) * 32_768
  expect([counts.readUInt16BE((used - 1) * 2), counts.readUInt16BE(used * 2)]).toEqual([1, 0])
  const lastCluster = { offsetBytes: output.sizeBytes - 65_536, lengthBytes: 65_536 }
  expect((await output.read(lastCluster, signal)).every((byte) => byte === 1)).toBe(true)
})

it('a disk over 2040 GiB is no VHD', async () => {
  const disk = largeDisk(2041 * 2 ** 30, [])
  for (const format of ['vhd', 'vhd-dynamic'] as const) {
    await expect(openDiskOutput(format, { disk, idHex }, signal)).rejects.toMatchObject({
      code: 'InvalidDisk',
      message: expect.stringContaining('2040 GiB'),
    })
  }
})
