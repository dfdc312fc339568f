import { mkdir, mkdtemp, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blobsSuite } from '../../test/suites/blobs-suite.ts'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { SpaceRefused } from './blobs.ts'
import { makeDiskStore, openDiskBlobs, systemFiles } from './disk.ts'
import { makeStore, openBlobs } from './open-blobs.ts'
import { StoreForeign } from './store-file.ts'

const owner = { installation: 'i1', space: 'westeurope/Standard_LRS/1' }

blobsSuite('disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'))
  const address = { kind: 'disk', folder: join(folder, 'space') } as const
  await makeStore(address, owner)
  let full = false
  const files = {
    ...systemFiles,
    open: async (path: string, flags: string, mode?: number) => {
      const file = await systemFiles.open(path, flags, mode)
      if (!full || !flags.startsWith('w')) return file
      const noRoom = { code: 'ENOSPC', syscall: 'write' }
      // As a full disk does: the file is made, its bytes find no room.
      file.write = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left'), noRoom))
      return file
    },
  }
  return {
    blobs: openDiskBlobs(address.folder, files),
    reopen: () => openBlobs(address),
    cut: (key, lengthBytes) => truncate(join(address.folder, key), lengthBytes),
    fill: async () => {
      full = true
    },
    takeAway: () => rename(address.folder, `${address.folder}-away`),
    close: () => rm(folder, { recursive: true }),
  }
})

describe('a store on disk', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const address = () => ({ kind: 'disk', folder }) as const
  const signal = new AbortController().signal

  test('is made once and opened again by its owner', async () => {
    await makeStore(address(), owner)
    await makeStore(address(), owner)
    await openBlobs(address()).put('roots/r', Buffer.from('x'), signal)
  })

  test('refuses another installation, another space and what it cannot read', async () => {
    await makeStore(address(), owner)
    await expect(makeStore(address(), { ...owner, installation: 'i2' })).rejects.toThrow(
      StoreForeign,
    )
    await expect(makeStore(address(), { ...owner, space: 'x/Standard_LRS/1' })).rejects.toThrow(
      StoreForeign,
    )
    for (const text of ['', '[]', '{"format":2}']) {
      await writeFile(join(folder, 'store.json'), text)
      await expect(makeStore(address(), owner)).rejects.toThrow(StoreForeign)
    }
  })

  test('a folder that is no store is never written to', async () => {
    const put = openBlobs(address()).put('roots/r', Buffer.from('x'), signal)
    await expect(put).rejects.toThrow(/no store.json/)
    expect(await readdir(folder)).toEqual([])
  })

  test('a file in the place of the folder is Unavailable', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    await expect(makeStore({ kind: 'disk', folder: path }, owner)).rejects.toThrow(Unavailable)
  })

  test('a failed put leaves no temporary file', async () => {
    await makeStore(address(), owner)
    const files = {
      ...systemFiles,
      rename: () =>
        Promise.reject(Object.assign(new Error('quota'), { code: 'EDQUOT', syscall: 'rename' })),
    }
    const put = openDiskBlobs(folder, files).put('roots/r', Buffer.from('x'), signal)
    await expect(put).rejects.toThrow(SpaceFull)
    expect(await readdir(join(folder, 'tmp'))).toEqual([])
  })

  test.each([
    ['files', 'EINVAL', 'w'],
    ['folders', 'ENOTSUP', 'r'],
  ])('on a file system that syncs no %s is refused, with what to do', async (_, code, flag) => {
    const files = {
      ...systemFiles,
      open: async (path: string, flags: string, mode?: number) => {
        const file = await systemFiles.open(path, flags, mode)
        if (!flags.startsWith(flag)) return file
        const syscall = 'fsync'
        const fails = async () => {
          throw Object.assign(new Error(`${code}: not here, fsync`), { code, syscall })
        }
        return Object.assign(file, { sync: fails, datasync: fails })
      },
    }
    const made = makeDiskStore(folder, owner, files)
    await expect(made).rejects.toThrow(SpaceRefused)
    await expect(made).rejects.toThrow(/cannot promise to keep .*knows fsync, such as ext4/)
  })

  test('what a crash left in tmp goes at a later start, a running put stays', async () => {
    await makeStore(address(), owner)
    const old = join(folder, 'tmp', 'old')
    await writeFile(old, 'x')
    await utimes(old, 0, 0)
    await writeFile(join(folder, 'tmp', 'new'), 'x')
    await makeStore(address(), owner)
    expect(await readdir(join(folder, 'tmp'))).toEqual(['new'])
  })

  test('keys that leave the folder are our own fault', async () => {
    await makeStore(address(), owner)
    await mkdir(join(folder, 'packs'))
    for (const key of [
      '../x',
      'packs/../x',
      '/etc/x',
      'tmp/x',
      'store.json',
      'packs/',
      'packs/A',
    ]) {
      await expect(openBlobs(address()).put(key, Buffer.from('x'), signal)).rejects.toThrow(
        'blob key',
      )
    }
  })
})
