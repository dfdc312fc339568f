import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openPageBlobServer } from '../../test/support/page-blob-server.ts'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { type Http, openHttp } from './http.ts'
import { pageBytesOf, uploadDisk } from './upload-disk.ts'

const block = 4 * 1024 * 1024
const world = openQuickWorld()
const { signal } = new AbortController()
let folder = ''
let http: Http

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-upload-'))
  http = openHttp()
})

afterEach(async () => {
  http.close()
  await rm(folder, { recursive: true })
})

/** Six blocks: 1 and 4 are holes, the others differ. */
function someDisk(): Buffer {
  const bytes = Buffer.alloc(6 * block)
  for (const index of [0, 2, 3, 5])
    bytes.fill(index + 1, index * block + 100_000, index * block + 300_000)
  return bytes
}

async function openCase(bytes = someDisk()) {
  const file = join(folder, 'disk.raw')
  await writeFile(file, bytes)
  const server = await openPageBlobServer(Buffer.alloc(pageBytesOf(bytes.length)))
  const options = { http, world, signal, file, blobId: 'd1', journalFolder: join(folder, 'state') }
  return { server, send: (sasUrl = server.sasUrl) => uploadDisk({ ...options, sasUrl }), options }
}

test('an upload sends only what is not zero, and all of that', async () => {
  const bytes = someDisk()
  const { server, send } = await openCase(bytes)
  const done = await send()
  expect(server.bytes.equals(bytes)).toBe(true)
  expect(done.sentBytes).toBeLessThan(2 * 1024 * 1024)
  expect(server.seen.putBytes).toBe(done.sentBytes)
  expect(await readdir(join(folder, 'state'))).toEqual([])
  await server.close()
})

test('a file that is no multiple of 512 is padded with zeros', async () => {
  const { server, send } = await openCase(Buffer.alloc(1000, 7))
  await send()
  expect(server.bytes.length).toBe(1024)
  expect(server.bytes.subarray(0, 1000).every((byte) => byte === 7)).toBe(true)
  await server.close()
})

test('a cut connection is taken up again', async () => {
  const bytes = someDisk()
  const { server, send } = await openCase(bytes)
  server.faults.cutPuts = 3
  server.faults.busy = 2
  await send()
  expect(server.bytes.equals(bytes)).toBe(true)
  await server.close()
})

test('an upload that died midway resumes, sends only the rest, and equals the file', async () => {
  const bytes = someDisk()
  const { server, send } = await openCase(bytes)
  server.faults.cutAfter = 2
  await expect(send()).rejects.toMatchObject({ code: 'Unreachable' })
  server.faults.cutAfter = Number.POSITIVE_INFINITY
  const done = await send()
  expect(done.resumedBlocks).toBeGreaterThanOrEqual(2)
  expect(server.seen.puts).toBe(4)
  expect(server.bytes.equals(bytes)).toBe(true)
  await server.close()
})

test('a resume does not trust a blob that was made anew', async () => {
  const bytes = someDisk()
  const first = await openCase(bytes)
  first.server.faults.cutAfter = 2
  await expect(first.send()).rejects.toMatchObject({ code: 'Unreachable' })
  await first.server.close()
  const anew = await openPageBlobServer(Buffer.alloc(bytes.length))
  await first.send(anew.sasUrl)
  expect(anew.bytes.equals(bytes)).toBe(true)
  await anew.close()
})

test('a changed file is sent from the start', async () => {
  const { server, send, options } = await openCase()
  server.faults.cutAfter = 2
  await expect(send()).rejects.toMatchObject({ code: 'Unreachable' })
  server.faults.cutAfter = Number.POSITIVE_INFINITY
  const changed = someDisk().map((byte) => (byte === 0 ? 0 : 99))
  await writeFile(options.file, changed)
  await send()
  expect(server.bytes.equals(changed)).toBe(true)
  await server.close()
})

test('a wrong SAS says what to do', async () => {
  const { server, send } = await openCase()
  await expect(send(server.sasUrl.replace('good', 'bad'))).rejects.toMatchObject({
    code: 'AuthenticationFailed',
    message: 'The signature does not fit.',
    nextStep: expect.stringContaining('grant-access'),
  })
  await server.close()
})

test('a file that is not there is named', async () => {
  const { server, options } = await openCase()
  await expect(
    uploadDisk({ ...options, sasUrl: server.sasUrl, file: join(folder, 'nothing') }),
  ).rejects.toMatchObject({ code: 'InvalidFile', message: expect.stringContaining('no such file') })
  await server.close()
})
