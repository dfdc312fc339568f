import { expect, it } from 'vitest'
import type { SpaceId } from '../domain/spaces.ts'
import type { WatchRows } from '../store/store.ts'
import { openSpaceUse } from './space-use.ts'

const space = 'westeurope/Standard_LRS/1' as SpaceId

/** As many rows of one byte as asked, with ids from 1 on. */
function rowsOf(count: () => number): { asked: number[]; holdings: WatchRows['holdings'] } {
  const asked: number[] = []
  return {
    asked,
    async holdings(afterId, rowsMax) {
      asked.push(afterId)
      const packs = Math.min(rowsMax, count() - afterId)
      const sums = packs > 0 ? [{ space, state: 'live', packs, bytes: packs }] : []
      return { sums, next: packs < rowsMax ? undefined : afterId + packs }
    },
  }
}

it('what one look can read is exact at each', async () => {
  let count = 3
  const look = openSpaceUse(rowsOf(() => count))
  expect(await look()).toEqual([{ space, state: 'live', packs: 3, bytes: 3 }])
  count = 25_000
  expect(await look()).toEqual([{ space, state: 'live', packs: 25_000, bytes: 25_000 }])
  count = 0
  expect(await look()).toEqual([])
})

it('more is walked through over several looks, each of five pages at most; meanwhile the last walk holds', async () => {
  let count = 120_000
  const rows = rowsOf(() => count)
  const look = openSpaceUse(rows)
  expect(await look()).toBeUndefined()
  expect(await look()).toBeUndefined()
  expect(await look()).toEqual([{ space, state: 'live', packs: 120_000, bytes: 120_000 }])
  expect(rows.asked).toHaveLength(13)
  count = 60_000
  expect((await look())?.[0]?.packs).toBe(120_000)
  expect((await look())?.[0]?.packs).toBe(60_000)
})
