import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Change, Committed } from '../../../src/store/change.ts'
import { inTurns } from '../../support/in-turns.ts'
import { changeOf, inserting, replicaRow, topRow, updating } from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

/** More than a pool has connections; nobody waits for one for as long as a pool lets wait. */
const meetAtOnce = 20

const many = (count: number) => Array.from({ length: count }, (_, index) => index)

export function racePromises(open: OpenStore): void {
  const { store } = useStore(open)

  async function names(): Promise<string[]> {
    const query = { type: 'Test/things', scopes: 'all', after: undefined, rowsMax: 1_000 } as const
    const { rows } = await store().read.resources.list(query)
    return rows.map((row) => row.name)
  }

  it('200 creators at once under a limit of 50: exactly 50 rows, counted 50', async () => {
    const counts = [{ scope: 's1', name: 'things', by: 1, limit: 50 }]
    const ends: Committed[] = []
    await inTurns(many(200), meetAtOnce, async (index) => {
      ends.push(await store().commit(inserting(topRow(`n${index}`), { counts })))
    })
    expect(ends.filter((end) => end.is === 'done')).toHaveLength(50)
    expect(ends.filter((end) => end.is === 'full')).toHaveLength(150)
    expect(await names()).toHaveLength(50)
    expect(await store().read.counters.of('s1')).toEqual([{ name: 'things', value: 50 }])
  })

  it('of many that want one name exactly one gets it', async () => {
    const ends = await Promise.all(
      many(30).map((index) => store().commit(inserting(topRow(`n${index}`), { takes: ['name'] }))),
    )
    const winners = many(30).filter((index) => ends[index]?.is === 'done')
    expect(winners).toHaveLength(1)
    expect(ends.filter((end) => end.is === 'taken')).toHaveLength(29)
    expect(await names()).toEqual(winners.map((index) => `n${index}`))
    expect(await store().read.claims.holderOf('name')).toBe(topRow(`n${winners[0]}`).key)
  })

  it('of many updates planned on one revision exactly one is written', async () => {
    await store().commit(inserting(topRow('a')))
    const update = (index: number): Change => {
      const row = topRow('a', { revision: 2, doc: { properties: { index } } })
      return updating(row)
    }
    const ends = await Promise.all(many(20).map((index) => store().commit(update(index))))
    const winner = ends.findIndex((end) => end.is === 'done')
    expect(ends.filter((end) => end.is === 'raced')).toHaveLength(19)
    const stored = await store().read.resources.get(topRow('a').key)
    expect(stored?.doc).toEqual({ properties: { index: winner } })
  })

  it('two regions that finish at once: the one that comes second ends the update, every time', async () => {
    const regions = ['eastus', 'westeurope']
    const versions = many(40).map((index) => topRow(`v${index}`, { state: 'Updating' }))
    await store().write(async ({ resources, replicas }) => {
      for (const row of versions) {
        await resources.insert(row)
        for (const region of regions) await replicas.put(replicaRow(row.key, region))
      }
    })
    const settle = (key: string, region: string) =>
      store().write(async ({ resources, replicas }) => {
        await resources.lock(key)
        await replicas.put(replicaRow(key, region, { state: 'Completed' }))
        const all = await replicas.of([key])
        if (all.every((replica) => replica.state === 'Completed')) {
          await resources.setStatus(key, { state: 'Succeeded' })
        }
      })
    const pairs = versions.flatMap(({ key }) => regions.map((region) => ({ key, region })))
    await inTurns(pairs, meetAtOnce, ({ key, region }) => settle(key, region))
    const settled = await store().read.resources.getMany(versions.map((row) => row.key))
    expect(settled.map((row) => row.state)).toEqual(versions.map(() => 'Succeeded'))
  })

  it('after any run of creates and deletes, claims and counters are what a recount gives', async () => {
    const acts = fc.array(
      fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), creates: fc.boolean() }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(acts, async (run) => {
        await Promise.all(run.map(({ name, creates }) => store().commit(act(name, creates))))
        const present = await names()
        const [counter] = await store().read.counters.of('s1')
        expect(counter?.value ?? 0).toBe(present.length)
        expect(present.length).toBeLessThanOrEqual(3)
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const holder = present.includes(name) ? topRow(name).key : undefined
          expect(await store().read.claims.holderOf(`name ${name}`)).toBe(holder)
        }
      }),
      { numRuns: 30 },
    )
  })
}

function act(name: string, creates: boolean): Change {
  const counts = [{ scope: 's1', name: 'things', by: creates ? 1 : -1, limit: 3 }]
  return creates
    ? inserting(topRow(name), { takes: [`name ${name}`], counts })
    : changeOf({ resource: { is: 'delete', key: topRow(name).key, expectRevision: 1 }, counts })
}
