import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Tags } from '../../../src/domain/tags.ts'
import { changeOf, inserting, topRow } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const subscription = 'S1'

export function tagPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const rowOf = (name: string, tags: Tags, revision = 1) =>
    topRow(name, { revision, doc: { location: 'westeurope', tags, properties: {} } })

  async function found(name: string, value?: string): Promise<string[]> {
    const keys: string[] = []
    let after: string | undefined
    for (;;) {
      const query = { subscription, name, value, after, rowsMax: 2 }
      const page = await store().read.tags.keysWith(query)
      keys.push(...page.map(({ key }) => key))
      after = page.at(-1)?.cursor
      if (after === undefined) return keys.toSorted()
    }
  }

  async function listed(more: readonly string[] = []) {
    const all: [string, number, [string, number][]][] = []
    let after: string | undefined
    do {
      const { names, next } = await store().read.tags.names({
        ...{ subscription, more, after, rowsMax: 2 },
      })
      for (const { name, count, values } of names) {
        const each = values.map((one): [string, number] => [one.value, one.count])
        all.push([name.toLowerCase(), count, each.toSorted()])
      }
      after = next
    } while (after !== undefined)
    return all.toSorted()
  }

  it('what is found by a tag is what has it, whatever was written', async () => {
    const names = ['env', 'Env', 'team', 'ünïcode']
    const values = ['', 'a', 'A']
    const tags = fc.dictionary(fc.constantFrom(...names.slice(1)), fc.constantFrom(...values))
    const write = fc.record({ of: fc.nat({ max: 3 }), tags, removes: fc.boolean() })
    const run = async (writes: { of: number; tags: Tags; removes: boolean }[]) => {
      const model = new Map<string, { tags: Tags; revision: number }>()
      for (const { of, tags, removes } of writes) {
        const key = topRow(`r${of}`).key
        const before = model.get(key)
        const row = rowOf(`r${of}`, tags, (before?.revision ?? 0) + 1)
        const expected = { expectRevision: before?.revision ?? 0, expectGeneration: 1 }
        const resource = !before
          ? ({ is: 'insert', row } as const)
          : removes
            ? ({ is: 'delete', key, expectRevision: before.revision } as const)
            : ({ is: 'update', row, statusPatch: {}, ...expected } as const)
        expect(await store().commit(changeOf({ resource, retags: true }))).toEqual({ is: 'done' })
        if (resource.is === 'delete') model.delete(key)
        else model.set(key, { tags, revision: row.revision })
      }
      const having = (name: string, value?: string) =>
        [...model]
          .filter(([, row]) =>
            Object.entries(row.tags).some(
              ([held, text]) =>
                held.toLowerCase() === name.toLowerCase() && (value ?? text) === text,
            ),
          )
          .map(([key]) => key)
          .toSorted()
      for (const name of names) {
        expect(await found(name)).toEqual(having(name))
        for (const value of values) expect(await found(name, value)).toEqual(having(name, value))
        const count = (await store().read.tags.name(subscription, name))?.count ?? 0
        expect(count).toBe(having(name).length)
      }
      for (const [key, { revision }] of model) {
        const resource = { is: 'delete', key, expectRevision: revision } as const
        await store().commit(changeOf({ resource }))
      }
      expect(await listed()).toEqual([])
    }
    await fc.assert(fc.asyncProperty(fc.array(write, { maxLength: 8 }), run), { numRuns: 25 })
  })

  it('names are listed once, page by page: those in use, made ahead, and named besides', async () => {
    await store().commit(inserting(rowOf('a', { env: 'x', team: 't' })))
    await store().commit(inserting(rowOf('b', { ENV: 'y', long: 'l'.repeat(256) })))
    await store().commit(inserting(rowOf('c', { ['n'.repeat(512)]: 'ä'.repeat(256) })))
    await store().write(async ({ tags }) => {
      expect(await tags.predefine(subscription, 'made')).toBe(true)
      expect(await tags.predefine(subscription, 'MADE')).toBe(false)
      expect(await tags.predefine(subscription, 'made', 'v')).toBe(true)
    })
    expect(await listed(['besides', 'Env'])).toEqual([
      ['besides', 0, []],
      [
        'env',
        2,
        [
          ['x', 1],
          ['y', 1],
        ],
      ],
      ['long', 1, [['l'.repeat(256), 1]]],
      ['made', 0, [['v', 0]]],
      ['n'.repeat(512), 1, [['ä'.repeat(256), 1]]],
      ['team', 1, [['t', 1]]],
    ])
    expect(await store().write(({ tags }) => tags.forget(subscription, 'made', 'v'))).toBe(true)
    expect(await store().write(({ tags }) => tags.forget(subscription, 'made'))).toBe(true)
    expect(await store().write(({ tags }) => tags.forget(subscription, 'made'))).toBe(false)
  })

  it('of those who change the tags of a subscription at once, none undoes another', async () => {
    const one = (index: number) =>
      store().write(async ({ tags }) => {
        const held = await tags.lockOfSubscription(subscription)
        await tags.putOfSubscription('s1', { ...held, [`n${index}`]: 'v' })
      })
    await Promise.all(Array.from({ length: 20 }, (_, index) => one(index)))
    expect(Object.keys(await store().read.tags.ofSubscription('S1'))).toHaveLength(20)
    expect([...(await store().read.tags.ofSubscriptions(['S1', 's2'])).keys()]).toEqual(['s1'])
  })
}
