import { expect, it } from 'vitest'
import { imageOwner } from '../../../src/domain/holdings.ts'
import {
  digest,
  endWork,
  image,
  livePacks,
  otherSpace,
  placed,
  placementOf,
  someWork,
  space,
} from './placed.ts'
import { type OpenStore, useStore } from './use-store.ts'

export function holdingPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const holdings = () => store().holdings
  /** By default all that is condemned, however short ago. */
  const sweep = async (rowsMax = 100, holdMs = 0) =>
    (await holdings().sweep(space, holdMs, rowsMax)).map((holding) => holding.id)
  const pack = (name: string) => ({
    space,
    pack: digest(name),
    key: `packs/${name}`,
    sizeBytes: 7,
  })

  it('intents answer their rows in order; they count as held once they have landed', async () => {
    const { owner } = await someWork(store(), 'a')
    const made = await holdings().intend(owner, [pack('p1'), pack('p2')])
    expect(made.map(({ id, ...rest }) => rest)).toEqual([pack('p1'), pack('p2')])
    expect(await holdings().holdersOf([digest('p1')])).toEqual([])
    expect(await holdings().heldBy(owner)).toEqual([])
    await holdings().landed(made.map((holding) => holding.id))
    expect(await holdings().heldBy(owner)).toEqual(made)
    expect(await holdings().holdersOf([digest('p2'), digest('p3')])).toEqual(made.slice(1))
    expect(await holdings().intend(owner, [])).toEqual([])
  })

  it('what an image lets go of while another keeps it is looked at, once; what work lets go of is not', async () => {
    const { owner } = await someWork(store(), 'a')
    const [both = 0, alone = 0] = await livePacks(store(), owner, ['p1', 'p2'])
    const second = digest('second image')
    for (const [of, held] of [
      [image, [both, alone]],
      [second, [both]],
    ] as const) {
      const placement = { space, image: of, keeper: 'k1' }
      const sealed = { placement, owner, holdings: held, root: 'r' }
      await store().write(({ placements }) => placements.seal(sealed))
    }
    await holdings().release(owner)
    await sweep()
    expect(await holdings().thinned(space, 10)).toEqual([])
    await store().write(({ placements }) => placements.drop(placementOf('k1')))
    expect(await sweep()).toEqual([alone])
    const idsOf = async () => (await holdings().thinned(space, 10)).map(({ id }) => id)
    expect(await idsOf()).toEqual([both])
    expect(await holdings().thinned(otherSpace, 10)).toEqual([])
    await holdings().looked([both])
    expect(await idsOf()).toEqual([])
  })

  it('holders are found in any space, or in those named', async () => {
    const { owner } = await someWork(store(), 'a')
    await livePacks(store(), owner, ['p1'])
    await livePacks(store(), owner, ['p1'], otherSpace)
    const spacesOf = async (...where: Parameters<ReturnType<typeof holdings>['holdersOf']>) =>
      (await holdings().holdersOf(...where)).map((holding) => holding.space).sort()
    expect(await spacesOf([digest('p1')])).toEqual([otherSpace, space])
    expect(await spacesOf([digest('p1')], [space])).toEqual([space])
    expect(await spacesOf([digest('p1')], [])).toEqual([])
    expect(await spacesOf([])).toEqual([])
    expect(await holdings().spaces()).toEqual([otherSpace, space])
  })

  it('a claim counts only for what is live at this moment', async () => {
    const first = await someWork(store(), 'a')
    const [live = 0, dropped = 0] = await livePacks(store(), first.owner, ['p1', 'p2'])
    const [writing] = await holdings().intend(first.owner, [pack('p3')])
    await store().write(({ placements }) =>
      placements.seal({
        placement: placementOf('k1'),
        owner: first.owner,
        holdings: [live],
        root: 'r',
      }),
    )
    await holdings().release(first.owner)
    await sweep()
    const second = await someWork(store(), 'b')
    const claimed = await holdings().claim(second.owner, [999, dropped, live, writing?.id ?? 0])
    expect([...claimed]).toEqual([live])
    expect((await holdings().heldBy(second.owner)).map((holding) => holding.id)).toEqual([live])
  })

  it('the feed of an index gives live holdings of a space in pages, ascending', async () => {
    const { owner } = await someWork(store(), 'a')
    const ids = await livePacks(store(), owner, ['p1', 'p2', 'p3'])
    await livePacks(store(), owner, ['p4'], otherSpace)
    await holdings().intend(owner, [pack('p5')])
    const after = async (id: number) =>
      (await holdings().liveAfter(space, id, 2)).map((holding) => holding.id)
    expect(await after(0)).toEqual(ids.slice(0, 2))
    expect(await after(ids[1] ?? 0)).toEqual(ids.slice(2))
    expect(await after(ids[2] ?? 0)).toEqual([])
  })

  it('what an image or unfinished work references is never swept', async () => {
    await placed(store(), 'k1')
    const { owner } = await someWork(store(), 'a')
    await livePacks(store(), owner, ['p3'])
    await holdings().intend(owner, [pack('p4')])
    expect(await sweep()).toEqual([])
    expect(await holdings().liveAfter(space, 0, 100)).toHaveLength(3)
  })

  it('what nobody references is condemned, answered after its hold, and forgotten', async () => {
    const ids = await placed(store(), 'k1')
    await store().write(({ placements }) => placements.drop(placementOf('k1')))
    expect(await sweep(100, 3_600_000)).toEqual([])
    expect(await holdings().holdersOf([digest('p1'), digest('p2')])).toEqual([])
    expect(await sweep(1)).toEqual(ids.slice(0, 1))
    expect(await sweep()).toEqual(ids)
    await holdings().forget(ids)
    expect(await sweep()).toEqual([])
    expect(await holdings().spaces()).toEqual([])
  })

  it('condemned is for good: no claim, no landing brings it back', async () => {
    const { owner } = await someWork(store(), 'a')
    const [made] = await holdings().intend(owner, [pack('p1')])
    const id = made?.id ?? 0
    await holdings().release(owner)
    expect(await sweep()).toEqual([id])
    expect(await holdings().claim(owner, [id])).toEqual(new Set())
    await expect(holdings().landed([id])).rejects.toThrow('condemned')
    expect(await sweep()).toEqual([id])
  })

  it('a landing with one condemned row lands none', async () => {
    const { owner } = await someWork(store(), 'a')
    const other = await someWork(store(), 'b')
    const [dead] = await holdings().intend(other.owner, [pack('p1')])
    await holdings().release(other.owner)
    await sweep()
    const [made] = await holdings().intend(owner, [pack('p2')])
    await expect(holdings().landed([made?.id ?? 0, dead?.id ?? 0])).rejects.toThrow('condemned')
    expect(await holdings().heldBy(owner)).toEqual([])
  })

  it('what work left behind is swept once the work is over, without a release', async () => {
    const { id, owner } = await someWork(store(), 'a')
    const [writing] = await holdings().intend(owner, [pack('p1')])
    const [live = 0] = await livePacks(store(), owner, ['p2'])
    expect(await sweep()).toEqual([])
    await endWork(store(), id)
    expect(await sweep()).toEqual([writing?.id ?? 0, live])
  })

  it('a zombie whose work is over keeps nothing alive', async () => {
    const { id, owner } = await someWork(store(), 'a')
    await endWork(store(), id)
    const ids = await livePacks(store(), owner, ['p1'])
    expect(await sweep()).toEqual(ids)
  })

  it('a pack that one image lets go and another holds stays', async () => {
    const [shared = 0, own = 0] = await placed(store(), 'k1')
    const { owner } = await someWork(store(), 'b')
    await holdings().claim(owner, [shared])
    const second = digest('second image')
    await store().write(async ({ placements }) => {
      const placement = { space, image: second, keeper: 'k2' }
      await placements.seal({ placement, owner, holdings: [shared], root: 'r' })
      await placements.drop(placementOf('k1'))
    })
    await holdings().release(owner)
    expect(await sweep()).toEqual([own])
    const held = await holdings().heldBy(imageOwner(space, second))
    expect(held.map((holding) => holding.id)).toEqual([shared])
    expect(await holdings().heldBy(imageOwner(space, image))).toEqual([])
  })

  it('placements without a root are told by keeper, page by page, until they have one', async () => {
    await placed(store(), 'k1')
    await store().write(async ({ placements }) => {
      for (const keeper of ['k3', 'k2']) await placements.keep(placementOf(keeper))
    })
    const { placements } = store().read
    const keepersFrom = async (after: string, rowsMax: number) =>
      (await placements.unrooted(after, rowsMax)).map(({ keeper }) => keeper)
    expect(await keepersFrom('', 10)).toEqual(['k2', 'k3'])
    expect(await keepersFrom('', 1)).toEqual(['k2'])
    expect(await keepersFrom('k2', 10)).toEqual(['k3'])
    const { owner } = await someWork(store(), 'b')
    await store().write(({ placements: rows }) =>
      rows.seal({ placement: placementOf('k2'), owner, holdings: [], root: 'roots/k2' }),
    )
    expect(await keepersFrom('', 10)).toEqual(['k3'])
  })

  it('a sweep looks at a bounded page, and the next ones reach the rest', async () => {
    const { owner } = await someWork(store(), 'a')
    const ids = await livePacks(store(), owner, ['p1', 'p2', 'p3', 'p4', 'p5'])
    await holdings().release(owner)
    expect(await sweep(2)).toEqual(ids.slice(0, 2))
    expect(await holdings().liveAfter(space, 0, 100)).toHaveLength(3)
    await holdings().forget(ids.slice(0, 2))
    expect(await sweep(2)).toEqual(ids.slice(2, 4))
    await holdings().forget(ids.slice(2, 4))
    expect(await sweep(2)).toEqual(ids.slice(4))
  })

  it('lists longer than one statement takes are served whole', async () => {
    const { owner } = await someWork(store(), 'a')
    const names = Array.from({ length: 1_201 }, (_, index) => `p${index}`)
    const ids = await livePacks(store(), owner, names)
    expect(ids).toHaveLength(1_201)
    const sealed = await store().write(({ placements }) =>
      placements.seal({ placement: placementOf('k1'), owner, holdings: ids, root: 'r' }),
    )
    expect(sealed).toBe(true)
    expect(await holdings().heldBy(imageOwner(space, image))).toHaveLength(1_201)
    expect(await holdings().holdersOf(names.map(digest))).toHaveLength(1_201)
  })
}
