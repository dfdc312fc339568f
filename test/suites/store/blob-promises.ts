import { expect, it } from 'vitest'
import type { StagedPage } from '../../../src/domain/holdings.ts'
import type { SpaceId } from '../../../src/domain/spaces.ts'
import type { BlobContainer, StoredBlob } from '../../../src/domain/stored-blobs.ts'
import type { Store } from '../../../src/store/store.ts'
import { type OpenStore, useStore } from './use-store.ts'

const account = '/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a'
const space = 'westeurope/Standard_LRS/1' as SpaceId
const dates = { etag: '0x1', createdMs: 1, updatedMs: 2 }

async function openBox(store: Store, name = 'box'): Promise<BlobContainer> {
  const metadata = { of: name }
  await store.write((rows) => rows.blobs.addContainer({ account, name, space, metadata, ...dates }))
  const box = await store.read.blobs.container(account, name)
  if (!box) throw new Error('the container is there')
  return box
}

const blobIn = ({ id }: BlobContainer, name: string, upload: string): StoredBlob => ({
  container: id,
  name,
  type: 'BlockBlob',
  upload,
  sizeBytes: 10,
  facts: { contentType: 'text/plain', metadata: { a: 'b' } },
  ...dates,
})

/** They come in the order of their arrival. */
const placesOf = (pages: readonly StagedPage[]) =>
  pages
    .toSorted((one, other) => one.offsetBytes - other.offsetBytes)
    .map(({ offsetBytes, key }) => [offsetBytes, key])

