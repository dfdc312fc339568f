import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openPageBlobServer } from '../../test/support/page-blob-server.ts'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { digestOf } from '../domain/digest.ts'
import { downloadDisk } from './download-disk.ts'
import { type Http, openHttp } from './http.ts'

const block = 4 * 1024 * 1024
const world = openQuickWorld()
const { signal } = new AbortController()
let folder = ''
let http: Http

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-download-'))
  http = openHttp()
})

afterEach(async () => {
  http.close()
  await rm(folder, { recursive: true })
})

function someDisk(fill = 1): Buffer {
  const bytes = Buffer.alloc(8 * block)
  for (const index of [0, 2, 3, 7])
    bytes.fill(index + fill, index * block + 512, index * block + 200_000)
  bytes.fill(9, 3 * block + 3_000_000, 4 * block + 1_000_000)
  return bytes
}

/** The footer of a fixed VHD, as far as a reader of this size looks at it. */
function withFooter(disk: Buffer): Buffer {
  const footer = Buffer.alloc(512)
  footer.write('conectix')
  footer.writeBigUInt64BE(BigInt(disk.length), 48)
  footer.writeUInt32BE(2, 60)
  return Buffer.concat([disk, footer])
}

async function openCase(bytes = withFooter(someDisk())) {
  const server = await openPageBlobServer(bytes)
  const out = join(folder, 'out.raw')
  const options = { http, world, signal, sasUrl: server.sasUrl, contentId: 'v1', out }
  return { server, out, options }
}

test('a raw download equals the disk, is sparse and leaves nothing else behind', async () => {
  const { server, out, options } = await openCase()
  const done = await downloadDisk({ ...options, format: 'raw' })
  expect((await readFile(out)).equals(someDisk())).toBe(true)
  expect(done.sha256).toBe(digestOf(someDisk()))
  expect((await stat(out)).blocks * 512).toBeLessThan(someDisk().length / 2)
  expect(await readdir(folder)).toEqual(['out.raw'])
  await server.close()
})

test('a vhd download keeps the footer', async () => {
  const { server, out, options } = await openCase()
  await downloadDisk({ ...options, format: 'vhd' })
  expect((await readFile(out)).equals(withFooter(someDisk()))).toBe(true)
  await server.close()
})

test('half an answer and a busy server are asked again', async () => {
  const { server, out, options } = await openCase()
  server.faults.cutReads = 2
  server.faults.busy = 3
  await downloadDisk({ ...options, format: 'raw' })
  expect((await readFile(out)).equals(someDisk())).toBe(true)
  await server.close()
})

test('a download that died midway resumes from another blob of the same content', async () => {
  const first = await openCase()
  first.server.faults.cutAfter = 3
  const failed = downloadDisk({ ...first.options, format: 'raw' })
  await expect(failed).rejects.toMatchObject({ code: 'Unreachable' })
  expect(await readdir(folder)).toEqual(['out.raw.part', 'out.raw.part.log'])
  await first.server.close()
  const next = await openPageBlobServer(withFooter(someDisk()))
  const done = await downloadDisk({ ...first.options, sasUrl: next.sasUrl, format: 'raw' })
  expect(done.resumedBlocks).toBeGreaterThan(0)
  expect(done.sha256).toBe(digestOf(someDisk()))
  await next.close()
})

test('what was left by a download of other content is not mixed in', async () => {
  const first = await openCase()
  first.server.faults.cutAfter = 3
  const failed = downloadDisk({ ...first.options, format: 'raw' })
  await expect(failed).rejects.toMatchObject({ code: 'Unreachable' })
  await first.server.close()
  const other = await openPageBlobServer(withFooter(someDisk(100)))
  const options = { ...first.options, contentId: 'v2', sasUrl: other.sasUrl }
  const done = await downloadDisk({ ...options, format: 'raw' })
  expect(done.sha256).toBe(digestOf(someDisk(100)))
  await other.close()
})

test('a file that exists is not overwritten', async () => {
  const { server, out, options } = await openCase()
  await writeFile(out, 'mine')
  const failed = downloadDisk({ ...options, format: 'raw' })
  await expect(failed).rejects.toMatchObject({ code: 'InvalidFile' })
  expect(await readFile(out, 'utf8')).toBe('mine')
  await server.close()
})

test('bytes without a footer are refused, not cut', async () => {
  const { server, options } = await openCase(someDisk())
  const failed = downloadDisk({ ...options, format: 'raw' })
  await expect(failed).rejects.toMatchObject({ code: 'BadAnswer' })
  await server.close()
})

test('damage in the midst of an answer is told as what it is', async () => {
  const { server, options } = await openCase()
  server.faults.damagedAt = 3 * block + 3_500_000
  const failed = downloadDisk({ ...options, format: 'raw' })
  await expect(failed).rejects.toMatchObject({
    code: 'ImageDamaged',
    message: 'Chunk 7 is damaged.',
  })
  await server.close()
})

test('a download into a folder that does not exist is refused before anything is asked', async () => {
  const { server, options } = await openCase()
  const out = join(folder, 'missing', 'out.raw')
  await expect(downloadDisk({ ...options, out, format: 'raw' })).rejects.toThrow('does not exist')
  expect(server.seen.reads).toBe(0)
  await server.close()
})
