import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQemuFolder, sparseDisk } from '../support/qemu-img.ts'

let qemu: Awaited<ReturnType<typeof openQemuFolder>>
beforeAll(async () => {
  qemu = await openQemuFolder()
})
afterAll(() => qemu.close())

const numRuns = 8
const qcow2 = (options = '', ...more: string[]) => [
  '-O',
  'qcow2',
  ...(options === '' ? [] : ['-o', options]),
  ...more,
]

describe('what qemu-img writes reads here as it reads there', () => {
  it.each([
    ['as it is by default', qcow2()],
    ['version 2', qcow2('compat=0.10')],
    ['clusters of 512 bytes', qcow2('cluster_size=512')],
    ['clusters of 2 MiB', qcow2('cluster_size=2M')],
    ['subclusters', qcow2('extended_l2=on,cluster_size=64k')],
    ['subclusters of 64 KiB', qcow2('extended_l2=on,cluster_size=2M')],
    ['lazy reference counts', qcow2('lazy_refcounts=on')],
    ['reference counts of one bit', qcow2('refcount_bits=1')],
    ['metadata for all', qcow2('preallocation=metadata')],
    ['all in place', qcow2('preallocation=falloc')],
    ['compressed', qcow2('', '-c')],
    ['compressed, version 2', qcow2('compat=0.10', '-c')],
    ['compressed, clusters of 4 KiB', qcow2('cluster_size=4k', '-c')],
    ['compressed, clusters of 2 MiB', qcow2('cluster_size=2M', '-c')],
    ['compressed with zstd', qcow2('compression_type=zstd', '-c')],
    ['zstd, clusters of 512 bytes', qcow2('compression_type=zstd,cluster_size=512', '-c')],
    ['zstd, clusters of 2 MiB', qcow2('compression_type=zstd,cluster_size=2M', '-c')],
    ['compressed, out of order', qcow2('', '-c', '-W', '-m', '8')],
  ])('%s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        await qemu.make('disk.qcow2', disk, options)
        const ours = await qemu.readByUs('disk.qcow2')
        expect(ours.format).toBe('qcow2')
        expect(ours.bytes.equals(disk)).toBe(true)
      }),
      { numRuns },
    )
  })

  it.each([
    ['clusters', ''],
    ['subclusters', ',extended_l2=on'],
  ])(
    'a disk with a history, in %s: written, made zeros, discarded, snapshotted',
    async (_, how) => {
      await qemu.img('create', '-f', 'qcow2', '-o', `cluster_size=64k${how}`, 'old.qcow2', '8M')
      const writes = [
        'write -P 1 0 1M',
        'write -P 2 3M 200k',
        'write -P 3 7M 1M',
        'write -P 9 513k 1k',
      ]
      await qemu.io('old.qcow2', 'qcow2', ...writes)
      await qemu.img('snapshot', '-c', 'first', 'old.qcow2')
      const more = [
        'write -z 128k 128k',
        'discard 3M 64k',
        'write -z -u 7M 64k',
        'write -P 4 100k 3k',
      ]
      await qemu.io('old.qcow2', 'qcow2', ...more)
      const { bytes } = await qemu.readByUs('old.qcow2')
      expect(bytes.equals(await qemu.readByQemu('old.qcow2', 'qcow2'))).toBe(true)
      expect([bytes[0], bytes[128 * 1024], bytes[100 * 1024]]).toEqual([1, 0, 4])
    },
  )

  it('a disk of 8 TiB that holds 1 MiB is read by what it holds', async () => {
    await qemu.img('create', '-f', 'qcow2', 'large.qcow2', '8T')
    await qemu.io('large.qcow2', 'qcow2', 'write -P 7 7T 1M')
    const map = await qemu.extentsByUs('large.qcow2')
    expect(map.map(({ offsetBytes }) => offsetBytes)[0]).toBe(7 * 2 ** 40)
    expect(map.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)).toBe(2 ** 20)
  })
})

describe('what needs more than the file is refused, saying what to do', () => {
  it('a backing file', async () => {
    await qemu.img('create', '-f', 'raw', 'base.raw', '1M')
    await qemu.img('create', '-f', 'qcow2', '-F', 'raw', '-b', 'base.raw', 'top.qcow2')
    await expect(qemu.readByUs('top.qcow2')).rejects.toThrow(/backing file 'base.raw'.*convert/)
  })

  it('encryption', async () => {
    const secret = ['--object', 'secret,id=key,data=secret']
    const options = 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10'
    await qemu.img('create', '-f', 'qcow2', ...secret, '-o', options, 'locked.qcow2', '1M')
    await expect(qemu.readByUs('locked.qcow2')).rejects.toThrow(/encrypted/)
  })

  it('data in another file', async () => {
    await qemu.img('create', '-f', 'qcow2', '-o', 'data_file=data.raw', 'split.qcow2', '1M')
    await expect(qemu.readByUs('split.qcow2')).rejects.toThrow(/another file/)
  })
})
