import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StartError } from './base/start-error.ts'
import { closeToOthers, prepareDataFolder } from './data-folder.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-data-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('a data folder is made with all above it, for its owner alone', async () => {
  const path = join(folder, 'a', 'b')
  await prepareDataFolder(path)
  await prepareDataFolder(path)
  expect((await stat(path)).mode & 0o777).toBe(0o700)
})

test('a file in its place, or a place where no folder can be made, is told', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  await expect(prepareDataFolder(file)).rejects.toThrow(StartError)
  await expect(prepareDataFolder(join(file, 'below'))).rejects.toThrow('is a file')
})

test.runIf(process.platform === 'linux')('a folder below /proc is refused at once', async () => {
  await expect(prepareDataFolder('/proc/vitrine/data')).rejects.toThrow(/--data/)
})

test('a file that others could read is closed to them', async () => {
  const file = join(folder, 'vitrine.db')
  await writeFile(file, '', { mode: 0o644 })
  await closeToOthers([file, join(folder, 'missing')])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})
