import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryReader, soundExtents, wholeDisk } from '../../test/support/disk-bytes.ts'
import { sector, vhdDynamic, vhdFixed } from '../../test/support/vhd-files.ts'
import { limits } from '../domain/limits.ts'
import { openDiskFile } from './open-disk-file.ts'

const { signal } = new AbortController()
const mib = 1024 * 1024

/** A disk of up to 2100 sectors, some of which hold data: more than one block, the last one cut. */
const sparseDisk = fc
  .record({
    sectors: fc.integer({ min: 1, max: 2100 }),
    written: fc.array(fc.tuple(fc.nat(2099), fc.nat(9), fc.integer({ min: 1, max: 255 })), {
      maxLength: 12,
    }),
  })
  .map(({ sectors, written }) => {
    const disk = Buffer.alloc(sectors * sector)
    for (const [at, length, byte] of written) {
      disk.subarray(at * sector, (at + length) * sector).fill(byte)
    }
    return disk
  })

function open(file: Uint8Array) {
  return openDiskFile(memoryReader(file), signal)
}

async function bytesOf(file: Uint8Array): Promise<Buffer> {
  const reader = memoryReader(file)
  return Buffer.from(await wholeDisk(await openDiskFile(reader, signal), reader))
}

function refusal(saying: RegExp) {
  return expect.objectContaining({ code: 'InvalidDisk', message: expect.stringMatching(saying) })
}

describe('bytes come out as they went in', () => {
  it('raw', async () => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        fc.pre(disk.length <= mib || disk.length % mib !== sector)
        expect((await bytesOf(disk)).equals(disk)).toBe(true)
      }),
    )
  })

  it('fixed VHD', async () => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        expect((await bytesOf(vhdFixed(disk))).equals(disk)).toBe(true)
      }),
    )
  })

  it.each(['QFI\xfb', 'vhdxfile', 'KDMV', 'COWD', 'conectix'])(
    'a fixed VHD of a disk that itself begins with %j',
    async (magic) => {
      const disk = Buffer.alloc(64 * sector, 7)
      disk.write(magic, 0, 'latin1')
      expect((await bytesOf(vhdFixed(disk))).equals(disk)).toBe(true)
    },
  )

  it('dynamic VHD, blocks in any order, clear sectors as zeros', async () => {
    const options = fc.record({
      blockBytes: fc.constantFrom(512 * 1024, mib, 2 * mib),
      order: fc.constantFrom(
        (blocks: number[]) => blocks,
        (blocks: number[]) => blocks.toReversed(),
      ),
      spareEntries: fc.nat(300),
    })
    await fc.assert(
      fc.asyncProperty(sparseDisk, options, async (disk, how) => {
        expect((await bytesOf(vhdDynamic(disk, how))).equals(disk)).toBe(true)
      }),
    )
  })
})

describe('holes', () => {
  it.each([
    ['raw', (disk: Buffer) => disk],
    ['vhd-fixed', (disk: Buffer) => vhdFixed(disk)],
  ] as const)('%s: extents are the data ranges, clipped to the disk', async (format, wrap) => {
    const file = wrap(Buffer.alloc(2 * mib))
    const ranges = [
      { offsetBytes: 4096, lengthBytes: 8192 },
      { offsetBytes: mib, lengthBytes: file.length - mib },
    ]
    const disk = await openDiskFile(memoryReader(file, ranges), signal)
    expect(disk.format).toBe(format)
    expect(await soundExtents(disk, file.length)).toEqual([
      { offsetBytes: 4096, lengthBytes: 8192, fileBytes: 4096 },
      { offsetBytes: mib, lengthBytes: mib, fileBytes: mib },
    ])
  })

  it('a fixed VHD whose only data is its footer has no extents', async () => {
    const file = vhdFixed(Buffer.alloc(mib))
    const disk = await openDiskFile(
      memoryReader(file, [{ offsetBytes: mib, lengthBytes: sector }]),
      signal,
    )
    expect(await soundExtents(disk, file.length)).toEqual([])
  })
})

