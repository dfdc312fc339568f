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
import { openDiskFile } from './open-disk-file.ts'

const { signal } = new AbortController()
const disk = goldenDisk('disk.raw')
const sparse = goldenDisk('vmdk-sparse.vmdk')
const stream = goldenDisk('vmdk-stream.vmdk')
const sector = 512
const grain = 65536

const directoryAt = (file: Buffer) => {
  const told = file.readBigUInt64LE(56)
  const footer = file.length - 2 * sector
  return Number(told < 2n ** 63n ? told : file.readBigUInt64LE(footer + 56)) * sector
}
const tableAt = (file: Buffer) => file.readUInt32LE(directoryAt(file)) * sector
const textAt = (file: Buffer) => Number(file.readBigUInt64LE(28)) * sector

/** As VMware writes it, who knows where the directory lies when all grains are written: footer and end-of-stream. */
const footed = Buffer.concat([
  changed(stream, (copy) => copy.fill(0xff, 56, 64)),
  Buffer.alloc(sector),
  stream.subarray(0, sector),
  Buffer.alloc(sector),
])

/** Writes other words of the same length into the descriptor. */
function reworded(file: Buffer, from: string, to: string): Buffer {
  return changed(file, (copy) => {
    const at = copy.indexOf(from, textAt(file), 'latin1')
    copy.write(to.padEnd(from.length), at, 'latin1')
  })
}

describe('what qemu-img wrote reads as the disk that it was made of', () => {
  it.each([
    ['monolithic sparse', sparse],
    ['stream-optimised', stream],
    ['stream-optimised, its directory known at the end only', footed],
  ])('%s', async (_, file) => {
    expect(await outcome(file)).toBe(digestOf(disk))
  })

  it('holes are no extents', async () => {
    for (const file of [sparse, stream]) {
      const opened = await openDiskFile(memoryReader(file), signal)
      const extents = await soundExtents(opened, file.length)
      const total = extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
      expect(total).toBe(4 * grain + 1536)
    }
  })

  it('an entry of 1 is zeros when the header says so, else a place', async () => {
    const first = changed(sparse, (copy) => copy.writeUInt32LE(1, tableAt(sparse)))
    expect(await outcome(changed(first, (copy) => copy.writeUInt32LE(7, 8)))).toBe(
      digestOf(changed(disk, (copy) => copy.fill(0, 0, grain))),
    )
  })
})

