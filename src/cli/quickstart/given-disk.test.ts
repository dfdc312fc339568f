import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inspectDisk } from './given-disk.ts'

test('a disk whose bytes it could not change is refused with what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-given-'))
  for (const magic of ['QFI\xfb', 'vhdxfile', 'KDMV']) {
    const path = join(folder, 'disk')
    await writeFile(path, Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.alloc(2048)]))
    await expect(inspectDisk(path)).rejects.toThrow('qemu-img convert -O raw')
  }
  await rm(folder, { recursive: true })
})
