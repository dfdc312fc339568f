import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQemuFolder, sparseDisk } from '../support/qemu-img.ts'

let qemu: Awaited<ReturnType<typeof openQemuFolder>>
beforeAll(async () => {
  qemu = await openQemuFolder()
})
afterAll(() => qemu.close())

const vmdk = (options: string) => ['-O', 'vmdk', '-o', options]

describe('what qemu-img writes reads here as it reads there', () => {
  it.each([
    ['monolithicSparse', 'subformat=monolithicSparse'],
    ['zeroed grains', 'subformat=monolithicSparse,zeroed_grain=on'],
    ['of the old hardware', 'subformat=monolithicSparse,compat6=on'],
    ['streamOptimized', 'subformat=streamOptimized'],
  ])('%s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        await qemu.make('disk.vmdk', disk, vmdk(options))
        const ours = await qemu.readByUs('disk.vmdk')
        expect(ours.format).toBe('vmdk')
        expect(ours.bytes.equals(await qemu.readByQemu('disk.vmdk', 'vmdk'))).toBe(true)
        expect(ours.bytes.equals(disk)).toBe(true)
      }),
      { numRuns: 8 },
    )
  })

  it('zeros that were written are holes', async () => {
    await qemu.img('create', '-f', 'vmdk', '-o', 'zeroed_grain=on', 'zeros.vmdk', '4M')
    await qemu.io('zeros.vmdk', 'vmdk', 'write -P 5 0 1M', 'write -z 64k 64k')
    const { bytes } = await qemu.readByUs('zeros.vmdk')
    expect(bytes.equals(await qemu.readByQemu('zeros.vmdk', 'vmdk'))).toBe(true)
    expect(await qemu.extentsByUs('zeros.vmdk')).toHaveLength(2)
  })
})

describe('what is more than one file is refused, saying what to do', () => {
  it.each([
    ['monolithicFlat', 'flat.vmdk'],
    ['twoGbMaxExtentSparse', 'split.vmdk'],
    ['twoGbMaxExtentSparse', 'split-s001.vmdk'],
  ])('%s: %s', async (subformat, name) => {
    await qemu.img(
      'create',
      ...['-f', 'vmdk', '-o', `subformat=${subformat}`, name.replace('-s001', ''), '1M'],
    )
    await expect(qemu.readByUs(name)).rejects.toThrow(/several files|description only/)
  })

  it('a snapshot', async () => {
    await qemu.img('create', '-f', 'vmdk', 'base.vmdk', '1M')
    await qemu.img('create', '-f', 'vmdk', '-F', 'vmdk', '-b', 'base.vmdk', 'top.vmdk')
    await expect(qemu.readByUs('top.vmdk')).rejects.toThrow(/snapshot.*parent/)
  })
})
