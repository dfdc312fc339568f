import { expect, it } from 'vitest'
import type { LostPart } from '../../../src/domain/health.ts'
import { imageOwner, workOwner } from '../../../src/domain/holdings.ts'
import type { SpaceId } from '../../../src/domain/spaces.ts'
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

const forever = Number.MAX_SAFE_INTEGER
const good = { packs: 2, bytes: 20, found: 0, left: 0, lost: 0 }

export function healthPromises(open: OpenStore): void {
  const { store } = useStore(open)
  const ids = (held: readonly { readonly id: number }[]) => held.map(({ id }) => id)
  const ofKeeper = (keeper: string) => store().read.health.ofKeeper(keeper)

  it('what arrived was seen good at that time, and is due again after it', async () => {
    const [first = 0, second = 0] = await placed(store(), 'k1')
    const nowMs = await store().nowMs()
    const [sums] = await ofKeeper('k1')
    expect(sums).toMatchObject({ space, ...good })
    expect(Math.abs((sums?.verifiedMs ?? 0) - nowMs)).toBeLessThan(60_000)
    expect(await store().holdings.due(space, nowMs - 60_000, 10)).toEqual([])
    expect(ids(await store().holdings.due(space, forever, 1))).toEqual([first])
    expect(ids(await store().holdings.due(space, forever, 10))).toEqual([first, second])
    expect(await store().holdings.due(otherSpace, forever, 10)).toEqual([])
  })

  it('a pack is counted as bad once, until it is good again; what cannot be mended is told apart', async () => {
    const [first = 0, second = 0] = await placed(store(), 'k1')
    const { holdings } = store()
    await holdings.foundBad(first, false)
    await holdings.foundBad(first, true)
    expect(await ofKeeper('k1')).toMatchObject([{ packs: 2, found: 1, left: 1, lost: 1 }])
    expect(ids(await holdings.badIn(space, 0, 10))).toEqual([first])
    expect(await holdings.badIn(space, first, 10)).toEqual([])
    expect(await holdings.badAmong([first, second, 999])).toEqual(new Set([first]))
    await holdings.foundGood([second, first])
    expect(await holdings.badIn(space, 0, 10)).toEqual([])
    expect(await ofKeeper('k1')).toMatchObject([{ found: 1, left: 0, lost: 0 }])
    await holdings.foundBad(first, false)
    expect(await store().read.health.ofSpace(space)).toMatchObject({ found: 2, left: 1, lost: 0 })
    const nothing = { space: otherSpace, packs: 0, bytes: 0, verifiedMs: undefined }
    expect(await store().read.health.ofSpace(otherSpace)).toMatchObject(nothing)
  })

  it('a pack that was found bad while another read it good stays bad', async () => {
    const [first = 0, second = 0] = await placed(store(), 'k1')
    const { holdings } = store()
    await holdings.foundBad(second, false)
    const before = await holdings.timesBad([first, second])
    expect(before).toEqual(
      new Map([
        [first, 0],
        [second, 1],
      ]),
    )
    await holdings.foundBad(first, false)
    await holdings.foundGood([first, second], before)
    expect(await holdings.badAmong([first, second])).toEqual(new Set([first]))
  })

  it('a pack that is known to be bad counts for no claim: its bytes are stored again', async () => {
    const [first = 0, second = 0] = await placed(store(), 'k1')
    await store().holdings.foundBad(first, false)
    const { owner } = await someWork(store(), 'another')
    expect(await store().holdings.claim(owner, [first, second])).toEqual(new Set([second]))
  })

  it('an image moves from bad packs to others, which go on counting; the bad ones are swept', async () => {
    const [first = 0, second = 0] = await placed(store(), 'k1')
    await store().holdings.foundBad(first, true)
    const { owner } = await someWork(store(), 'healing')
    const [fresh = 0] = await livePacks(store(), owner, ['p3'])
    expect(await store().holdings.claim(owner, [second])).toEqual(new Set([second]))
    const reseat = (holdings: readonly number[], by = owner) =>
      store().write(({ placements }) => placements.reseat({ space, image, owner: by, holdings }))
    expect(await store().read.health.imagesOn(first)).toEqual([image])
    expect(await reseat([second, fresh, first])).toBe(false)
    expect(await reseat([second, fresh], workOwner('999'))).toBe(false)
    expect(await reseat([fresh, second])).toBe(true)
    const held = await store().holdings.heldBy(imageOwner(space, image))
    expect(ids(held)).toEqual([second, fresh])
    expect(await ofKeeper('k1')).toMatchObject([{ packs: 2, found: 1, left: 0 }])
    expect(ids(await store().holdings.sweep(space, 0, 10))).toEqual([first])
    await store().write(({ placements }) => placements.drop(placementOf('k1')))
    expect(await reseat([fresh, second])).toBe(false)
  })

  it('what is lost of an image is told to who keeps it, and forgotten with it', async () => {
    await placed(store(), 'k1')
    const { health } = store().read
    const part: LostPart = { kind: 1, digest: digest('chunk'), offsetBytes: 65_536 }
    const put = (parts: LostPart[], where: SpaceId = space) =>
      store().write((rows) => rows.health.putLost(where, image, parts))
    await put([part, { ...part, digest: digest('another'), offsetBytes: 0 }])
    await put([part], otherSpace)
    expect(await health.lostOf('k1', 1)).toMatchObject([{ space, image, offsetBytes: 0 }])
    await put([part])
    expect(await health.lostOf('k1', 10)).toEqual([{ space, image, ...part }])
    expect(await health.lostOf('k2', 10)).toEqual([])
    expect(await health.losersIn(space, 10)).toEqual(['k1'])
    expect(await health.losersIn(otherSpace, 10)).toEqual([])
    await store().write(({ placements }) => placements.drop(placementOf('k1')))
    await placed(store(), 'k1')
    expect(await health.lostOf('k1', 10)).toEqual([])
  })

  it('the roots of a space are told in pages, each with its keeper', async () => {
    await placed(store(), 'k1')
    await placed(store(), 'k2')
    const { placements } = store().read
    const [first, second] = ['k1', 'k2'].map((keeper) => ({ root: `roots/${keeper}`, keeper }))
    expect(await placements.rootsIn(space, '', 10)).toEqual([first, second])
    expect(await placements.rootsIn(space, '', 1)).toEqual([first])
    expect(await placements.rootsIn(space, 'roots/k1', 10)).toEqual([second])
    expect(await placements.rootsIn(otherSpace, '', 10)).toEqual([])
  })

  it('a space is kept as it was last put, and unseen before', async () => {
    const { spaces } = store().read
    expect(await spaces.get(space)).toBeUndefined()
    const unseen = await store().write((rows) => rows.spaces.lock(space))
    expect(unseen).toMatchObject({ space, state: 'unseen', storeId: undefined })
    const seen = {
      ...unseen,
      state: 'here',
      storeId: 's',
      place: '/p',
      mount: '/',
      why: 'so',
    } as const
    await store().write((rows) => rows.spaces.put(seen))
    expect(await spaces.get(space)).toEqual(seen)
    expect(await spaces.all()).toEqual([seen])
    const nothing = { space, state: 'here', verifiedMs: undefined, badPacks: 0 }
    expect(await store().watch.spaces()).toEqual([nothing])
    const [first = 0] = await placed(store(), 'k1')
    await store().holdings.foundBad(first, false)
    const verifiedMs = expect.any(Number)
    expect(await store().watch.spaces()).toEqual([{ ...nothing, verifiedMs, badPacks: 1 }])
    expect(await store().write((rows) => rows.spaces.lock(space))).toEqual(seen)
  })
}
