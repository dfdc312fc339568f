import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { StagedPage } from '../../../src/domain/holdings.ts'
import { limits } from '../../../src/domain/limits.ts'
import { topRow } from '../../support/store-rows.ts'
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
        clears: fc.boolean(),
      })
      .map(({ offsetBytes, pageBytes, clearBytes, clears }) => ({
        offsetBytes,
        lengthBytes: clears ? clearBytes : pageBytes,
        key: clears ? undefined : `pages/${offsetBytes}`,
      })),
    { maxLength: 12 },
  )
  const ranges = fc
    .tuple(fc.integer({ min: 0, max: diskBytes }), fc.integer({ min: 1, max: diskBytes }))
    .map(([fromBytes, lengthBytes]) => [fromBytes, fromBytes + lengthBytes] as const)

  it('touching answers every page and clear that touches the range, as they arrived', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(pages, ranges, async (added, [fromBytes, toBytes]) => {
        const upload = `upload ${run++}`
        await store().uploads.add('another', { offsetBytes: 0, lengthBytes: 9, key: 'k' })
        for (const page of added) await store().uploads.add(upload, page)
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
}

function withoutSeq({ offsetBytes, lengthBytes, key }: StagedPage) {
  return { offsetBytes, lengthBytes, key }
}
