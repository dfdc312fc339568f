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
const plain = goldenDisk('qcow2-v3.qcow2')
const zlib = goldenDisk('qcow2-v2-zlib.qcow2')
const zstd = goldenDisk('qcow2-zstd.qcow2')
const subclusters = goldenDisk('qcow2-subclusters.qcow2')
const cluster = 65536

const l1At = (file: Buffer) => Number(file.readBigUInt64BE(40))
const l2At = (file: Buffer) => Number(file.readBigUInt64BE(l1At(file)) & 0xff_ffff_ffff_ff00n)
/** Of the first entry that names a cluster. */
const entryAt = (file: Buffer) => {
  let at = l2At(file)
  while (file.readBigUInt64BE(at) === 0n) at += 8
  return at
}
/** Of the first entry whose cluster is compressed. */
const packedAt = (file: Buffer) => {
  let at = entryAt(file)
  while ((file.readUInt8(at) & 0x40) === 0) at += 8
  return at
}

describe('what qemu-img wrote reads as the disk that it was made of', () => {
  it.each([
    ['version 3', plain],
    ['version 2, zlib', zlib],
    ['zstd', zstd],
    ['subclusters', subclusters],
  ])('%s', async (_, file) => {
    expect(await outcome(file)).toBe(digestOf(disk))
  })

  it('holes are no extents, and neighbours are one', async () => {
    const opened = await openDiskFile(memoryReader(plain), signal)
    const extents = await soundExtents(opened, plain.length)
    expect(extents.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes])).toEqual([
      [0, cluster],
      [4 * cluster, 3 * cluster],
      [16 * cluster, 1536],
    ])
    const finer = await soundExtents(
      await openDiskFile(memoryReader(subclusters), signal),
      subclusters.length,
    )
    expect(finer.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBeLessThan(120 * 1024)
  })

  it('a dirty mark is no reason to refuse: it is about reference counts', async () => {
    expect(await outcome(changed(plain, (copy) => copy.writeUInt8(1, 79)))).toBe(digestOf(disk))
  })

  it('a cluster of zeros that keeps its place is zeros', async () => {
    const zeroed = changed(plain, (copy) => {
      copy.writeUInt8(copy.readUInt8(entryAt(plain) + 7) | 1, entryAt(plain) + 7)
    })
    const result = await outcome(zeroed)
    expect(result).toBe(digestOf(changed(disk, (copy) => copy.fill(0, 0, cluster))))
  })
})

