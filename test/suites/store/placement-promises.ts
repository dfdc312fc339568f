import { expect, it } from 'vitest'
import { imageOwner, type Owner } from '../../../src/domain/holdings.ts'
import { resourceRow, subscriptionKey } from '../../support/store-rows.ts'
import {
  digest,
  image,
  livePacks,
  otherSpace,
  placed,
  placementOf,
  someWork,
  space,
} from './placed.ts'
import { type OpenStore, useStore } from './use-store.ts'

export function placementPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const seal = (owner: Owner, holdings: readonly number[], keeper = 'k1') =>
    store().write(({ placements }) =>
      placements.seal({ placement: placementOf(keeper), owner, holdings, root: `roots/${keeper}` }),
    )
  const heldBy = async (owner: Owner) =>
    (await store().holdings.heldBy(owner)).map((holding) => holding.id)

  it('a seal gives the image the references that it names; the work drops its own at its end', async () => {
    const { owner } = await someWork(store(), 'a')
    const ids = await livePacks(store(), owner, ['p1', 'p2', 'p3'])
    const [first = 0, second = 0, third = 0] = ids
    expect(await seal(owner, [second, first, first])).toBe(true)
    expect(await heldBy(imageOwner(space, image))).toEqual([first, second])
    expect(await heldBy(owner)).toEqual([first, second, third])
    await store().holdings.release(owner)
    expect(await heldBy(imageOwner(space, image))).toEqual([first, second])
    const { placements } = store().read
    expect(await placements.ofKeepers(['k1', 'unknown'])).toEqual([placementOf('k1')])
    expect(await placements.keepersOf(space, image)).toEqual(['k1'])
    expect(await placements.spacesOf(image)).toEqual([space])
    expect(await placements.rootsOf('k1')).toEqual([{ space, image, root: 'roots/k1' }])
  })

  it('two images of one work may share a pack', async () => {
    const { owner } = await someWork(store(), 'a')
    const [shared = 0] = await livePacks(store(), owner, ['p1'])
    expect(await seal(owner, [shared])).toBe(true)
    const second = digest('second image')
    const placement = { space, image: second, keeper: 'k1' }
    const sealed = await store().write(({ placements }) =>
      placements.seal({ placement, owner, holdings: [shared], root: 'r' }),
    )
    expect(sealed).toBe(true)
    await store().write(({ placements }) => placements.drop(placementOf('k1')))
    expect(await heldBy(imageOwner(space, second))).toEqual([shared])
  })

  it('who shares a pack with an image is told, and which bytes it has alone', async () => {
    const { owner } = await someWork(store(), 'a')
    const [shared = 0, alone = 0, far = 0] = await livePacks(store(), owner, ['p1', 'p2', 'p3'])
    await seal(owner, [shared, alone])
    const [second, third] = [digest('second image'), digest('third image')]
    for (const [other, holdings] of [
      [second, [shared]],
      [third, [far]],
    ] as const) {
      const placement = { space, image: other, keeper: 'k1' }
      await store().write(({ placements }) =>
        placements.seal({ placement, owner, holdings, root: 'r' }),
      )
    }
    const { placements } = store().read
    // The work that made them references them too, and is no image.
    expect(await placements.sharersOf(space, [image], 'all')).toEqual([second])
    expect(await placements.sharersOf(space, [image, second], 'all')).toEqual([])
    expect(await placements.sharersOf(otherSpace, [image], 'all')).toEqual([])
    expect(await placements.bytesAlone(space, [image], 'all')).toBe(10)
    expect(await placements.bytesAlone(space, [image, second], 'all')).toBe(20)
    expect(await placements.bytesAlone(space, [], 'all')).toBe(0)
    const within = ['/subscriptions/s1']
    expect(await placements.sharersOf(space, [image], within)).toEqual([])
    expect(await placements.bytesAlone(space, [image], within)).toBe(20)
    const keeper = '/subscriptions/s1/v'
    await store().write((rows) => rows.placements.keep({ space, image: second, keeper }))
    expect(await placements.sharersOf(space, [image], within)).toEqual([second])
    expect(await placements.bytesAlone(space, [image], within)).toBe(10)
    expect(await placements.sharersOf(space, [image], ['/subscriptions/s'])).toEqual([])
    expect(await placements.sharersOf(space, [image], [])).toEqual([])
  })

  it('what versions below a key have stored is told by region, each pack once, in pages of any size', async () => {
    const { owner } = await someWork(store(), 'a')
    const here = await livePacks(store(), owner, ['p1', 'p2', 'p3'])
    const [there = 0] = await livePacks(store(), owner, ['p1'], otherSpace)
    const [first = 0, second = 0, third = 0] = here
    const key = '/subscriptions/s1/g'
    const versions = 'Microsoft.Compute/galleries/images/versions'
    const applications = 'Microsoft.Compute/galleries/applications/versions'
    const kept = [
      [`${key}/1`, versions, space, image, [first, second]],
      [`${key}/2`, versions, space, digest('second image'), [second]],
      [`${key}/2`, versions, otherSpace, image, [there]],
      [`${key}/3`, applications, otherSpace, image, [there]],
      [`${key}/4`, 'Microsoft.Compute/disks', space, digest('third image'), [third]],
      [`${key}-2/1`, versions, space, digest('fourth image'), [third]],
    ] as const
    await store().write(async ({ placements, resources }) => {
      for (const [keeper, type, at, which, holdings] of kept) {
        if (!(await resources.get(keeper)))
          await resources.insert(resourceRow({ key: keeper, parentKey: subscriptionKey, type }))
        const placement = { space: at, image: which, keeper }
        await placements.seal({ placement, owner, holdings, root: 'r' })
      }
    })
    for (const rowsMax of [1, 2, 100]) {
      const stored = async (scope: string) =>
        (await store().read.placements.storedBelow(scope, rowsMax)).map(({ region, bytes }) => [
          region,
          bytes,
        ])
      expect(await stored(key)).toEqual([
        ['eastus', 10],
        ['westeurope', 20],
      ])
      expect(await stored(`${key}/2`)).toEqual([
        ['eastus', 10],
        ['westeurope', 10],
      ])
      expect(await stored('/subscriptions/s1')).toEqual([
        ['eastus', 10],
        ['westeurope', 30],
      ])
      expect(await stored('/subscriptions/s')).toEqual([])
    }
  })

  it('a seal over a holding that is not live, or not referenced, writes nothing', async () => {
    const { owner } = await someWork(store(), 'a')
    const other = await someWork(store(), 'b')
    const [mine = 0] = await livePacks(store(), owner, ['p1'])
    const [others = 0] = await livePacks(store(), other.owner, ['p2'])
    const pack = { space, pack: digest('p3'), key: 'packs/p3', sizeBytes: 1 }
    const [writing] = await store().holdings.intend(owner, [pack])
    expect(await seal(owner, [mine, others])).toBe(false)
    expect(await seal(owner, [mine, writing?.id ?? 0])).toBe(false)
    expect(await seal(owner, [mine, 999])).toBe(false)
    expect(await store().read.placements.spacesOf(image)).toEqual([])
    expect(await heldBy(owner)).toEqual([mine])
  })

  it('where the image lies already, a seal adds the keeper and its root alone, and may run again', async () => {
    const packs = await placed(store(), 'k1')
    const { owner } = await someWork(store(), 'a')
    const again = await livePacks(store(), owner, ['p1 again'])
    expect(await seal(owner, again, 'k2')).toBe(true)
    expect(await seal(owner, [], 'k2')).toBe(true)
    expect(await heldBy(imageOwner(space, image))).toEqual(packs)
    expect(await heldBy(owner)).toEqual(again)
    expect(await store().read.placements.keepersOf(space, image)).toEqual(['k1', 'k2'])
    const roots = await store().read.placements.rootsOf('k2')
    expect(roots).toEqual([{ space, image, root: 'roots/k2' }])
  })

  it('an image without packs of its own can be sealed', async () => {
    const { owner } = await someWork(store(), 'a')
    expect(await seal(owner, [])).toBe(true)
    expect(await store().read.placements.spacesOf(image)).toEqual([space])
  })

  it('one more keeper is added where the image lies, and nowhere else', async () => {
    await placed(store(), 'k1')
    await store().write(async ({ placements }) => {
      expect(await placements.keep(placementOf('k2'))).toBe(true)
      expect(await placements.keep(placementOf('k2'))).toBe(true)
      expect(await placements.keep({ ...placementOf('k2'), space: otherSpace })).toBe(false)
      expect(await placements.keep({ ...placementOf('k2'), image: digest('other') })).toBe(false)
    })
    expect(await store().read.placements.keepersOf(space, image)).toEqual(['k1', 'k2'])
    expect(await store().read.placements.rootsOf('k2')).toEqual([])
  })

  it('keeping again what was sealed loses no root', async () => {
    await placed(store(), 'k1')
    await store().write(({ placements }) => placements.keep(placementOf('k1')))
    expect(await store().read.placements.rootsOf('k1')).toHaveLength(1)
  })

  it('the image is held until its last keeper lets go', async () => {
    const packs = await placed(store(), 'k1')
    const drop = (keeper: string) =>
      store().write(({ placements }) => placements.drop(placementOf(keeper)))
    await store().write(({ placements }) => placements.keep(placementOf('k2')))
    await drop('k1')
    await drop('unknown')
    expect(await heldBy(imageOwner(space, image))).toEqual(packs)
    await drop('k2')
    await drop('k2')
    expect(await heldBy(imageOwner(space, image))).toEqual([])
    expect(await store().read.placements.spacesOf(image)).toEqual([])
    expect(await store().write(({ placements }) => placements.keep(placementOf('k3')))).toBe(false)
  })
}
