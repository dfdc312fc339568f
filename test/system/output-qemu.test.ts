import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OutputFormat } from '../../src/domain/output-formats.ts'
import { openLocalFile } from '../../src/formats/local-file.ts'
import { openDiskOutput, streamOf } from '../../src/formats/open-disk-output.ts'
import { openQemuFolder, sparseDisk } from '../support/qemu-img.ts'

const { signal } = new AbortController()
const idHex = '00112233445566778899aabbccddeeff'

let qemu: Awaited<ReturnType<typeof openQemuFolder>>
beforeAll(async () => {
  qemu = await openQemuFolder()
})
afterAll(() => qemu.close())

/** Streams a raw file of the folder into another format. */
async function convert(from: string, to: string, format: OutputFormat): Promise<void> {
  const { reader, close } = await openLocalFile(qemu.path(from))
  const output = await openDiskOutput(format, { disk: reader, idHex }, signal)
  const pieces = Readable.from(streamOf(output, 0, signal))
  await pipeline(pieces, createWriteStream(qemu.path(to)))
  await close()
}

describe('what we write is sound to qemu-img, and the same disk', () => {
  it.each([
    ['raw', 'raw'],
    ['vhd', 'vpc'],
    ['vhd-dynamic', 'vpc'],
    ['vhdx', 'vhdx'],
    ['qcow2', 'qcow2'],
  ] as const)('%s', async (format, qemuFormat) => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        await writeFile(qemu.path('disk.raw'), disk)
        await convert('disk.raw', 'ours', format)
        // It says so and fails when a byte differs; a size it takes for zeros.
        await qemu.img('compare', '-f', 'raw', '-F', qemuFormat, 'disk.raw', 'ours')
        const info = JSON.parse(await qemu.img('info', '--output=json', '-f', qemuFormat, 'ours'))
        expect(info['virtual-size']).toBe(disk.length)
        if (qemuFormat === 'qcow2' || qemuFormat === 'vhdx') {
          expect(await qemu.img('check', '-f', qemuFormat, 'ours')).toContain('No errors')
        }
      }),
      { numRuns: 8 },
    )
  })

  it.each([
    ['qcow2', 'qcow2'],
    ['vhdx', 'vhdx'],
    ['vhd-dynamic', 'vpc'],
  ] as const)('a disk of 1000 GiB with data far apart: %s', async (format, qemuFormat) => {
    await qemu.img('create', '-f', 'raw', 'large.raw', '1000G')
    const writes = ['write -P 1 0 64k', 'write -P 2 5000M 3M', 'write -P 3 999G 1k']
    await qemu.io('large.raw', 'raw', ...writes)
    await convert('large.raw', 'large', format)
    const read = ['read -P 1 0 64k', 'read -P 2 5000M 3M', 'read -P 3 999G 1k', 'read -P 0 64k 1M']
    await qemu.io('large', qemuFormat, ...read)
    const { 'virtual-size': sizeBytes, 'actual-size': storedBytes } = JSON.parse(
      await qemu.img('info', '--output=json', '-f', qemuFormat, 'large'),
    )
    expect(sizeBytes).toBe(1000 * 2 ** 30)
    expect(storedBytes).toBeLessThan(30 * 2 ** 20)
    if (qemuFormat !== 'vpc') {
      expect(await qemu.img('check', '-f', qemuFormat, 'large')).toContain('No errors')
    }
  })
})
