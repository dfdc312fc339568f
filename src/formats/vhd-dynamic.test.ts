import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryReader, soundExtents, wholeDisk } from '../../test/support/disk-bytes.ts'
import {
  dynamicHeaderAt,
  dynamicTableAt,
  resealed,
  sector,
  vhdDynamic,
  vhdFixed,
} from '../../test/support/vhd-files.ts'
import { ArmError } from '../domain/errors.ts'
import { openDiskFile } from './open-disk-file.ts'

const { signal } = new AbortController()
const mib = 1024 * 1024
const blockBytes = 512 * 1024

/** Four blocks, the third one all zeros. */
const disk = Buffer.alloc(4 * blockBytes)
disk.fill(1, 10 * sector, 20 * sector)
disk.fill(2, blockBytes, 2 * blockBytes)
disk.fill(3, disk.length - sector)
const dynamic = vhdDynamic(disk)
const fixed = vhdFixed(disk)

function changed(file: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(file)
  change(copy)
  return copy
}

/** The disk's bytes, or the refusal; anything else thrown passes through. */
async function outcome(file: Buffer): Promise<Buffer | ArmError> {
  const reader = memoryReader(file)
  try {
    return Buffer.from(await wholeDisk(await openDiskFile(reader, signal), reader))
  } catch (error) {
    if (error instanceof ArmError) return error
    throw error
  }
}

function refusal(saying: RegExp) {
  return expect.objectContaining({ code: 'InvalidDisk', message: expect.stringMatching(saying) })
}

describe('a damaged dynamic VHD is refused, saying what is wrong', () => {
  const entry = (index: number) => dynamicTableAt + index * 4
  it.each<[string, RegExp, (copy: Buffer) => void]>([
    [
      'footer checksum',
      /checksum of the VHD footer/,
      (copy) => copy.writeUInt8(1, copy.length - 9),
    ],
    ['copy checksum', /checksum of the VHD footer/, (copy) => copy.writeUInt8(1, 500)],
    ['copy missing', /copy of its footer.*missing/, (copy) => copy.fill(0, 0, 8)],
    ['header checksum', /checksum of the VHD header/, (copy) => copy.writeUInt8(1, 1400)],
    ['header missing', /no header/, (copy) => copy.fill(0, dynamicHeaderAt, dynamicHeaderAt + 8)],
    ['block outside the file', /block 1 lies outside/, (copy) => copy.writeUInt32BE(9e6, entry(1))],
    [
      'block over the footer',
      /block 1 lies outside/,
      (copy) => copy.writeUInt32BE(copy.readUInt32BE(entry(3)) + 1, entry(1)),
    ],
    [
      'block over the header',
      /block 0 .*over its tables/,
      (copy) => copy.writeUInt32BE(2, entry(0)),
    ],
    ['block at zero', /block 2 .*over its tables/, (copy) => copy.writeUInt32BE(0, entry(2))],
    [
      'one block twice',
      /block 1 overlaps/,
      (copy) => copy.copy(copy, entry(1), entry(0), entry(1)),
    ],
    [
      'blocks that overlap by a sector',
      /block 1 overlaps/,
      (copy) => copy.writeUInt32BE(copy.readUInt32BE(entry(1)) - 1, entry(1)),
    ],
  ])('%s', async (_, saying, change) => {
    expect(await outcome(changed(dynamic, change))).toEqual(refusal(saying))
  })

  it.each<[string, RegExp, (copy: Buffer) => void]>([
    ['block size of 3 MiB', /block size/, (copy) => copy.writeUInt32BE(3 * mib, 512 + 32)],
    ['block size of 256 KiB', /block size/, (copy) => copy.writeUInt32BE(mib / 4, 512 + 32)],
    ['block size of 512 MiB', /block size/, (copy) => copy.writeUInt32BE(512 * mib, 512 + 32)],
    ['table too short', /too short/, (copy) => copy.writeUInt32BE(3, 512 + 28)],
    ['table without end', /table lies outside/, (copy) => copy.writeUInt32BE(0xffffffff, 512 + 28)],
    ['table outside', /table lies outside/, (copy) => copy.writeUInt32BE(1, 512 + 16)],
    ['table over the header', /over a header/, (copy) => copy.writeUInt32BE(512, 512 + 20)],
    ['header version', /version 1.0/, (copy) => copy.writeUInt32BE(2, 512 + 24)],
    ['footer version', /version 1.0/, (copy) => copy.writeUInt32BE(2, copy.length - 500)],
    ['features', /feature bits/, (copy) => copy.writeUInt32BE(6, copy.length - 504)],
    [
      'header outside',
      /header lies outside/,
      (copy) => copy.fill(0xff, copy.length - 496, copy.length - 488),
    ],
    ['copy of another disk', /disagree/, (copy) => copy.writeUInt32BE(7, 68)],
    ['copy of another size', /disagree/, (copy) => copy.writeUInt32BE(mib, 52)],
  ])('%s, though the checksums fit', async (_, saying, change) => {
    expect(await outcome(resealed(changed(dynamic, change)))).toEqual(refusal(saying))
  })
})

