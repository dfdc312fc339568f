import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ResourceRow } from '../../../src/domain/rows.ts'
import type { Share } from '../../../src/domain/shares.ts'
import {
  inserting,
  replicaRow,
  resourceRow,
  topRow,
  updating,
  workRequest,
} from '../../support/store-rows.ts'
import { type OpenStore, useStore } from './use-store.ts'

const images = 'Microsoft.Compute/galleries/images'
const one: Share = { kind: 'Subscription', target: 'S-One' }
const two: Share = { kind: 'Tenant', target: 'S-One' }
const all: Share = { kind: 'Community', target: 'public-1' }

export function sharePromises(open: OpenStore): void {
  const { store } = useStore(open)

  async function insert(...rows: readonly ResourceRow[]): Promise<void> {
    for (const row of rows) expect(await store().commit(inserting(row))).toEqual({ is: 'done' })
  }

  const listed = async (share: Share, region = 'westeurope') =>
    (await store().read.shares.galleries({ ...share, region, rowsMax: 10 })).map(({ key }) => key)

  it('a gallery is shared to what its last commit said, whatever the case, and to nothing else', async () => {
    const g = topRow('g')
    await store().commit(inserting(g, { shares: [one, all] }))
    const { shares } = store().read
    expect(await shares.reaches(g.key, [{ ...one, target: 's-ONE' }])).toBe(true)
    expect(await shares.reaches(g.key, [two])).toBe(false)
    expect(await shares.reaches(g.key, [])).toBe(false)
    expect(await shares.galleryOf('PUBLIC-1')).toBe(g.key)
    expect(await listed(one)).toEqual([g.key])
    await store().commit(updating({ ...g, revision: 2, generation: 2 }, { shares: [two] }))
    expect(await listed(one)).toEqual([])
    expect(await listed(two)).toEqual([g.key])
    expect(await shares.galleryOf('public-1')).toBeUndefined()
  })

  it('what holds something that everybody has is not deleted, until that is withdrawn', async () => {
    const [top, near] = [topRow('top'), topRow('top2')]
    const below = resourceRow({ key: `${top.key}/g`, parentKey: top.key })
    await insert(top, near)
    await store().commit(inserting(below, { shares: [one, all] }))
    const deleting = (row: ResourceRow) => {
      const gone = { ...row, state: 'Deleting', revision: 2, generation: 2 } as const
      const work = [workRequest({ kind: 'RemoveTree', subject: row.key })]
      return store().commit(updating(gone, { preempts: true, work }))
    }
    expect(await deleting(top)).toEqual({ is: 'shared', gallery: below.key })
    expect(await store().read.resources.get(top.key)).toMatchObject({ state: 'Succeeded' })
    await store().write(({ shares }) => shares.replace(below.key, [one]))
    for (const row of [near, top]) expect(await deleting(row)).toEqual({ is: 'done' })
  })

  it('what lost a race shares nothing', async () => {
    await insert(topRow('g'))
    const stale = updating(topRow('g', { revision: 9 }), { shares: [one] })
    const { resource } = stale
    if (resource.is !== 'update') throw new Error('an update')
    const lost = { ...stale, resource: { ...resource, expectRevision: 7 } }
    expect(await store().commit(lost)).toEqual({ is: 'raced' })
    expect(await listed(one)).toEqual([])
  })

  it('one of the same name that is made later is shared to nobody', async () => {
    const g = topRow('g')
    await store().commit(inserting(g, { shares: [one] }))
    await store().write(({ resources }) => resources.delete(g.key))
    await insert(g)
    expect(await listed(one)).toEqual([])
  })

  it('what its target decided stays until it is shared anew', async () => {
    const g = topRow('g')
    await store().commit(inserting(g, { shares: [one, two] }))
    const decide = (share: Share, isRejected: boolean) =>
      store().write(({ shares }) => shares.decide(g.key, share, isRejected))
    expect(await decide(one, true)).toBe(true)
    expect(await decide(all, true)).toBe(false)
    expect([await listed(one), await listed(two)]).toEqual([[], [g.key]])
    expect(await store().read.shares.reaches(g.key, [one])).toBe(false)
    await store().write(({ shares }) => shares.replace(g.key, [one]))
    expect(await listed(one)).toEqual([])
    expect(await decide(one, false)).toBe(true)
    expect(await listed(one)).toEqual([g.key])
    await decide(one, true)
    await store().write(({ shares }) => shares.replace(g.key, []))
    await store().write(({ shares }) => shares.replace(g.key, [one]))
    expect(await listed(one)).toEqual([g.key])
  })

  it('a region has galleries and definitions of its own, and those with a version that is usable there', async () => {
    const [g, h] = [topRow('g'), topRow('h', { region: 'eastus' })]
    const below = (parent: ResourceRow, name: string, row: Partial<ResourceRow>) =>
      resourceRow({ ...row, key: `${parent.key}/images/${name}`, parentKey: parent.key })
    const near = below(g, 'near', { type: images })
    const far = below(g, 'far', { type: images, region: 'eastus' })
    const versions = ['1.0.0', '1.0.1', '1.0.2'].map((name) =>
      resourceRow({
        key: `${far.key}/versions/${name}`,
        parentKey: far.key,
        type: `${images}/versions`,
      }),
    )
    await insert(g, h, near, far, ...versions)
    const [first, second, third] = versions.map(({ key }) => key)
    await store().write(async ({ shares, replicas, resources }) => {
      for (const { key } of [g, h]) await shares.replace(key, [one])
      await replicas.put(replicaRow(first ?? '', 'westus', { usable: true }))
      await replicas.put(replicaRow(second ?? '', 'westus', { usable: false }))
      await replicas.put(replicaRow(third ?? '', 'westus', { usable: true }))
      await resources.setStatus(third ?? '', { state: 'Deleting' })
    })
    expect(await listed(one)).toEqual([g.key])
    expect(await listed(one, 'eastus')).toEqual([h.key])
    expect(await listed(one, 'westus')).toEqual([g.key])
    const definitions = async (region: string) =>
      (await store().read.shares.definitions({ galleryKey: g.key, region, rowsMax: 9 })).map(
        ({ sort }) => sort,
      )
    expect(await definitions('westeurope')).toEqual(['near'])
    expect(await definitions('westus')).toEqual(['far'])
    const usable = { definitionKey: far.key, region: 'westus', rowsMax: 9 }
    expect(await store().read.shares.versions(usable)).toEqual([{ key: first, sort: '1.0.0' }])
    expect(await store().read.shares.versions({ ...usable, only: second })).toEqual([])
  })

  it('what a page goes on after is a name that is told anyway, and not the key', async () => {
    const g = topRow('g')
    await store().commit(inserting(g, { shares: [one, all] }))
    const told = async (share: Share) =>
      store().read.shares.galleries({ ...share, region: 'westeurope', rowsMax: 1 })
    expect(await told(one)).toEqual([{ key: g.key, sort: 's1-g' }])
    expect(await told(all)).toEqual([{ key: g.key, sort: 'public-1' }])
  })

  it('pages of any length together are the whole list, in order', async () => {
    const rows = Array.from({ length: 23 }, (_, at) => topRow(`g${String(at).padStart(2, '0')}`))
    await insert(...rows)
    await store().write(async ({ shares }) => {
      for (const [at, { key }] of rows.entries()) await shares.replace(key, at % 3 ? [one] : [two])
    })
    const wanted = rows.filter((_, at) => at % 3).map(({ key }) => key)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), async (rowsMax) => {
        const found: string[] = []
        for (let after: string | undefined, page = 0; page < 30; page++) {
          const query = { ...one, region: 'westeurope', after, rowsMax }
          const told = await store().read.shares.galleries(query)
          found.push(...told.map(({ key }) => key))
          if (told.length < rowsMax) break
          after = told.at(-1)?.sort
        }
        expect(found).toEqual(wanted)
      }),
      { numRuns: 20 },
    )
  })
}