describe('what cannot be read is refused, saying why and what to do', () => {
  it.each<[string, RegExp, (copy: Buffer) => void]>([
    ['version 1', /version is 1/, (copy) => copy.writeUInt32BE(1, 4)],
    ['encrypted', /encrypted.*Decrypt/, (copy) => copy.writeUInt32BE(2, 32)],
    ['a backing file', /backing file.*whole.qcow2/, (copy) => copy.writeUInt32BE(600, 12)],
    ['a backing file whose name has no end', /backing file ''/, (copy) => copy.fill(0xff, 8, 20)],
    ['marked corrupt', /corrupt.*check -r all/, (copy) => copy.writeUInt8(2, 79)],
    ['data elsewhere', /another file/, (copy) => copy.writeUInt8(4, 79)],
    ['an unknown feature', /feature that is not known/, (copy) => copy.writeUInt8(32, 79)],
    ['another unknown feature', /feature that is not known/, (copy) => copy.writeUInt8(1, 72)],
    ['a short header', /header is short/, (copy) => copy.writeUInt32BE(72, 100)],
    ['no known compression', /compression type is/, (copy) => copy.writeUInt8(8, 79)],
    ['clusters of 256 bytes', /clusters are of 2\^8/, (copy) => copy.writeUInt32BE(8, 20)],
    ['clusters of 4 MiB', /clusters are of 2\^22/, (copy) => copy.writeUInt32BE(22, 20)],
    ['no size', /disk size of 0/, (copy) => copy.fill(0, 24, 32)],
    ['half a sector', /disk size of/, (copy) => copy.writeUInt8(1, 31)],
    ['a disk of 2^63 bytes', /at most/, (copy) => copy.writeUInt8(0x80, 24)],
    ['a disk of 1 TiB', /L1 table is too short/, (copy) => copy.writeUInt8(1, 26)],
    ['no L1 table', /L1 table is too short/, (copy) => copy.writeUInt32BE(0, 36)],
    ['an L1 table outside', /L1 table lies outside/, (copy) => copy.writeUInt32BE(1, 40)],
    ['an L1 table off its cluster', /L1 table lies outside/, (copy) => copy.writeUInt8(1, 47)],
    ['an L1 table over the header', /L1 table lies outside/, (copy) => copy.fill(0, 40, 48)],
  ])('%s', async (_, saying, change) => {
    expect(await outcome(changed(plain, change))).toEqual(refusal(saying))
  })

  it.each<[string, RegExp, (copy: Buffer) => void]>([
    [
      'an L2 table that is its own L1 table',
      /L2 table 0 lies over/,
      (copy) => copy.writeBigUInt64BE(BigInt(l1At(plain)), l1At(plain)),
    ],
    ['an L2 table outside', /L2 table 0 lies out/, (copy) => copy.writeUInt8(9, l1At(plain) + 3)],
    ['an L2 table off', /L2 table 0 does not/, (copy) => copy.writeUInt8(2, l1At(plain) + 6)],
    ['bits of an L1 entry', /entry 0 .*no version/, (copy) => copy.writeUInt8(1, l1At(plain) + 7)],
    [
      'a cluster that is its own table',
      /cluster 0 lies over/,
      (copy) => copy.writeBigUInt64BE(BigInt(l2At(plain)), entryAt(plain)),
    ],
    [
      'one cluster twice',
      /cluster 1 lies over/,
      (copy) => copy.copy(copy, entryAt(plain) + 8, entryAt(plain), entryAt(plain) + 8),
    ],
    ['a cluster outside', /cluster 0 lies out/, (copy) => copy.writeUInt8(9, entryAt(plain) + 2)],
    ['a cluster off', /cluster 0 does not lie/, (copy) => copy.writeUInt8(2, entryAt(plain) + 6)],
    ['bits of an entry', /no version defines/, (copy) => copy.writeUInt8(2, entryAt(plain) + 7)],
  ])('%s', async (_, saying, change) => {
    expect(await outcome(changed(plain, change))).toEqual(refusal(saying))
  })

  it('a compressed cluster outside, or one that does not unpack', async () => {
    const outside = changed(zlib, (copy) => copy.writeUInt32BE(0xff_ffff, packedAt(zlib) + 4))
    expect(await outcome(outside)).toEqual(refusal(/cluster \d+ lies outside/))
    for (const file of [zlib, zstd]) {
      const at = file.readUInt32BE(packedAt(file) + 4)
      const spoilt = changed(file, (copy) => copy.fill(0xff, at, at + 40))
      expect(await outcome(spoilt)).toMatchObject({ name: 'Damaged' })
    }
  })

  it('a file of more clusters than can be kept in mind', async () => {
    const small = changed(plain, (copy) => {
      copy.writeUInt32BE(9, 20)
      copy.writeBigUInt64BE(512n, 24)
    })
    // The last bytes are looked at for the footer of a VHD.
    const { read } = memoryReader(small)
    const readEnd: typeof read = async (range, stop) =>
      range.offsetBytes < small.length ? read(range, stop) : new Uint8Array(range.lengthBytes)
    const opening = openDiskFile({ sizeBytes: 2 ** 40, read: readEnd }, signal)
    await expect(opening).rejects.toEqual(refusal(/cluster_size=64k/))
  })
})

describe('fuzz: sound extents or refused, in bounded time', () => {
  it.each([
    ['version 3', plain],
    ['version 2, zlib', zlib],
    ['zstd', zstd],
    ['subclusters', subclusters],
  ])('%s', async (_, file) => {
    const places = [
      [0, 112],
      [l1At(file), 16],
      [l2At(file), 17 * 16],
    ] as const
    await holdsWhateverIsWritten(file, { places })
    await holdsWhereverItIsCut(file, disk)
  })

  it('noise after the magic', () => holdsWhateverFollows('QFI\xfb'))
})