export function blobPromises(open: OpenStore): void {
  const { store } = useStore(open)

  const put = (blob: StoredBlob) => store().write((rows) => rows.blobs.insert(blob))
  const stage = (box: BlobContainer, block: string, upload: string, stagedMs = 100) => {
    const of = { container: box.id, name: 'n', block, upload, sizeBytes: 4, space }
    const pages = [{ offsetBytes: 0, lengthBytes: 4, key: `uploads/${upload}/p` }]
    return store().write((rows) => rows.blobs.stage({ ...of, stagedMs, dropDueMs: 500 }, pages, 3))
  }
  const due = async (dueMs: number) => {
    const drops = await store().write((rows) => rows.blobs.takeDrops(space, dueMs, 100))
    return drops.map(({ upload }) => upload).sort()
  }

  it('a container is there once, is found, changed, listed by prefix, and gone when it is removed', async () => {
    const box = await openBox(store())
    const again = { account, name: 'box', space, metadata: {}, ...dates }
    expect(await store().write((rows) => rows.blobs.addContainer(again))).toBe(false)
    expect(box).toMatchObject({ account, name: 'box', space, metadata: { of: 'box' }, ...dates })
    const changed = { ...box, metadata: { c: 'd' }, etag: '0x2', updatedMs: 9 }
    await store().write((rows) => rows.blobs.updateContainer(changed))
    expect(await store().read.blobs.container(account, 'box')).toEqual(changed)
    await openBox(store(), 'boy')
    await openBox(store(), 'other')
    const page = { prefix: 'bo', after: undefined, rowsMax: 10 }
    const names = async (more: object = {}) =>
      (await store().read.blobs.containers(account, { ...page, ...more })).map(({ name }) => name)
    expect(await names()).toEqual(['box', 'boy'])
    expect(await names({ after: 'box' })).toEqual(['boy'])
    expect(await names({ prefix: '', rowsMax: 2 })).toEqual(['box', 'boy'])
    await store().write((rows) => rows.blobs.removeContainers(account, 'box'))
    expect(await names()).toEqual(['boy'])
    const fresh = await openBox(store())
    expect(fresh.id).not.toBe(box.id)
    await store().write((rows) => rows.blobs.removeContainers(account))
    expect(await names({ prefix: '' })).toEqual([])
  })

  it('a blob is inserted once, replaced, listed in the order of its bytes, and removed', async () => {
    const box = await openBox(store())
    const blob = blobIn(box, 'a', 'u1')
    expect([await put(blob), await put({ ...blob, upload: 'u9' })]).toEqual([true, false])
    expect(await store().read.blobs.get(box.id, 'a')).toEqual(blob)
    const next = { ...blob, upload: 'u2', sizeBytes: 2 ** 40, type: 'PageBlob' as const }
    await store().write((rows) => rows.blobs.update(next))
    const named = { account, container: 'box', name: 'a' }
    expect(await store().read.blobs.find(named)).toEqual({ ...next, space })
    for (const [at, name] of ['😀', 'ü', 'a/b', '\uffee'].entries())
      await put(blobIn(box, name, `v${at}`))
    const page = { prefix: '', after: undefined, rowsMax: 10 }
    const listed = await store().read.blobs.list(box.id, page)
    expect(listed.map(({ name }) => name)).toEqual(['a', 'a/b', 'ü', '\uffee', '😀'])
    const some = await store().read.blobs.list(box.id, { prefix: 'a', after: 'a', rowsMax: 10 })
    expect(some.map(({ name }) => name)).toEqual(['a/b'])
    await store().write((rows) => rows.blobs.remove(box.id, 'a'))
    expect(await store().read.blobs.get(box.id, 'a')).toBeUndefined()
  })

  it('who reads a blob is known until it is released; what is gone is not read', async () => {
    const box = await openBox(store())
    await put(blobIn(box, 'a', 'u1'))
    const { blobs } = store().read
    expect(await store().write((rows) => rows.blobs.read('u1', '/reader'))).toBe(true)
    expect(await store().write((rows) => rows.blobs.read('u1', '/reader'))).toBe(true)
    expect(await store().write((rows) => rows.blobs.read('u9', '/reader'))).toBe(false)
    expect([await blobs.readerOf('u1'), await blobs.readerIn(account)]).toEqual([
      '/reader',
      '/reader',
    ])
    expect(await blobs.readerIn(account, box.id + 1)).toBeUndefined()
    await store().write((rows) => rows.blobs.released('/reader'))
    expect([await blobs.readerOf('u1'), await blobs.readerIn(account)]).toEqual([
      undefined,
      undefined,
    ])
    await store().write((rows) => rows.blobs.removeContainers(account))
    expect(await store().write((rows) => rows.blobs.read('u1', '/reader'))).toBe(false)
  })

  it('an upload that is to go later may be adopted until somebody takes it away', async () => {
    const drop = (upload: string, dueMs: number) =>
      store().write((rows) => rows.blobs.drop({ upload, space, dueMs }))
    const adopt = (upload: string) => store().write((rows) => rows.blobs.adopt(upload))
    await drop('soon', 10)
    await drop('later', 1_000)
    expect(await due(9)).toEqual([])
    expect(await due(10)).toEqual(['soon'])
    expect([await adopt('soon'), await adopt('later'), await adopt('later')]).toEqual([
      false,
      true,
      false,
    ])
    // Who took it and died takes it again.
    expect(await due(2_000)).toEqual(['soon'])
    await store().write((rows) => rows.blobs.dropped('soon'))
    expect(await due(2_000)).toEqual([])
  })

  it('an upload is whole until its drop is taken, or its blocks move to another', async () => {
    const box = await openBox(store())
    const isWhole = (upload: string) => store().read.blobs.isWhole(upload)
    await put(blobIn(box, 'a', 'u1'))
    expect([await isWhole('u1'), await isWhole('none')]).toEqual([true, false])
    await store().write(async (rows) => {
      await rows.blobs.update(blobIn(box, 'a', 'u2'))
      await rows.blobs.drop({ upload: 'u1', space, dueMs: 10 })
    })
    expect([await isWhole('u1'), await isWhole('u2')]).toEqual([true, true])
    expect(await due(10)).toEqual(['u1'])
    expect(await isWhole('u1')).toBe(false)
    await store().write((rows) => rows.blobs.dropped('u1'))
    expect(await isWhole('u1')).toBe(false)
    const kept = [{ block: 'A', sizeBytes: 4, committedAtBytes: 0 }]
    await store().write(async (rows) => {
      await rows.blobs.assemble('u3', kept, 'u2')
      await rows.blobs.update(blobIn(box, 'a', 'u3'))
      await rows.blobs.drop({ upload: 'u2', space, dueMs: 1_000 })
    })
    expect([await isWhole('u2'), await isWhole('u3')]).toEqual([false, true])
  })

  it('blocks wait for their list, one of an id; too many are refused', async () => {
    const box = await openBox(store())
    const told = [
      await stage(box, 'B', 'u1'),
      await stage(box, 'A', 'u2'),
      await stage(box, 'B', 'u3'),
    ]
    expect(told).toEqual(['staged', 'staged', 'staged'])
    const waiting = await store().read.blobs.stagedBlocks(box.id, 'n', 10)
    expect(waiting.map(({ block, upload }) => [block, upload])).toEqual([
      ['A', 'u2'],
      ['B', 'u3'],
    ])
    expect([await stage(box, 'C', 'u40'), await stage(box, 'D', 'u50')]).toEqual(['staged', 'full'])
    expect(await due(500)).toEqual(['u1'])
  })

  it('a list of blocks gives their pages their places; what it leaves out is dropped', async () => {
    const box = await openBox(store())
    for (const [block, upload] of [
      ['A', 'u1'],
      ['B', 'u2'],
      ['C', 'u3'],
    ] as const)
      await stage(box, block, upload)
    const of = { sizeBytes: 4 }
    await store().write(async (rows) => {
      const blocks = ['u2', 'u1', 'u2'].map((staged) => ({ block: staged, staged, ...of }))
      await rows.blobs.assemble('made', blocks, undefined)
      await rows.blobs.forgetStaged(box.id, 'n', 700)
    })
    const pages = await store().uploads.touching('made', 0, 100)
    expect(placesOf(pages)).toEqual([
      [0, 'uploads/u2/p'],
      [4, 'uploads/u1/p'],
      [8, 'uploads/u2/p'],
    ])
    expect(await store().uploads.keys('u1', 10)).toEqual([])
    expect(await store().read.blobs.stagedBlocks(box.id, 'n', 10)).toEqual([])
    expect(await due(700)).toEqual(['u3'])
    await stage(box, 'D', 'u4')
    await store().write((rows) =>
      rows.blobs.assemble(
        'next',
        [
          { block: 'u1', committedAtBytes: 4, ...of },
          { block: 'D', staged: 'u4', ...of },
          { block: 'u2', committedAtBytes: 8, ...of },
        ],
        'made',
      ),
    )
    const next = await store().uploads.touching('next', 0, 100)
    expect(placesOf(next)).toEqual([
      [0, 'uploads/u1/p'],
      [4, 'uploads/u4/p'],
      [8, 'uploads/u2/p'],
    ])
    expect(await store().uploads.keys('made', 10)).toEqual([])
    expect(await store().read.blobs.committedBlocks('next')).toEqual(
      ['u1', 'D', 'u2'].map((block) => ({ block, ...of })),
    )
  })

  it('blocks that nobody made a blob of go after a week', async () => {
    const box = await openBox(store())
    await stage(box, 'A', 'old', 100)
    await stage(box, 'B', 'new', 300)
    expect(await store().write((rows) => rows.blobs.expireStaged(200, 10))).toBe(1)
    const left = await store().read.blobs.stagedBlocks(box.id, 'n', 10)
    expect(left.map(({ upload }) => upload)).toEqual(['new'])
    expect(await due(200)).toEqual(['old'])
  })

  it('what was in a removed container is dropped, page by page, then its row goes', async () => {
    const box = await openBox(store())
    const kept = await openBox(store(), 'kept')
    for (const name of ['a', 'b', 'c']) await put(blobIn(box, name, `u-${name}`))
    await put(blobIn(kept, 'a', 'kept'))
    await stage(box, 'A', 's')
    await store().write((rows) => rows.blobs.removeContainers(account, 'box'))
    const looks: number[] = []
    do {
      looks.push(await store().write((rows) => rows.blobs.clearGone(space, 2, 50)))
    } while (looks.at(-1) !== 0)
    expect(looks).toEqual([3, 1, 1, 0])
    expect(await store().read.blobs.spaces()).toEqual([space])
    expect(await due(50)).toEqual(['s', 'u-a', 'u-b', 'u-c'])
    expect(await store().read.blobs.get(kept.id, 'a')).toBeDefined()
  })
}
