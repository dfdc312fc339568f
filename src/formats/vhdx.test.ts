import { describe, expect, it } from 'vitest'
import { memoryReader, soundExtents } from '../../test/support/disk-bytes.ts'
import {
  changed,
  goldenDisk,
  holdsWhateverFollows,
  holdsWhateverIsWritten,
  holdsWhereverItIsCut,
  outcome,
  refusal,
} from '../../test/support/golden-disks.ts'
import { digestOf } from '../domain/digest.ts'
import { crc32c } from './crc32c.ts'
import { openDiskFile } from './open-disk-file.ts'

const { signal } = new AbortController()
const disk = goldenDisk('disk.raw')
const file = goldenDisk('vhdx-dynamic.vhdx')
const kib = 1024
const mib = 1024 * kib

const headersAt = [64 * kib, 128 * kib]
const tablesAt = [192 * kib, 256 * kib]
/** Offset in the file of a region, from the first region table. */
const regionAt = (id: string) => {
  const entry = file.indexOf(Buffer.from(id, 'hex'), tablesAt[0])
  return Number(file.readBigUInt64LE(entry + 16))
}
const batAt = regionAt('6677c22d23f600429d64115e9bfd4a08')
const metadataAt = regionAt('06a27c8b90479a4bb8fe575f050f886e')
const sizeItem = Buffer.from('2442a52f1bcd7648b2115dbed83bf4b8', 'hex')
const parametersItem = Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex')
const sectorItem = Buffer.from('1dbf41816fa90947ba47f233a8faab5f', 'hex')
const itemEntry = (item: Buffer) => file.indexOf(item, metadataAt)
const itemAt = (item: Buffer) => metadataAt + file.readUInt32LE(itemEntry(item) + 16)

/** Writes the right checksums over parts that were changed. */
function resealed(copy: Buffer): Buffer {
  const seal = (part: Buffer) => {
    part.writeUInt32LE(0, 4)
    part.writeUInt32LE(crc32c(part), 4)
  }
  for (const at of headersAt) seal(copy.subarray(at, at + 4 * kib))
  for (const at of tablesAt) seal(copy.subarray(at, at + 64 * kib))
  return copy
}

it('the checksum is CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283)
})

describe('what qemu-img wrote reads as the disk that it was made of', () => {
  it('dynamic', async () => {
    expect(await outcome(file)).toBe(digestOf(disk))
  })

  it('extents are the blocks that are there, clipped to the disk', async () => {
    const opened = await openDiskFile(memoryReader(file), signal)
    const extents = await soundExtents(opened, file.length)
    expect(extents.map(({ lengthBytes }) => lengthBytes)).toEqual([mib, 1536])
  })

  it.each([0, 1, 2, 3])('a block of state %i reads as zeros', async (state) => {
    const without = changed(file, (copy) => copy.writeUInt8(state, batAt))
    expect(await outcome(without)).toBe(digestOf(changed(disk, (copy) => copy.fill(0, 0, mib))))
  })

  it('one damaged copy of header or region table is no loss', async () => {
    for (const at of [headersAt[0], tablesAt[0], tablesAt[1]]) {
      const damaged = changed(file, (copy) => copy.writeUInt8(1, (at ?? 0) + 200))
      expect(await outcome(damaged)).toBe(digestOf(disk))
    }
  })

  it('the header with the higher sequence number counts', async () => {
    for (const [at, wanted] of headersAt.entries()) {
      const logs = changed(file, (copy) => {
        for (const [other, from] of headersAt.entries()) {
          copy.copy(copy, from, headersAt[0], (headersAt[0] ?? 0) + 4 * kib)
          copy.writeBigUInt64LE(other === at ? 9n : 8n, from + 8)
        }
        copy.writeUInt8(1, wanted + 50)
      })
      expect(await outcome(resealed(logs))).toEqual(refusal(/not closed/))
      const older = changed(logs, (copy) => copy.writeBigUInt64LE(7n, wanted + 8))
      expect(await outcome(resealed(older))).toBe(digestOf(disk))
    }
  })
})

