import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQemuFolder, sparseDisk } from '../support/qemu-img.ts'

let qemu: Awaited<ReturnType<typeof openQemuFolder>>
beforeAll(async () => {
  qemu = await openQemuFolder()
})
afterAll(() => qemu.close())

describe('what qemu-img writes reads here as it reads there', () => {
  it.each([
    ['dynamic', 'subformat=dynamic'],
    ['fixed', 'subformat=fixed'],
    ['blocks of 1 MiB', 'subformat=dynamic,block_size=1M'],
    ['blocks of 256 MiB', 'subformat=dynamic,block_size=256M'],
    ['blocks that are not marked as zeros', 'subformat=dynamic,block_state_zero=off,block_size=1M'],
  ])('%s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        await qemu.make('disk.vhdx', disk, ['-O', 'vhdx', '-o', options])
        const ours = await qemu.readByUs('disk.vhdx')
        expect(ours.format).toBe('vhdx')
        expect(ours.bytes.equals(await qemu.readByQemu('disk.vhdx', 'vhdx'))).toBe(true)
        expect(ours.bytes.equals(disk)).toBe(true)
      }),
      { numRuns: 6 },
    )
  })

  it('a disk of 8 TiB that holds 1 MiB, beyond its first sector bitmaps', async () => {
    await qemu.img('create', '-f', 'vhdx', '-o', 'block_size=1M', 'large.vhdx', '8T')
    await qemu.io('large.vhdx', 'vhdx', 'write -P 7 7T 1M', 'write -P 8 5000M 1M')
    const extents = await qemu.extentsByUs('large.vhdx')
    expect(extents.map(({ offsetBytes }) => offsetBytes)).toEqual([5000 * 2 ** 20, 7 * 2 ** 40])
  })
})
