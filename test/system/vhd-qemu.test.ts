import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openLocalFile } from '../../src/formats/local-file.ts'
import { openDiskFile } from '../../src/formats/open-disk-file.ts'
import { fixedVhdFooter } from '../../src/formats/vhd-footer.ts'
import { wholeDisk } from '../support/disk-bytes.ts'
import { vhdFixed } from '../support/vhd-files.ts'

/** Needs `qemu-img` (Debian: qemu-utils); without it every test here fails, saying ENOENT. */
const run = promisify(execFile)
const { signal } = new AbortController()
const sector = 512
const id = '00112233-4455-6677-8899-aabbccddeeff'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-vhd-qemu-'))
})
afterAll(() => rm(folder, { recursive: true }))

const inFolder = (name: string) => join(folder, name)

/** Up to 12 MiB, most of it zeros: several blocks of qemu's 2 MiB, sizes that no geometry has. */
const sparseDisk = fc
  .record({
    sectors: fc.integer({ min: 1, max: 24_000 }),
    written: fc.array(fc.tuple(fc.nat(23_999), fc.integer({ min: 1, max: 255 })), { maxLength: 9 }),
  })
  .map(({ sectors, written }) => {
    const disk = Buffer.alloc(sectors * sector)
    for (const [at, byte] of written) disk.subarray(at * sector, (at + 9) * sector).fill(byte)
    return disk
  })

async function readByUs(path: string): Promise<{ format: string; bytes: Buffer }> {
  const { reader, close } = await openLocalFile(path)
  const disk = await openDiskFile(reader, signal)
  const bytes = Buffer.from(await wholeDisk(disk, reader))
  await close()
  return { format: disk.format, bytes }
}

async function readByQemu(path: string): Promise<Buffer> {
  await run('qemu-img', ['convert', '-f', 'vpc', '-O', 'raw', path, inFolder('qemu.raw')])
  return readFile(inFolder('qemu.raw'))
}

describe('what qemu-img writes reads here as it reads there', () => {
  it.each([
    ['dynamic', 'off', 'vhd-dynamic'],
    ['dynamic', 'on', 'vhd-dynamic'],
    ['fixed', 'off', 'vhd-fixed'],
    ['fixed', 'on', 'vhd-fixed'],
  ])('%s, force_size=%s', async (subformat, force, format) => {
    await fc.assert(
      fc.asyncProperty(sparseDisk, async (disk) => {
        await writeFile(inFolder('disk.raw'), disk)
        const options = `subformat=${subformat},force_size=${force}`
        const paths = [inFolder('disk.raw'), inFolder('disk.vhd')]
        await run('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', '-o', options, ...paths])
        const ours = await readByUs(inFolder('disk.vhd'))
        expect(ours.format).toBe(format)
        expect(ours.bytes.equals(await readByQemu(inFolder('disk.vhd')))).toBe(true)
        // Without force_size the disk grows to what a geometry can say.
        expect(ours.bytes.subarray(0, disk.length).equals(disk)).toBe(true)
        expect(force === 'off' || ours.bytes.length === disk.length).toBe(true)
      }),
      { numRuns: 10 },
    )
  })
})

it('raw bytes and our footer are, to qemu, a VHD of the same bytes and size', async () => {
  await fc.assert(
    fc.asyncProperty(sparseDisk, async (disk) => {
      const footer = fixedVhdFooter({ virtualSizeBytes: disk.length, id })
      await writeFile(inFolder('ours.vhd'), Buffer.concat([disk, footer]))
      expect((await readByQemu(inFolder('ours.vhd'))).equals(disk)).toBe(true)
    }),
    { numRuns: 10 },
  )
})

it.each(['vpc ', 'qemu', 'qem2', 'win ', 'd2v ', 'CTXS', 'tap\0'])(
  'the virtual size of a disk by %j is the one that qemu finds',
  async (creator) => {
    const disk = Buffer.alloc(2 * 1024 * 1024)
    await writeFile(inFolder('made.vhd'), vhdFixed(disk, { creator, geometry: [60, 4, 17] }))
    const ours = await readByUs(inFolder('made.vhd'))
    expect(ours.bytes.length).toBe((await readByQemu(inFolder('made.vhd'))).length)
  },
)