describe('what cannot be read is refused, saying why and what to do', () => {
  const both = (places: readonly number[], change: (copy: Buffer, at: number) => void) => {
    return (copy: Buffer) => {
      for (const at of places) change(copy, at)
    }
  }
  it.each<[string, RegExp, (copy: Buffer) => void]>([
    [
      'a log',
      /not closed.*check -r all/,
      both(headersAt, (copy, at) => copy.writeUInt8(1, at + 48)),
    ],
    ['version 2', /not of version 1/, both(headersAt, (copy, at) => copy.writeUInt8(2, at + 66))],
    [
      'two headers that disagree',
      /disagree/,
      both(headersAt, (copy, at) => {
        copy.writeBigUInt64LE(5n, at + 8)
        copy.writeUInt32LE(at, at + 16)
      }),
    ],
    ['no headers', /headers are damaged/, both(headersAt, (copy, at) => copy.fill(0, at, at + 4))],
    ['no tables', /tables are damaged/, both(tablesAt, (copy, at) => copy.fill(0, at, at + 4))],
    [
      'a table of 3000 entries',
      /table has 3000 entries/,
      both(tablesAt, (copy, at) => copy.writeUInt32LE(3000, at + 8)),
    ],
    ['no regions', /names no block/, both(tablesAt, (copy, at) => copy.writeUInt32LE(0, at + 8))],
    [
      'an unknown region that is required',
      /region that must be understood/,
      both(tablesAt, (copy, at) => {
        copy.writeUInt8(0xaa, at + 16)
        copy.writeUInt8(1, at + 16 + 28)
      }),
    ],
    [
      'a region outside',
      /region lies outside/,
      both(tablesAt, (copy, at) => copy.writeUInt32LE(0x7ff0_0000, at + 16 + 16)),
    ],
    [
      'a region in the headers',
      /region lies outside/,
      both(tablesAt, (copy, at) => copy.fill(0, at + 32, at + 40)),
    ],
    [
      'a region twice',
      /region is there twice/,
      both(tablesAt, (copy, at) => copy.copy(copy, at + 16, at + 48, at + 64)),
    ],
    [
      'regions over one another',
      /regions lie over/,
      both(tablesAt, (copy, at) => copy.copy(copy, at + 32, at + 64, at + 72)),
    ],
    ['no metadata', /no metadata stands/, (copy) => copy.fill(0, metadataAt, metadataAt + 8)],
    ['9999 items', /has 9999 items/, (copy) => copy.writeUInt16LE(9999, metadataAt + 10)],
    [
      'an item outside',
      /item of its metadata lies outside/,
      (copy) => copy.writeUInt32LE(2 ** 31, itemEntry(sizeItem) + 16),
    ],
    [
      'an item in the table',
      /item of its metadata lies outside/,
      (copy) => copy.writeUInt32LE(8, itemEntry(sizeItem) + 16),
    ],
    [
      'an item that is too short',
      /no disk size/,
      (copy) => copy.writeUInt32LE(4, itemEntry(sizeItem) + 20),
    ],
    ['an item twice', /there twice/, (copy) => sizeItem.copy(copy, itemEntry(sectorItem))],
    [
      'an unknown item that is required',
      /needs something of its reader/,
      (copy) => copy.writeUInt8(0xaa, itemEntry(sizeItem)),
    ],
    [
      'a parent',
      /differencing.*Merge-VHD/,
      (copy) => copy.writeUInt8(2, itemAt(parametersItem) + 4),
    ],
    [
      'blocks of 3 MiB',
      /block size of 3145728/,
      (copy) => copy.writeUInt32LE(3 * mib, itemAt(parametersItem)),
    ],
    [
      'blocks of nothing',
      /block size of 0/,
      (copy) => copy.writeUInt32LE(0, itemAt(parametersItem)),
    ],
    ['sectors of 1 KiB', /sectors of 1024/, (copy) => copy.writeUInt32LE(1024, itemAt(sectorItem))],
    ['no size', /disk size of 0/, (copy) => copy.fill(0, itemAt(sizeItem), itemAt(sizeItem) + 8)],
    ['half a sector', /not whole sectors/, (copy) => copy.writeUInt8(1, itemAt(sizeItem))],
    ['2^63 bytes', /over 64 TiB/, (copy) => copy.writeUInt8(0x80, itemAt(sizeItem) + 7)],
    ['a disk of 1 TiB', /too short/, (copy) => copy.writeUInt8(1, itemAt(sizeItem) + 5)],
    ['a partial block', /block 0 has a state/, (copy) => copy.writeUInt8(7, batAt)],
    ['bits of an entry', /block 1 has bits/, (copy) => copy.writeUInt8(0x0e, batAt + 8)],
    ['a block outside', /block 0 lies outside/, (copy) => copy.writeUInt8(9, batAt + 4)],
    ['a block in the headers', /block 0 lies outside/, (copy) => copy.writeUInt32LE(6, batAt)],
    [
      'a block over the table',
      /block 0 lies .*over its tables/,
      (copy) => copy.writeUInt32LE(batAt + 6, batAt),
    ],
    ['one block twice', /block 1 overlaps/, (copy) => copy.copy(copy, batAt + 8, batAt, batAt + 8)],
  ])('%s', async (_, saying, change) => {
    expect(await outcome(resealed(changed(file, change)))).toEqual(refusal(saying))
  })
})

describe('fuzz: sound extents or refused, in bounded time', () => {
  it('any field, under right checksums', async () => {
    const places = [
      ...headersAt.map((at) => [at, 80] as const),
      ...tablesAt.map((at) => [at, 80] as const),
      [metadataAt, 32 + 6 * 32],
      [metadataAt + 64 * kib, 64],
      [batAt, 16],
    ] as const
    await holdsWhateverIsWritten(file, { places, seal: resealed, numRuns: 60 })
  })

  it('any bytes, with the checksums that were', async () => {
    const places = [...headersAt, ...tablesAt].map((at) => [at, 80] as const)
    await holdsWhateverIsWritten(file, { places, numRuns: 40 })
  })

  it('cut off anywhere', () => holdsWhereverItIsCut(file, disk))
  it('noise after the magic', () => holdsWhateverFollows('vhdxfile'))
})
