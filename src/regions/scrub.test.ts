import { afterEach, describe, expect, it } from 'vitest'
import { diskOf } from '../../test/support/test-disks.ts'
import {
  abroad,
  flip,
  home,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  second,
  signal,
} from '../../test/support/test-plane.ts'
import { type Holding, imageOwner, workOwner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { copyImage } from './copy-image.ts'
import { healImage } from './heal-image.ts'
import { scrub } from './scrub.ts'
import { sweepSpace } from './sweep-space.ts'
import { verifyImage } from './verify-image.ts'

/** Of noise, so that each chunk is as long in a pack as on the disk. */
const bytes = diskOf([1, 2, 3, 4, 5, 6])

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** An image in `home`, and its copies. */
async function replicated(...others: readonly SpaceId[]) {
  const durable = openDurable()
  const opened = openTestPlane(durable)
  closing.push(opened.close)
  const { plane } = opened
  const made = await publish(plane, bytes, { upload: 'u', pageBytes: 65_536 })
  const { image } = made
  durable.rows.seal(home, image, made.holdings)
  for (const to of others) {
    const owner = workOwner(`copy to ${to}`)
    const copied = await copyImage(plane, { owner, image, from: [home], to: [to], signal })
    durable.rows.seal(to, image, copied.holdings.get(to) ?? [])
    await plane.rows.release(owner)
  }
  await plane.rows.release(workOwner('u'))

  const heldIn = (space: SpaceId): Promise<readonly Holding[]> =>
    plane.rows.heldBy(imageOwner(space, image))
  async function scrubIn(space: SpaceId) {
    return await scrub(plane, { holdings: await heldIn(space), signal })
  }
  /** Heals, and has the image need what it was healed with. */
  async function heal(space: SpaceId, from: readonly SpaceId[]) {
    const owner = workOwner(`heal in ${space}`)
    const healed = await healImage(plane, { owner, image, space, others: from, signal })
    if (healed.is === 'whole') {
      await plane.rows.release(imageOwner(space, image))
      durable.rows.seal(space, image, healed.holdings)
    }
    await plane.rows.release(owner)
    await sweepSpace(plane, { space, holdMs: 0, signal })
    return healed
  }
  function flipIn(space: SpaceId, at: number): void {
    for (const key of packsIn(durable, space).keys()) flip(durable, { space, key, at })
  }
  const soundIn = async (space: SpaceId) =>
    (await verifyImage(plane, { image, space, signal })).damaged
  return { durable, plane, image, heldIn, scrubIn, heal, flipIn, soundIn }
}

/** In the frame of the chunk with this place in the pack. */
const chunkAt = (place: number): number => 64 + place * 65_536 + 100

describe('B18 a scrub', () => {
  it('notes when good packs were seen, and reads nothing else', async () => {
    const { durable, plane, heldIn, scrubIn } = await replicated()
    const held = await heldIn(home)
    const before = durable.world.now().getTime()
    expect(await scrubIn(home)).toEqual({ bytes: held[0]?.sizeBytes, bad: [] })
    expect(await plane.rows.due(home, before, 10)).toEqual([])
    expect(plane.moved.scrubbedBytes).toBe(held[0]?.sizeBytes)
  })

  it.each([
    ['a bit flipped in a frame', chunkAt(2)],
    ['a bit flipped in the header, which no read looks at', 5],
  ])('finds %s, and mends it from another replica', async (_name, at) => {
    const { durable, scrubIn, flipIn, soundIn } = await replicated(abroad)
    flipIn(home, at)
    expect((await scrubIn(home)).bad).toMatchObject([{ repaired: 'repaired' }])
    expect(durable.rows.rows().map(({ bad, foundBad }) => ({ bad, foundBad }))).toEqual([
      { bad: 0, foundBad: 1 },
      { bad: 0, foundBad: 0 },
    ])
    expect((await scrubIn(home)).bad).toEqual([])
    expect(await soundIn(home)).toEqual([])
  })

  it('leaves bad what a reader found bad meanwhile', async () => {
    const { plane, heldIn } = await replicated()
    const holdings = await heldIn(home)
    const [first] = holdings
    const timesBad = async (ids: readonly number[]) => {
      const times = await plane.rows.timesBad(ids)
      await plane.rows.foundBad(first?.id ?? 0, false)
      return times
    }
    await scrub({ ...plane, rows: { ...plane.rows, timesBad } }, { holdings, signal })
    expect(await plane.rows.badAmong([first?.id ?? 0])).toEqual(new Set([first?.id]))
  })

  it.each(['deleted', 'cut'])('finds a pack that was %s, and mends it', async (how) => {
    const { durable, scrubIn, soundIn } = await replicated(second)
    const place = durable.places.placeAt(second)
    for (const [key, pack] of packsIn(durable, second)) {
      if (how === 'cut') place.set(key, pack.subarray(0, 1000))
      else place.delete(key)
    }
    expect((await scrubIn(second)).bad).toMatchObject([{ repaired: 'repaired' }])
    expect(await soundIn(second)).toEqual([])
  })

  it('of a pack that was swept meanwhile tells nothing', async () => {
    const { durable, plane, image, heldIn } = await replicated()
    const holdings = await heldIn(home)
    for (const { key } of holdings) durable.places.placeAt(home).delete(key)
    await plane.rows.release(imageOwner(home, image))
    await plane.rows.sweep(home, 0, 10)
    expect(await scrub(plane, { holdings, signal })).toMatchObject({ bad: [] })
  })
})

describe('B18 damage in every replica', () => {
  it('of different chunks is healed crosswise', async () => {
    const { plane, image, scrubIn, heal, flipIn, soundIn } = await replicated(second)
    flipIn(home, chunkAt(1))
    flipIn(second, chunkAt(4))
    expect((await scrubIn(home)).bad).toMatchObject([{ repaired: 'damaged' }])
    expect(await heal(home, [second])).toMatchObject({ is: 'whole' })
    expect(await soundIn(home)).toEqual([])
    expect((await scrubIn(second)).bad).toMatchObject([{ repaired: 'damaged' }])
    expect(await heal(second, [home])).toMatchObject({ is: 'whole' })
    expect(await soundIn(second)).toEqual([])
    expect((await readAll(plane, image, [second])).equals(bytes)).toBe(true)
  })

  it('of the same chunk is told with its offset, and what is good is left', async () => {
    const { plane, scrubIn, heal, flipIn, heldIn } = await replicated(second)
    for (const space of [home, second]) {
      flipIn(space, chunkAt(1))
      flipIn(space, chunkAt(4))
    }
    expect((await scrubIn(home)).bad).toMatchObject([{ repaired: 'damaged' }])
    const lost = [
      { kind: 1, offsetBytes: 65_536 },
      { kind: 1, offsetBytes: 4 * 65_536 },
    ]
    expect(await heal(home, [second])).toMatchObject({ is: 'lost', parts: lost })
    const held = await heldIn(home)
    expect(await plane.rows.badAmong(held.map(({ id }) => id))).toEqual(new Set([held[0]?.id]))
  })

  it('of the tree is told as what it is', async () => {
    const { durable, image, scrubIn, flipIn } = await replicated(second)
    // Behind the six chunks.
    for (const space of [home, second]) flipIn(space, chunkAt(6))
    await scrubIn(home)
    // What this process remembers of the tree would do: another one remembers nothing.
    const { plane, close } = openTestPlane(durable)
    closing.push(close)
    const order = { owner: workOwner('h'), image, space: home, others: [second], signal }
    expect(await healImage(plane, order)).toMatchObject({
      is: 'lost',
      parts: [{ kind: 2, offsetBytes: 0 }],
    })
  })
})