describe('fuzz', () => {
  const bit = fc.integer({ min: 1, max: 255 })

  it('any one byte of footer, copy or header: the same bytes, or refused', async () => {
    const headers = (file: Buffer) => (file === fixed ? 0 : dynamicTableAt)
    const cases = fc
      .constantFrom(fixed, dynamic)
      .chain((file) => fc.tuple(fc.constant(file), fc.nat(headers(file) + sector - 1), bit))
    await fc.assert(
      fc.asyncProperty(cases, async ([file, position, mask]) => {
        const at =
          position < headers(file) ? position : file.length - sector + position - headers(file)
        const result = await outcome(
          changed(file, (copy) => copy.writeUInt8(copy.readUInt8(at) ^ mask, at)),
        )
        expect(result instanceof ArmError || result.equals(disk)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('any fields under right checksums, any table, any bitmap: sound extents, or refused', async () => {
    const field = fc.tuple(
      fc.constantFrom(
        0,
        dynamicHeaderAt,
        dynamicTableAt,
        dynamicTableAt + sector,
        dynamic.length - sector,
      ),
      fc.nat(96),
      fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.constant(new Uint8Array(4))),
    )
    const fields = fc.array(field, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(fields, async (writes) => {
        const file = changed(dynamic, (copy) => {
          for (const [base, at, bytes] of writes) copy.set(bytes, base + at)
        })
        const reader = memoryReader(resealed(file))
        try {
          await soundExtents(await openDiskFile(reader, signal), file.length)
        } catch (error) {
          if (!(error instanceof ArmError)) throw error
        }
        expect(reader.askedBytes()).toBeLessThan(file.length)
      }),
      { numRuns: 1000 },
    )
  })

  it('any file cut anywhere is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: dynamic.length - 1 }), async (length) => {
        expect(await outcome(dynamic.subarray(0, length))).toBeInstanceOf(ArmError)
      }),
    )
  })
})

it('a large table is read in parts and its memory is bounded by the file', async () => {
  const entries = 4_177_920
  const file = vhdDynamic(Buffer.alloc(0), {
    currentSizeBytes: entries * blockBytes,
    spareEntries: entries,
  })
  const { read, ...rest } = memoryReader(file)
  let longestBytes = 0
  const reader = {
    ...rest,
    read: (range: Parameters<typeof read>[0]) => {
      longestBytes = Math.max(longestBytes, range.lengthBytes)
      return read(range, signal)
    },
  }
  const opened = await openDiskFile(reader, signal)
  expect(opened.virtualSizeBytes).toBe(2040 * 2 ** 30)
  expect(await soundExtents(opened, file.length)).toEqual([])
  expect(longestBytes).toBe(mib)
})
