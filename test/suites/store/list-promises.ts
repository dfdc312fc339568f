import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ResourceRow } from '../../../src/domain/rows.ts'
import { resourceRow, subscriptionKey, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

/** Names whose order against '/' and '0' matters, and one beyond the first plane of Unicode. */
const names = ['a', 'a-b', 'a.b', 'a0', 'ab', 'b', 'b_1', 'é', '\u{1f600}', '\ufb01']
const types = ['Test/things', 'Test/others']

/** A tree two levels deep: which of the names exist at the top, and below each. */
const trees = fc.uniqueArray(
  fc.record({
    top: fc.constantFrom(...names),
    child: fc.option(fc.constantFrom(...names), { nil: undefined }),
    type: fc.constantFrom(...types),
  }),
  { selector: ({ top, child }) => `${top}/${child}`, maxLength: 30 },
)

function rowsOf(tree: readonly { top: string; child: string | undefined; type: string }[]) {
  const rows = new Map<string, ResourceRow>()
  for (const { top, child, type } of tree) {
    const parent = topRow(top, { type })
    if (child === undefined || !rows.has(parent.key)) rows.set(parent.key, parent)
    if (child === undefined) continue
    const row = resourceRow({ key: `${parent.key}/${child}`, parentKey: parent.key, type })
    rows.set(row.key, row)
  }
  return [...rows.values()].sort(byKey)
}

const compare = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))
const byKey = (one: ResourceRow, other: ResourceRow) => compare(one.key, other.key)
const isWithin = (key: string, scope: string) => key === scope || key.startsWith(`${scope}/`)

export function listPromises(open: OpenStore): void {
  const { store } = useStore(open)

  async function fill(rows: readonly ResourceRow[]): Promise<void> {
    await store().write(async ({ resources }) => {
      for (const top of names) {
        const { key } = topRow(top)
        const below = await resources.below(key, undefined, 100)
        for (const row of below.toReversed()) await resources.delete(row.key)
        await resources.delete(key)
      }
      for (const row of rows) await resources.insert(row)
    })
  }

  /** Walks a list to its end; no page is empty before the last one. */
  async function walk(
    page: (
      after: string | undefined,
    ) => Promise<{ rows: readonly ResourceRow[]; next: string | undefined }>,
    rowsMax: number,
  ): Promise<string[]> {
    const keys: string[] = []
    let after: string | undefined
    do {
      const { rows, next } = await page(after)
      expect(rows.length).toBeLessThanOrEqual(rowsMax)
      if (next !== undefined) expect(rows.length).toBe(rowsMax)
      for (const row of rows) keys.push(row.key)
      after = next
    } while (after !== undefined)
    return keys
  }

  it('the pages of a type hold every row of the scopes once, in key order', async () => {
    const scopes = fc.oneof(
      fc.constant('all' as const),
      fc.array(
        fc
          .array(fc.constantFrom(...names), { maxLength: 2 })
          .map((path) => [subscriptionKey, ...path].join('/')),
        { maxLength: 5 },
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        trees,
        scopes,
        fc.integer({ min: 1, max: 6 }),
        async (tree, asked, rowsMax) => {
          const rows = rowsOf(tree)
          await fill(rows)
          const type = 'Test/things'
          const walked = await walk(
            (after) => store().read.resources.list({ type, scopes: asked, after, rowsMax }),
            rowsMax,
          )
          const expected = rows
            .filter((row) => row.type === type)
            .filter((row) => asked === 'all' || asked.some((scope) => isWithin(row.key, scope)))
          expect(walked).toEqual(expected.map((row) => row.key))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('the pages of children hold each direct child of the type once, by name, both ways', async () => {
    await fc.assert(
      fc.asyncProperty(
        trees,
        fc.boolean(),
        fc.integer({ min: 1, max: 6 }),
        async (tree, descending, rowsMax) => {
          const rows = rowsOf(tree)
          await fill(rows)
          const parentKey = topRow('a').key
          const type = 'Test/others'
          const walked = await walk(
            (after) =>
              store().read.resources.children({ parentKey, type, descending, after, rowsMax }),
            rowsMax,
          )
          const expected = rows
            .filter((row) => row.type === type && row.parentKey === parentKey)
            .sort((one, other) => compare(one.nameSort, other.nameSort))
          expect(walked).toEqual(
            (descending ? expected.toReversed() : expected).map((row) => row.key),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('below holds what lies under a key, not itself and not its neighbours, in key order', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.constantFrom(...names), async (tree, top) => {
        const rows = rowsOf(tree)
        await fill(rows)
        const { key } = topRow(top)
        const expected = rows.filter((row) => row.key.startsWith(`${key}/`)).map((row) => row.key)
        const found = await store().read.resources.below(key, undefined, 100)
        expect(found.map((row) => row.key)).toEqual(expected)
        const [first] = expected
        const after = await store().read.resources.below(key, first, 2)
        expect(after.map((row) => row.key)).toEqual(first ? expected.slice(1, 3) : [])
      }),
      { numRuns: 40 },
    )
  })

  it('a row that comes or goes between two pages moves no other row', async () => {
    await fill(['a', 'ab', 'b'].map((name) => topRow(name)))
    const query = { type: 'Test/things', scopes: 'all', rowsMax: 1 } as const
    const first = await store().read.resources.list({ ...query, after: undefined })
    await store().write(async ({ resources }) => {
      await resources.delete(topRow('a').key)
      await resources.insert(topRow('a0'))
    })
    const second = await store().read.resources.list({ ...query, after: first.next })
    expect([...first.rows, ...second.rows].map((row) => row.name)).toEqual(['a', 'a0'])
  })
}
