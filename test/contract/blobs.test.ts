import { createHash } from 'node:crypto'
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const kib = 1024
const mib = 1024 * kib

const idOf = (number: number): string =>
  Buffer.from(String(number).padStart(6, '0')).toString('base64')

/** Storage accounts' blobs through Azure's own client, signed by an account key. */
describe('blobs of a storage account', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let account: BlobAccount
  let container: ContainerClient
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { location: 'westeurope' })
    account = await makeAccount(vitrine, arm, 'blobs1')
    container = await account.container('data')
  })
  afterAll(() => vitrine.close())

  const same = (found: Uint8Array, wanted: Uint8Array) =>
    expect(Buffer.compare(Buffer.from(found), Buffer.from(wanted))).toBe(0)
  const put = (blob: BlockBlobClient, number: number, bytes: Uint8Array) =>
    blob.stageBlock(idOf(number), Buffer.from(bytes), bytes.byteLength)

  it('a block blob of one body: bytes, headers and metadata come back as they were sent', async () => {
    const blob = container.getBlockBlobClient('a/b c+d%.txt')
    const bytes = dataBytes(1, 100_003)
    await blob.upload(Buffer.from(bytes), bytes.byteLength, {
      metadata: { one: '1', two_b: 'zwei' },
      blobHTTPHeaders: {
        blobContentType: 'text/plain',
        blobContentDisposition: 'attachment',
        blobCacheControl: 'no-store',
        blobContentEncoding: 'identity',
        blobContentLanguage: 'de',
      },
    })
    const told = await blob.getProperties()
    expect(told).toMatchObject({
      contentLength: 100_003,
      contentType: 'text/plain',
      contentDisposition: 'attachment',
      cacheControl: 'no-store',
      contentEncoding: 'identity',
      contentLanguage: 'de',
      blobType: 'BlockBlob',
      metadata: { one: '1', two_b: 'zwei' },
    })
    expect(Buffer.from(told.contentMD5 ?? '').toString('hex')).toBe(
      createHash('md5').update(bytes).digest('hex'),
    )
    same(await blob.downloadToBuffer(), bytes)
    same(await blob.downloadToBuffer(777, 50_000), bytes.subarray(777, 50_777))
  })

  it('an empty blob is a blob', async () => {
    const blob = container.getBlockBlobClient('empty')
    await blob.upload('', 0)
    expect((await blob.getProperties()).contentLength).toBe(0)
    expect((await blob.download()).contentLength).toBe(0)
  })

  it('a large upload in blocks, several at once, as the client sends it', async () => {
    const blob = container.getBlockBlobClient('large')
    const bytes = dataBytes(2, 13 * mib + 12_345)
    const options = { blockSize: 2 * mib, maxSingleShotSize: mib, concurrency: 4 }
    await blob.uploadData(Buffer.from(bytes), options)
    same(await blob.downloadToBuffer(), bytes)
    const list = await blob.getBlockList('all')
    expect(list.committedBlocks?.map(({ size }) => size)).toEqual([
      ...Array.from({ length: 6 }, () => 2 * mib),
      mib + 12_345,
    ])
    expect(list.uncommittedBlocks ?? []).toEqual([])
  })

  it('blocks go into the order of the list, whatever their size; the others that waited go', async () => {
    const blob = container.getBlockBlobClient('order')
    const parts = [dataBytes(3, 5 * mib + 1), dataBytes(4, 64 * kib), dataBytes(5, 999)]
    for (const [number, part] of parts.entries()) await put(blob, number, part)
    await put(blob, 9, dataBytes(6, 10))
    await blob.commitBlockList([idOf(2), idOf(0), idOf(2), idOf(1)])
    const [a = parts[0], b = parts[0], c = parts[0]] = parts
    same(
      await blob.downloadToBuffer(),
      Buffer.concat([c, a, c, b].map((x) => x ?? Buffer.alloc(0))),
    )
    await expect(blob.commitBlockList([idOf(9)])).rejects.toMatchObject({
      statusCode: 400,
      code: 'InvalidBlockList',
    })
  })

  it('an upload that broke off goes on: the blocks that are there need not be sent again', async () => {
    const blob = container.getBlockBlobClient('resumed')
    const parts = [dataBytes(7, mib), dataBytes(8, mib), dataBytes(9, 17)]
    await put(blob, 0, parts[0] ?? new Uint8Array())
    await put(blob, 1, parts[1] ?? new Uint8Array())
    expect(await blob.exists()).toBe(false)
    const { uncommittedBlocks } = await blob.getBlockList('uncommitted')
    expect(uncommittedBlocks?.map(({ name, size }) => [name, size])).toEqual([
      [idOf(0), mib],
      [idOf(1), mib],
    ])
    await put(blob, 2, parts[2] ?? new Uint8Array())
    await blob.commitBlockList([0, 1, 2].map(idOf))
    same(await blob.downloadToBuffer(), Buffer.concat(parts))
  })

  it('a list may take blocks of the blob that is there, a block twice sent counts as sent last', async () => {
    const blob = container.getBlockBlobClient('grown')
    const [a, b, c, d] = [10, 11, 12, 13].map((seed) => Buffer.from(dataBytes(seed, 100 * kib)))
    if (!a || !b || !c || !d) throw new Error('four blocks')
    await put(blob, 0, a)
    await put(blob, 1, b)
    await blob.commitBlockList([idOf(0), idOf(1)])
    await put(blob, 1, c)
    await put(blob, 1, d)
    await blob.commitBlockList([idOf(1), idOf(0), idOf(1)])
    same(await blob.downloadToBuffer(), Buffer.concat([d, a, d]))
    await put(blob, 5, c)
    await blob.commitBlockList([idOf(0), idOf(5)])
    same(await blob.downloadToBuffer(), Buffer.concat([a, c]))
  })

  it('a page blob: pages, clears, ranges, growing and shrinking; what was cut off is zeros', async () => {
    const blob = container.getPageBlobClient('disk.vhd')
    await blob.create(4 * mib)
    const wanted = Buffer.alloc(4 * mib)
    const write = async (at: number, bytes: Uint8Array) => {
      await blob.uploadPages(Buffer.from(bytes), at, bytes.byteLength)
      wanted.set(bytes, at)
    }
    await write(512, dataBytes(14, 512))
    await write(mib, dataBytes(15, 2 * mib))
    await write(mib + 4096, dataBytes(16, 64 * kib))
    await blob.clearPages(2 * mib, 64 * kib)
    wanted.fill(0, 2 * mib, 2 * mib + 64 * kib)
    same(await blob.downloadToBuffer(), wanted)
    const { pageRange = [] } = await blob.getPageRanges()
    expect(pageRange.map(({ offset, count = 0 }) => [offset, count + 1])).toEqual([
      [512, 512],
      [mib, mib],
      [2 * mib + 64 * kib, mib - 64 * kib],
    ])
    await blob.resize(mib + 512)
    await blob.resize(2 * mib)
    wanted.fill(0, mib + 512)
    same(await blob.downloadToBuffer(), wanted.subarray(0, 2 * mib))
    expect(await blob.getProperties()).toMatchObject({
      blobType: 'PageBlob',
      contentLength: 2 * mib,
      blobSequenceNumber: 0,
    })
  })

  it('sequence numbers count as Azure’s', async () => {
    const blob = container.getPageBlobClient('counted')
    await blob.create(512, { blobSequenceNumber: 7 })
    expect((await blob.updateSequenceNumber('increment')).blobSequenceNumber).toBe(8)
    expect((await blob.updateSequenceNumber('max', 3)).blobSequenceNumber).toBe(8)
    expect((await blob.updateSequenceNumber('update', 3)).blobSequenceNumber).toBe(3)
    const page = Buffer.alloc(512, 1)
    const conditions = { ifSequenceNumberLessThan: 3 }
    await expect(blob.uploadPages(page, 0, 512, { conditions })).rejects.toMatchObject({
      statusCode: 412,
      code: 'SequenceNumberConditionNotMet',
    })
    await blob.uploadPages(page, 0, 512, { conditions: { ifSequenceNumberEqualTo: 3 } })
  })

  it('properties and metadata are set, each by itself', async () => {
    const blob = container.getBlockBlobClient('facts')
    await blob.upload('x', 1, { metadata: { a: '1' } })
    await blob.setHTTPHeaders({ blobContentType: 'image/png', blobCacheControl: 'max-age=1' })
    await blob.setMetadata({ b: '2' })
    expect(await blob.getProperties()).toMatchObject({
      contentType: 'image/png',
      cacheControl: 'max-age=1',
      metadata: { b: '2' },
    })
    await blob.setHTTPHeaders({})
    const told = await blob.getProperties()
    expect([told.cacheControl, told.metadata]).toEqual([undefined, { b: '2' }])
  })

  it('lists flat, by prefix, in pages, and by a delimiter; names of any script come back', async () => {
    const list = await account.container('listed')
    const names = ['a', 'b/1', 'b/2', 'b/c/3', 'd&<e>', 'ü/1', 'ü/2', 'z', '雪', '😀/1', '😀/2']
    for (const name of names) await list.getBlockBlobClient(name).upload('x', 1)
    const flat = async (options: object, size = 100) => {
      const found: string[][] = []
      for await (const { segment } of list.listBlobsFlat(options).byPage({ maxPageSize: size })) {
        found.push(segment.blobItems.map(({ name }) => name))
      }
      return found
    }
    const sorted = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
    expect((await flat({})).flat()).toEqual(sorted)
    expect(await flat({}, 4)).toEqual([sorted.slice(0, 4), sorted.slice(4, 8), sorted.slice(8)])
    expect((await flat({ prefix: 'b/' })).flat()).toEqual(['b/1', 'b/2', 'b/c/3'])
    const tree: string[][] = []
    const pages = list.listBlobsByHierarchy('/').byPage({ maxPageSize: 3 })
    for await (const { segment } of pages) {
      const prefixes = segment.blobPrefixes?.map(({ name }) => name) ?? []
      tree.push([...segment.blobItems.map(({ name }) => name), ...prefixes].sort())
    }
    expect(tree.flat()).toEqual(['a', 'b/', 'd&<e>', 'z', 'ü/', '雪', '😀/'])
    expect(tree.map((page) => page.length)).toEqual([3, 3, 1])
    await list.getBlockBlobClient('m').upload('x', 1, { metadata: { of: 'm' } })
    for await (const item of list.listBlobsFlat({ prefix: 'm', includeMetadata: true })) {
      expect(item).toMatchObject({
        metadata: { of: 'm' },
        properties: { blobType: 'BlockBlob', contentLength: 1 },
      })
    }
  })

  it('containers: made once, read, listed, deleted with what is in them', async () => {
    const client = account.service.getContainerClient('boxes')
    await client.create({ metadata: { a: 'b' } })
    await expect(client.create()).rejects.toMatchObject({ code: 'ContainerAlreadyExists' })
    expect((await client.getProperties()).metadata).toEqual({ a: 'b' })
    await client.setMetadata({ c: 'd' })
    const found: unknown[] = []
    for await (const each of account.service.listContainers({
      prefix: 'box',
      includeMetadata: true,
    }))
      found.push([each.name, each.metadata])
    expect(found).toEqual([['boxes', { c: 'd' }]])
    expect((await client.getAccessPolicy()).signedIdentifiers).toEqual([])
    await client.getBlockBlobClient('x').upload('x', 1)
    await client.delete()
    expect(await client.exists()).toBe(false)
    await client.create()
    expect(await client.getBlockBlobClient('x').exists()).toBe(false)
    await expect(client.create({ access: 'blob' })).rejects.toMatchObject({
      statusCode: 409,
      code: 'PublicAccessNotPermitted',
    })
    const gone = account.service.getContainerClient('never')
    await expect(gone.getBlockBlobClient('x').upload('x', 1)).rejects.toMatchObject({
      statusCode: 404,
      code: 'ContainerNotFound',
    })
  })

  it('conditions: If-Match, If-None-Match and times hold for reads and writes', async () => {
    const blob = container.getBlockBlobClient('conditional')
    const first = await blob.upload('1', 1, { conditions: { ifNoneMatch: '*' } })
    await expect(blob.upload('2', 1, { conditions: { ifNoneMatch: '*' } })).rejects.toMatchObject({
      statusCode: 409,
      code: 'BlobAlreadyExists',
    })
    const second = await blob.upload('2', 1, { conditions: { ifMatch: first.etag ?? '' } })
    expect(second.etag).not.toBe(first.etag)
    for (const conditions of [
      { ifMatch: first.etag ?? '' },
      { ifNoneMatch: second.etag ?? '' },
      { ifUnmodifiedSince: new Date(0) },
    ]) {
      await expect(blob.setMetadata({}, { conditions })).rejects.toMatchObject({
        statusCode: 412,
        code: 'ConditionNotMet',
      })
    }
    const unchanged = blob.download(0, undefined, {
      conditions: { ifNoneMatch: second.etag ?? '' },
    })
    await expect(unchanged).rejects.toMatchObject({ statusCode: 304 })
  })

  it('deleted is gone; what was written over is not seen again', async () => {
    const blob = container.getBlockBlobClient('gone')
    await blob.upload('one', 3)
    await blob.upload('second', 6)
    expect((await blob.downloadToBuffer()).toString()).toBe('second')
    await blob.delete({ deleteSnapshots: 'include' })
    expect(await blob.exists()).toBe(false)
    await expect(blob.delete()).rejects.toMatchObject({ statusCode: 404, code: 'BlobNotFound' })
  })

  it('of many writers of one name at once each is answered, and one of them is what is there', async () => {
    const texts = Array.from({ length: 24 }, (_, at) => `writer ${at}`.padEnd(1000 + at, '.'))
    const blob = container.getBlockBlobClient('contended')
    const done = await Promise.all(
      texts.map(async (text, at) => {
        if (at % 3 === 2) {
          await blob.stageBlock('AAAA', text, text.length)
          return 'staged'
        }
        return (await blob.upload(text, text.length)).etag
      }),
    )
    const { etag } = await blob.getProperties()
    expect(done).toContain(etag)
    expect(texts).toContain((await blob.downloadToBuffer()).toString())
    const { store } = vitrine.installation
    const key = account.id.toLowerCase()
    const found = await store.read.blobs.find({
      account: key,
      container: 'data',
      name: 'contended',
    })
    expect(await store.uploads.keys(found?.upload ?? '', 10)).toHaveLength(1)
    const only = { conditions: { ifNoneMatch: '*' } }
    const first = container.getBlockBlobClient('first')
    const made = await Promise.allSettled(
      texts.map((text) => first.upload(text, text.length, only)),
    )
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('copies within the installation: a blob, a block, a page', async () => {
    const source = container.getBlockBlobClient('source')
    const bytes = Buffer.from(dataBytes(20, 5 * mib + 512))
    await source.upload(bytes, bytes.byteLength, { metadata: { from: 'here' } })
    const copy = container.getBlockBlobClient('copy')
    const poller = await copy.beginCopyFromURL(source.url)
    expect(await poller.pollUntilDone()).toMatchObject({ copyStatus: 'success' })
    same(await copy.downloadToBuffer(), bytes)
    expect(await copy.getProperties()).toMatchObject({
      metadata: { from: 'here' },
      copyStatus: 'success',
      copySource: source.url,
    })
    const blocks = container.getBlockBlobClient('copied-blocks')
    await blocks.stageBlockFromURL(idOf(0), source.url, 512, mib)
    await blocks.commitBlockList([idOf(0)])
    same(await blocks.downloadToBuffer(), bytes.subarray(512, 512 + mib))
    const pages = container.getPageBlobClient('copied-pages')
    await pages.create(mib)
    await pages.uploadPagesFromURL(source.url, 1024, 4096, 64 * kib)
    same(await pages.downloadToBuffer(4096, 64 * kib), bytes.subarray(1024, 1024 + 64 * kib))
    const { pathname } = new URL(source.url)
    const [, account = '', ...path] = pathname.split('/')
    const byHost = (suffix: string) => `https://${account}.blob.${suffix}/${path.join('/')}`
    await blocks.stageBlockFromURL(idOf(1), byHost('storage.localhost'), 0, 512)
    for (const url of [
      'https://example.com/a/b/c',
      byHost('files.example'),
      byHost('core.windows.net'),
    ]) {
      const foreign = blocks.stageBlockFromURL(idOf(1), url, 0, 1)
      await expect(foreign).rejects.toMatchObject({ code: 'CannotVerifyCopySource' })
    }
  })

  it('an account that is deleted takes its blobs along, and the next of its name has none', async () => {
    const first = await makeAccount(vitrine, arm, 'again1')
    const box = await first.container('box')
    await box.getBlockBlobClient('x').upload('x', 1)
    expect((await first.remove()).status).toBe(200)
    await expect(box.getBlockBlobClient('x').downloadToBuffer()).rejects.toMatchObject({
      statusCode: 403,
    })
    const second = await makeAccount(vitrine, arm, 'again1')
    expect(await second.service.getContainerClient('box').exists()).toBe(false)
  })
})
