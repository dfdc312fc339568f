import { afterEach, describe, expect, test } from 'vitest'
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
import { Unavailable } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { copyImage } from './copy-image.ts'
import { planImageCopy } from './plan-image-copy.ts'
import { sweepSpace } from './sweep-space.ts'
import { verifyImage } from './verify-image.ts'

const { chunkBytes } = limits
const seeds = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
function open(...args: Parameters<typeof openTestPlane>) {
  const made = openTestPlane(...args)
  opened.push(made)
  return made.plane
}
type Plane = ReturnType<typeof open>

function copy(plane: Plane, image: Parameters<typeof readAll>[1], to: SpaceId[], from = [home]) {
  return copyImage(plane, { owner: workOwner('copy'), image, from, to, signal })
}

describe('copy', () => {
  test('packs travel byte for byte, and only those that are missing', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const v1 = await publish(plane, diskOf(seeds(1, 21)), { upload: 'v1' })
    const first = await copy(plane, v1.image, [abroad])
    expect(first.movedBytes).toBe(v1.addedBytes)
    const v2 = await publish(plane, diskOf([...seeds(1, 20), 99]), { upload: 'v2' })
    const then = await copy(plane, v2.image, [abroad])
    expect(then.movedBytes).toBe(v2.addedBytes)
    const ids = (space: SpaceId) => [...packsIn(durable, space).values()].map((pack) => pack.length)
    expect(ids(abroad)).toEqual(ids(home))
    expect((await verifyImage(plane, { image: v2.image, space: abroad, signal })).damaged).toEqual(
      [],
    )
    expect((await readAll(plane, v2.image, [abroad])).equals(diskOf([...seeds(1, 20), 99]))).toBe(
      true,
    )
  })

  test('a second copy moves nothing and names the same holdings', async () => {
    const plane = open(openDurable())
    const { image } = await publish(plane, diskOf(seeds(1, 5)), { upload: 'v1' })
    const first = await copy(plane, image, [abroad, second])
    const again = await copy(plane, image, [abroad, second])
    expect(again.movedBytes).toBe(0)
    expect(again.holdings).toEqual(first.holdings)
  })

  test('to where it lies already it costs nothing', async () => {
    const plane = open(openDurable())
    const { image, holdings } = await publish(plane, diskOf([1, 2]), { upload: 'v1' })
    const copied = await copy(plane, image, [home])
    expect(copied).toEqual({ movedBytes: 0, holdings: new Map([[home, holdings]]) })
  })

  test('a pack is read once for all spaces that lack it', async () => {
    const reads: string[] = []
    const durable = openDurable(({ name, key, folder }) => {
      if (name === 'read' && folder === home && key.startsWith('packs/')) reads.push(key)
    })
    const plane = open(durable)
    const { image } = await publish(plane, diskOf(seeds(1, 5)), { upload: 'v1' })
    await readAll(plane, image)
    reads.length = 0
    await copy(plane, image, [second, abroad])
    expect(reads).toHaveLength(1)
  })

  test('the plan tells what the copy then moves', async () => {
    const plane = open(openDurable())
    const { image, addedBytes } = await publish(plane, diskOf(seeds(1, 9)), { upload: 'v1' })
    const [plan] = await planImageCopy(plane, { image, from: [home], to: [abroad], signal })
    expect(plan).toMatchObject({
      space: abroad,
      present: [],
      movedBytes: addedBytes,
      repackedBytes: 0,
    })
    const reports: { bytesDone: number; bytesTotal: number }[] = []
    await copyImage(plane, {
      owner: workOwner('c'),
      image,
      from: [home],
      to: [abroad],
      signal,
      report: (progress) => reports.push(progress),
    })
    expect(reports[0]).toEqual({ bytesDone: 0, bytesTotal: addedBytes })
    expect(reports.at(-1)).toEqual({ bytesDone: addedBytes, bytesTotal: addedBytes })
    const [after] = await planImageCopy(plane, { image, from: [home], to: [abroad], signal })
    expect(after).toMatchObject({ movedBytes: 0, whole: [] })
  })

  /** An image that needs `share` tenths of a pack of ten chunks. */
  async function partial(plane: Plane, share: number) {
    await publish(plane, diskOf(seeds(1, 11)), { upload: 'v1' })
    return await publish(plane, diskOf(seeds(1, 1 + share)), { upload: 'v2' })
  }

  test.each([
    [9, abroad, 9],
    [6, second, 10],
    [3, second, 3],
  ])('of ten chunks %i are needed: to %s go %i', async (share, to, travels) => {
    const durable = openDurable()
    const plane = open(durable)
    const { image } = await partial(plane, share)
    const { movedBytes } = await copy(plane, image, [to])
    expect(Math.floor(movedBytes / chunkBytes)).toBe(travels)
    const afresh = open(durable)
    durable.rows.seal(
      to,
      image,
      [...(await afresh.rows.heldBy(workOwner('copy')))].map(({ id }) => id),
    )
    expect((await verifyImage(afresh, { image, space: to, signal })).damaged).toEqual([])
    expect((await readAll(afresh, image, [to])).equals(diskOf(seeds(1, 1 + share)))).toBe(true)
  })

  test('two spaces that lack the same frames get the same new packs', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const { image } = await partial(plane, 3)
    const { holdings } = await copy(plane, image, [abroad, second])
    expect(holdings.get(abroad)).toHaveLength(2)
    const bytes = (space: SpaceId) =>
      [...packsIn(durable, space).values()].map((pack) => pack.length).sort((a, b) => a - b)
    expect(bytes(abroad)).toEqual(bytes(second))
  })

  test.each([10, 3])(
    'a damaged source is replaced by another, and repaired (%i of 10)',
    async (share) => {
      const durable = openDurable()
      const plane = open(durable)
      const { image } = await partial(plane, share)
      await copy(plane, image, [second])
      const big = [...packsIn(durable, home)].find(([, pack]) => pack.length > 9 * chunkBytes)
      const key = big?.[0] ?? ''
      flip(durable, { space: home, key, at: 64 + 1000 })
      const { movedBytes } = await copy(open(durable), image, [abroad], [home, second])
      expect(movedBytes).toBeGreaterThan(share * chunkBytes)
      expect(
        (await readAll(open(durable), image, [abroad])).equals(diskOf(seeds(1, 1 + share))),
      ).toBe(true)
      if (share < 10) return
      expect(packsIn(durable, home).get(key)).toEqual(big?.[1])
      expect(durable.logged.map(({ event }) => event)).toContain('pack-repaired')
    },
  )

  test('a pack that is damaged everywhere in different places is still copied, chunk by chunk', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const bytes = diskOf(seeds(1, 11))
    const { image } = await publish(plane, bytes, { upload: 'v1' })
    await copy(plane, image, [second])
    for (const [space, at] of [
      [home, 64 + 10],
      [second, 64 + 5 * chunkBytes],
    ] as const) {
      for (const [key] of packsIn(durable, space)) flip(durable, { space, key, at })
    }
    await copy(plane, image, [abroad], [home, second])
    expect((await readAll(plane, image, [abroad])).equals(bytes)).toBe(true)
    expect((await verifyImage(plane, { image, space: abroad, signal })).damaged).toEqual([])
  })

  test('a chunk that is good nowhere is named, with its place on the disk', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const { image } = await publish(plane, diskOf([1, 0, 2]), { upload: 'v1' })
    for (const [key] of packsIn(durable, home))
      flip(durable, { space: home, key, at: 64 + chunkBytes })
    const failed = copy(plane, image, [abroad])
    await expect(failed).rejects.toMatchObject({ code: 'ImageDamaged' })
    await expect(failed).rejects.toThrow(new RegExp(`offset ${2 * chunkBytes} .*${image}.*${home}`))
    await plane.rows.release(workOwner('copy'))
    await sweepSpace(plane, { space: abroad, holdMs: 0, signal })
    expect(packsIn(durable, abroad).size).toBe(0)
  })

  test('a source that is away is no damage: another serves, else it is Unavailable', async () => {
    const away = new Set<string>()
    const durable = openDurable(({ folder }) => {
      if (away.has(folder)) throw new Unavailable('its disk is gone')
    })
    const plane = open(durable)
    const bytes = diskOf(seeds(1, 5))
    const { image } = await publish(plane, bytes, { upload: 'v1' })
    away.add(home)
    await expect(copy(plane, image, [abroad])).rejects.toThrow(Unavailable)
    away.clear()
    await copy(plane, image, [second])
    away.add(home)
    await copy(open(durable), image, [abroad], [home, second])
    expect((await readAll(plane, image, [abroad])).equals(bytes)).toBe(true)
  })
})