describe('what cannot be read is refused, saying why and what to do', () => {
  it.each<[string, RegExp, (copy: Buffer) => void]>([
    ['version 4', /version is 4/, (copy) => copy.writeUInt32LE(4, 4)],
    ['sent as text', /transfer as text/, (copy) => copy.writeUInt8(13, 73)],
    ['not closed', /not closed.*vmware-vdiskmanager/, (copy) => copy.writeUInt8(1, 72)],
    ['oddly compressed', /compressed in a way/, (copy) => copy.writeUInt8(1, 10)],
    ['no descriptor', /one of several files/, (copy) => copy.fill(0, 28, 36)],
    ['a descriptor outside', /descriptor lies outside/, (copy) => copy.writeUInt32LE(1e6, 28)],
    ['a descriptor of 2 GiB', /descriptor lies outside/, (copy) => copy.writeUInt32LE(4e6, 36)],
    ['grains of 2 KiB', /grains of 2048/, (copy) => copy.writeUInt32LE(4, 20)],
    ['grains of 96 KiB', /grains of 98304/, (copy) => copy.writeUInt32LE(192, 20)],
    ['grains of 4 MiB', /larger than 2 MiB/, (copy) => copy.writeUInt32LE(8192, 20)],
    ['tables of 256', /not 512 entries/, (copy) => copy.writeUInt32LE(256, 44)],
    ['no size', /disk size of 0/, (copy) => copy.fill(0, 12, 20)],
    ['2^63 sectors', /disk size of/, (copy) => copy.writeUInt8(0x80, 19)],
    ['a directory outside', /directory lies outside/, (copy) => copy.writeUInt32LE(1e6, 56)],
    ['no directory', /directory lies outside/, (copy) => copy.fill(0, 56, 64)],
    ['a footer that is not there', /footer is not at its end/, (copy) => copy.fill(255, 56, 64)],
    [
      'a table outside',
      /table 0 lies outside/,
      (copy) => copy.writeUInt32LE(1e6, directoryAt(sparse)),
    ],
    ['a grain outside', /grain 0 lies outside/, (copy) => copy.writeUInt32LE(1e6, tableAt(sparse))],
    [
      'one grain twice',
      /grain 4 overlaps/,
      (copy) => copy.copy(copy, tableAt(sparse) + 16, tableAt(sparse), tableAt(sparse) + 4),
    ],
    [
      'grains that overlap by a sector',
      /grain 4 overlaps/,
      (copy) => copy.writeUInt32LE(copy.readUInt32LE(tableAt(sparse)) + 127, tableAt(sparse) + 16),
    ],
  ])('%s', async (_, saying, change) => {
    expect(await outcome(changed(sparse, change))).toEqual(refusal(saying))
  })

  it.each([
    ['a snapshot', 'parentCID=ffffffff', 'parentCID=01234567', /snapshot.*parent/],
    ['a flat disk', 'monolithicSparse', 'monolithicFlat"', /type monolithicFlat/],
    ['no type', 'createType', 'xreateType', /one of several/],
    ['another kind of extent', 'SPARSE', 'FLAT', /monolithicSparse in 1 extents/],
    ['two extents', '# The Disk Data Base', 'RW 1 SPARSE "a.vmdk"', /in 2 extents/],
  ])('%s', async (_, from, to, saying) => {
    expect(await outcome(reworded(sparse, from, to))).toEqual(refusal(saying))
  })

  it('a stream that lost its footer, or whose footer is of another disk', async () => {
    expect(await outcome(footed.subarray(0, -3 * sector))).toEqual(refusal(/truncated/))
    const other = changed(footed, (copy) => copy.writeUInt8(9, footed.length - 2 * sector + 12))
    expect(await outcome(other)).toEqual(refusal(/disagree/))
  })

  it('a compressed grain that does not unpack, one that lies outside, one twice', async () => {
    const at = stream.readUInt32LE(tableAt(stream)) * sector
    const spoilt = changed(stream, (copy) => copy.fill(0xff, at + 20, at + 60))
    expect(await outcome(spoilt)).toMatchObject({ name: 'Damaged' })
    const outside = changed(stream, (copy) => copy.writeUInt32LE(1e6, tableAt(stream)))
    expect(await outcome(outside)).toEqual(refusal(/grain 0 lies outside/))
    const twice = changed(stream, (copy) =>
      copy.copy(copy, tableAt(stream) + 16, tableAt(stream), tableAt(stream) + 4),
    )
    expect(await outcome(twice)).toEqual(refusal(/overlaps another/))
  })

  it('a descriptor of nothing but blanks takes no time', async () => {
    const blank = changed(sparse, (copy) => {
      copy.writeUInt32LE(1, 28)
      copy.writeUInt32LE(256, 36)
      copy.fill('\n ', sector, sector + 256 * sector)
    })
    expect(await outcome(blank)).toEqual(refusal(/several files/))
  })
})

describe('fuzz: sound extents or refused, in bounded time', () => {
  it.each([
    ['monolithic sparse', sparse],
    ['stream-optimised', stream],
    ['with a footer', footed],
  ])('%s', async (_, file) => {
    const places = [
      [0, 79],
      [file.length - 2 * sector, 79],
      [textAt(file), 400],
      [directoryAt(file), 8],
      [tableAt(file), 17 * 4],
    ] as const
    await holdsWhateverIsWritten(file, { places })
    await holdsWhereverItIsCut(file, disk)
  })

  it('noise after the magic', () => holdsWhateverFollows('KDMV'))
})
