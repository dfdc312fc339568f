import type { SpaceId } from '../domain/spaces.ts'
import type { WatchRows } from '../store/store.ts'

/** What one call reads at most: a page is some milliseconds of the database. */
const pageRows = 10_000
const pagesMax = 5

export type SpaceUse = {
  readonly space: SpaceId
  readonly state: string
  readonly packs: number
  readonly bytes: number
}

/**
 * What spaces hold by their rows. Each call reads 50,000 rows more at most: up to there (some 800 GB) it is exact, beyond
 * it the answer is that of the last walk through all of them, or undefined before there was one.
 */
export function openSpaceUse(rows: Pick<WatchRows, 'holdings'>) {
  let sums = new Map<string, SpaceUse>()
  let after = 0
  let last: readonly SpaceUse[] | undefined

  async function readPage(): Promise<boolean> {
    const page = await rows.holdings(after, pageRows)
    for (const { space, state, packs, bytes } of page.sums) {
      const name = `${space} ${state}`
      const sum = sums.get(name) ?? { space, state, packs: 0, bytes: 0 }
      sums.set(name, { ...sum, packs: sum.packs + packs, bytes: sum.bytes + bytes })
    }
    after = page.next ?? 0
    if (page.next !== undefined) return false
    last = [...sums.values()]
    sums = new Map()
    return true
  }

  return async (): Promise<readonly SpaceUse[] | undefined> => {
    for (let page = 0; page < pagesMax; page++) if (await readPage()) break
    return last
  }
}
