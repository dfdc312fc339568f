import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkDiskFile } from './disk-file.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-file-'))
})

afterEach(() => rm(folder, { recursive: true }))

async function check(name: string, bytes: Uint8Array): Promise<number> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return await checkDiskFile(path)
}

function fixedVhd(): Buffer {
  const bytes = Buffer.alloc(4096 + 512, 3)
  bytes.write('conectix', 4096)
  bytes.writeBigUInt64BE(4096n, 4096 + 48)
  bytes.writeUInt32BE(2, 4096 + 60)
  return bytes
}

test('a raw disk and a whole VHD are taken, whatever a raw disk is called', async () => {
  expect(await check('a.raw', Buffer.alloc(4096))).toBe(4096)
  expect(await check('a.img', Buffer.alloc(4096))).toBe(4096)
  expect(await check('a.vhd', fixedVhd())).toBe(4608)
})

test('a .vhd that lost its end is not taken for a raw disk', async () => {
  await expect(check('a.vhd', fixedVhd().subarray(0, 2048))).rejects.toThrow('no VHD footer')
  const joined = Buffer.concat([Buffer.alloc(512), fixedVhd()])
  await expect(check('b.vhd', joined)).rejects.toThrow('truncated or joined')
})

test('QCOW2, VHDX and VMDK are the server’s to judge', async () => {
  for (const magic of ['QFI\xfb', 'vhdxfile', 'KDMV']) {
    const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.alloc(1020)])
    expect(await check('a.img', bytes)).toBe(bytes.length)
  }
})

test('VMDKs in parts, folders and scraps are told by name', async () => {
  for (const magic of ['COWD', '# Disk DescriptorFile']) {
    const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.alloc(1024)])
    await expect(check('a.raw', bytes)).rejects.toThrow('qemu-img convert')
  }
  await expect(checkDiskFile(folder)).rejects.toThrow('it is a folder')
  await expect(check('small.raw', Buffer.alloc(100))).rejects.toThrow('too small')
})
