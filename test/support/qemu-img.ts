import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { openLocalFile } from '../../src/formats/local-file.ts'
import { openDiskFile } from '../../src/formats/open-disk-file.ts'
import { soundExtents, wholeDisk } from './disk-bytes.ts'

/** Needs `qemu-img` and `qemu-io` (Debian: qemu-utils); without them what uses this fails, saying ENOENT. */
const run = promisify(execFile)
const { signal } = new AbortController()
const sector = 512

/** A folder in which qemu-img is asked, and what it and we find in a disk file there. */
export async function openQemuFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-qemu-'))
  const path = (name: string): string => join(folder, name)

  async function img(...args: readonly string[]): Promise<string> {
    return (await run('qemu-img', [...args], { cwd: folder })).stdout
  }

  /** Writes a disk as qemu does. */
  async function make(name: string, disk: Uint8Array, options: readonly string[]): Promise<void> {
    await writeFile(path('disk.raw'), disk)
    await img('convert', '-f', 'raw', ...options, 'disk.raw', name)
  }

  async function io(name: string, format: string, ...commands: readonly string[]): Promise<void> {
    const args = commands.flatMap((command) => ['-c', command])
    await run('qemu-io', ['-f', format, ...args, name], { cwd: folder })
  }

  async function readByQemu(name: string, format: string): Promise<Buffer> {
    await img('convert', '-f', format, '-O', 'raw', name, 'qemu.raw')
    return await readFile(path('qemu.raw'))
  }

  async function readByUs(name: string): Promise<{ format: string; bytes: Buffer }> {
    const { reader, close } = await openLocalFile(path(name))
    try {
      const disk = await openDiskFile(reader, signal)
      return { format: disk.format, bytes: Buffer.from(await wholeDisk(disk, reader)) }
    } finally {
      await close()
    }
  }

  async function extentsByUs(name: string) {
    const { reader, close } = await openLocalFile(path(name))
    try {
      return await soundExtents(await openDiskFile(reader, signal), reader.sizeBytes)
    } finally {
      await close()
    }
  }

  return {
    path,
    extentsByUs,
    img,
    io,
    make,
    readByQemu,
    readByUs,
    close: () => rm(folder, { recursive: true }),
  }
}

/** Up to 12 MiB, most of it zeros, some of it noise that nothing compresses; any number of sectors. */
export const sparseDisk = fc
  .record({
    sectors: fc.integer({ min: 1, max: 24_000 }),
    written: fc.array(
      fc.record({
        at: fc.nat(23_999),
        sectors: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 600 })),
        byte: fc.integer({ min: 1, max: 255 }),
        isNoise: fc.boolean(),
      }),
      { maxLength: 9 },
    ),
  })
  .map(({ sectors, written }) => {
    const disk = Buffer.alloc(sectors * sector)
    for (const { at, sectors: count, byte, isNoise } of written) {
      const part = disk.subarray(at * sector, (at + count) * sector)
      if (isNoise) part.set(noise(byte, part.length))
      else part.fill(byte)
    }
    return disk
  })

/** A linear congruence: the same for the same seed. */
export function noise(seed: number, lengthBytes: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length: lengthBytes }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  })
}
