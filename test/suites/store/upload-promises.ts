import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StagedPage } from '../../../src/domain/holdings.ts'
import { limits } from '../../../src/domain/limits.ts'
import { topRow } from '../../support/store-rows.ts'
import { image, otherSpace, placed, placementOf, space } from './placed.ts'
import { type OpenStore, useStore } from './use-store.ts'

export function uploadPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const diskBytes = 64 * limits.putPageBytesMax
  const pages = fc.array(
    fc
      .record({
        offsetBytes: fc.integer({ min: 0, max: diskBytes }),
        pageBytes: fc.integer({ min: 1, max: limits.putPageBytesMax }),
        clearBytes: fc.integer({ min: 1, max: diskBytes }),
        runBytes: fc.integer({ min: 1, max: limits.stagedRunBytesMax }),
        is: fc.constantFrom('page', 'clear', 'run'),
      })
      .map(({ offsetBytes, pageBytes, clearBytes, runBytes, is }) => ({
        offsetBytes,
        lengthBytes: is === 'clear' ? clearBytes : is === 'run' ? runBytes : pageBytes,
        key: is === 'page' ? `pages/${offsetBytes}` : undefined,
        ...(is === 'run' && { run: { image, fromBytes: offsetBytes * 2 } }),
      })),
    { maxLength: 12 },
  )
  const ranges = fc
    .tuple(fc.integer({ min: 0, max: diskBytes }), fc.integer({ min: 1, max: diskBytes }))
    .map(([fromBytes, lengthBytes]) => [fromBytes, fromBytes + lengthBytes] as const)

  it('touching answers every page, run and clear that touches the range, as they arrived', async () => {
    let run = 0
    await placed(store(), '/parent')
    await fc.assert(
      fc.asyncProperty(pages, ranges, async (added, [fromBytes, toBytes]) => {
        const upload = `upload ${run++}`
        await store().uploads.add('another', { offsetBytes: 0, lengthBytes: 9, key: 'k' })
        for (const { run: of, ...page } of added) {
          if (of) await store().uploads.addRuns(upload, runOf(page, of.fromBytes), [])
          else await store().uploads.add(upload, page)
        }
        const found = await store().uploads.touching(upload, fromBytes, toBytes)
        const expected = added.filter(
          (page) => page.offsetBytes < toBytes && page.offsetBytes + page.lengthBytes > fromBytes,
        )
        expect(found.map(withoutSeq)).toEqual(expected)
        expect(found.every((page, index) => page.seq > (found[index - 1]?.seq ?? 0))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('pages are listed and dropped in pages, of one upload alone', async () => {
    const { uploads } = store()
    for (let index = 0; index < 5; index++) {
      await uploads.add('u', { offsetBytes: index, lengthBytes: 1, key: `k${index}` })
    }
    await uploads.add('other', { offsetBytes: 0, lengthBytes: 1, key: 'other' })
    expect(await uploads.newest('u')).toBeLessThan(await uploads.newest('other'))
    expect(await uploads.newest('nobody')).toBe(0)
    const first = await uploads.keys('u', 3)
    expect(first.map((page) => page.key)).toEqual(['k0', 'k1', 'k2'])
    const others = await uploads.keys('other', 3)
    await uploads.drop(
      'u',
      [...first, ...others].map((page) => page.seq),
    )
    expect((await uploads.keys('u', 3)).map((page) => page.key)).toEqual(['k3', 'k4'])
    expect(await uploads.keys('other', 3)).toEqual(others)
  })

  it('a page of a grant is added while the grant lives, never after its revoke', async () => {
    const { uploads } = store()
    const disk = topRow('late')
    await store().write(async (rows) => {
      await rows.resources.insert(disk)
      await rows.sas.put({ id: 'late', key: disk.key, access: 'Write', expiresMs: 1 })
    })
    const page = { offsetBytes: 0, lengthBytes: 512, key: 'k' }
    expect(await uploads.add('late', page, 'late')).toBe(true)
    await store().write((rows) => rows.sas.revokeOf(disk.key))
    expect(await uploads.add('late', page, 'late')).toBe(false)
    expect(await uploads.add('late', { ...page, key: undefined }, 'late')).toBe(false)
    expect(await uploads.keys('late', 9)).toHaveLength(1)
  })

  it('a run keeps its image until the upload lets go, and none is added to an image that left', async () => {
    const { uploads } = store()
    await placed(store(), '/parent')
    const page = { offsetBytes: 0, lengthBytes: 512 }
    expect(await uploads.addRuns('u', runOf(page, 0), [])).toBe(true)
    expect(await uploads.addRuns('u', runOf(page, 512), [])).toBe(true)
    expect(await uploads.kept('u')).toMatchObject([{ space, image }])
    await store().write((rows) => rows.placements.drop(placementOf('/parent')))
    expect(await store().read.placements.spacesOf(image)).toEqual([space])
    await uploads.release('u')
    expect(await uploads.kept('u')).toEqual([])
    expect(await store().read.placements.spacesOf(image)).toEqual([])
    expect(await uploads.addRuns('u', runOf(page, 0), [])).toBe(false)
    expect(await uploads.keys('u', 9)).toHaveLength(2)
  })

  it('runs are added while every grant lives, and leave no trace when one was revoked', async () => {
    const { uploads } = store()
    await placed(store(), '/parent')
    const disk = topRow('runs')
    await store().write(async (rows) => {
      await rows.resources.insert(disk)
      for (const id of ['into', 'from'])
        await rows.sas.put({ id, key: disk.key, access: 'Write', expiresMs: 1 })
    })
    const run = runOf({ offsetBytes: 0, lengthBytes: 512 }, 0)
    expect(await uploads.addRuns('runs', run, ['into', 'gone'])).toBe(false)
    expect(await uploads.kept('runs')).toEqual([])
    expect(await uploads.addRuns('runs', run, ['into', 'from'])).toBe(true)
  })
}

function runOf(at: { readonly offsetBytes: number; readonly lengthBytes: number }, from: number) {
  const { offsetBytes, lengthBytes } = at
  return {
    image,
    spaces: [otherSpace, space],
    runs: [{ offsetBytes, lengthBytes, fromBytes: from }],
  }
}

function withoutSeq({ seq: _, ...page }: StagedPage) {
  return page
}