describe('the virtual size is decided as qemu decides it', () => {
  const disk = Buffer.alloc(2 * mib)
  const geometry = [60, 4, 17] as const
  const geometryBytes = 60 * 4 * 17 * sector

  it.each([
    ['vpc ', geometryBytes],
    ['qemu', geometryBytes],
    ['qem2', disk.length],
    ['win ', disk.length],
    ['wa\0\0', disk.length],
    ['vbox', disk.length],
  ])('creator %j', async (creator, sizeBytes) => {
    for (const file of [vhdFixed, vhdDynamic]) {
      const opened = await open(file(disk, { creator, geometry }))
      expect(opened.virtualSizeBytes).toBe(sizeBytes)
    }
  })

  it.each([
    ['at its maximum', [65535, 16, 255]],
    ['of nothing', [0, 4, 17]],
    ['beyond the current size', [61, 4, 17]],
  ] as const)('a geometry %s says nothing', async (_, told) => {
    expect((await open(vhdFixed(disk, { creator: 'vpc ', geometry: told }))).virtualSizeBytes).toBe(
      disk.length,
    )
  })
})

describe('refusals say what is wrong', () => {
  const disk = Buffer.alloc(3 * mib, 'disk')
  const odd = Buffer.alloc(mib + 3 * sector, 'disk')

  it.each([
    ['an empty file', Buffer.alloc(0), /empty/],
    ['a raw disk of broken sectors', Buffer.alloc(1000), /truncate -s 1024/],
    ['the scrap of a QCOW2', Buffer.from('QFI\xfb\0\0\0\x03', 'latin1'), /QCOW2 is unsound/],
    ['the scrap of a VHDX', Buffer.from('vhdxfile'), /VHDX is unsound: .*shorter/],
    ['the scrap of a VMDK', Buffer.from('KDMV\x01\0\0\0'), /VMDK is unsound: it ends/],
    ['a VMDK of a host', Buffer.from('COWD\x01\0\0\0'), /several files.*qemu-img convert/],
    [
      'a VMDK descriptor',
      Buffer.from('# Disk DescriptorFile\nversion=1'),
      /description only.*qemu-img convert/,
    ],
    ['a fixed VHD that lost its footer', disk.subarray(0, mib + sector), /footer is missing/],
    ['garbage of the shape of a VHD', Buffer.alloc(2 * mib + sector, 0xa7), /footer is missing/],
    ['a fixed VHD that lost its middle', vhdFixed(disk).subarray(mib), /must be 3146240 bytes/],
    ['a fixed VHD joined to another', Buffer.concat([odd, vhdFixed(odd)]), /must be/],
    ['a dynamic VHD cut in its blocks', vhdDynamic(disk).subarray(0, -4096), /VHD is truncated/],
    ['a dynamic VHD cut in its footer', vhdDynamic(disk).subarray(0, -100), /VHD is truncated/],
    ['a dynamic VHD cut to its first sector', vhdDynamic(disk).subarray(0, sector), /unsound/],
    ['a differencing VHD', vhdDynamic(disk, { diskType: 4 }), /differencing.*Merge/],
    ['a VHD of no known type', vhdFixed(disk, { diskType: 6 }), /type 6/],
    ['a VHD of no size', vhdFixed(disk, { currentSizeBytes: 0 }), /disk size of 0/],
    ['a VHD of half sectors', vhdFixed(disk, { currentSizeBytes: 700 }), /disk size of 700/],
    ['a VHD of 3 TiB', vhdDynamic(disk, { currentSizeBytes: 3 * 2 ** 40 }), /2040 GiB/],
  ])('%s', async (_, file, saying) => {
    await expect(open(file)).rejects.toEqual(refusal(saying))
  })

  it('a raw disk over the bound', async () => {
    const sizeBytes = limits.virtualBytesMax + sector * 2
    const read = async () => new Uint8Array(sector)
    await expect(openDiskFile({ sizeBytes, read }, signal)).rejects.toEqual(refusal(/at most/))
  })
})
