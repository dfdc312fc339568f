import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { vhdDynamic, vhdFixed } from '../../../test/support/vhd-files.ts'
import { digestOf } from '../../domain/digest.ts'
import { digestDynamicVhd, vhdSizeBytes } from './vhd-content.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-vhd-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('the digest of a dynamic VHD is that of the disk inside, whatever the order of its blocks', async () => {
  const disk = Buffer.alloc(5 * 512 * 1024 + 4096)
  for (const at of [0, 512 * 1024 + 5000, disk.length - 512]) disk.fill(7, at, at + 512)
  const path = join(folder, 'a.vhd')
  await writeFile(path, vhdDynamic(disk, { order: (blocks) => blocks.reverse() }))
  expect(await digestDynamicVhd(path, new AbortController().signal)).toBe(digestOf(disk))
})

test('the size of a VHD by Virtual PC is that of its geometry', () => {
  const sizeOf = (creator: string) => {
    const file = vhdFixed(Buffer.alloc(512 * 1024), { creator, geometry: [10, 4, 17] })
    return vhdSizeBytes(file.subarray(-512))
  }
  expect(sizeOf('vpc ')).toBe(10 * 4 * 17 * 512)
  expect(sizeOf('win ')).toBe(512 * 1024)
})
