import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { diskOf } from '../../test/support/test-disks.ts'
import {
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
import { digestOf } from '../domain/digest.ts'
import { workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import { copyImage } from './copy-image.ts'
import { dataRanges, readImage } from './read-image.ts'
import { verifyImage } from './verify-image.ts'

const { chunkBytes } = limits

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
function open(...args: Parameters<typeof openTestPlane>) {
  const made = openTestPlane(...args)
  opened.push(made)
  return made.plane
}

/** A disk in `home` and `second`. */
async function twoSpaces(bytes: Buffer) {
  const durable = openDurable()
  const plane = open(durable)
  const { image, holdings } = await publish(plane, bytes, { upload: 'u1' })
  const owner = workOwner('copy')
  const copied = await copyImage(plane, { owner, image, from: [home], to: [second], signal })
  durable.rows.seal(home, image, holdings)
  durable.rows.seal(second, image, copied.holdings.get(second) ?? [])
  return { durable, plane, image }
}

describe('reading', () => {
  const bytes = diskOf([1, -2, 0, 0, 3, -1, 0])

  test('any range gives the bytes of the disk there', async () => {
    const plane = open(openDurable())
    const disk = bytes.subarray(0, bytes.length - 1024)
    const { image } = await publish(plane, disk, { upload: 'u1' })
    await fc.assert(
      fc.asyncProperty(fc.nat(disk.length), fc.nat(disk.length), async (a, b) => {
        const range = { offsetBytes: Math.min(a, b), lengthBytes: Math.abs(a - b) }
        const read = await readImage(plane, { image, spaces: [home], signal, ...range })
        const wanted = disk.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes)
        expect(Buffer.from(read).equals(wanted)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('data ranges leave out the holes, join neighbours and are clipped', async () => {
    const plane = open(openDurable())
    const disk = bytes.subarray(0, bytes.length - 512)
    const { image } = await publish(plane, disk, { upload: 'u1' })
    const place = { image, spaces: [home], signal }
    const ranges = async (fromBytes: number, toBytes: number) => {
      const found: number[][] = []
      for await (const range of dataRanges(plane, { ...place, fromBytes, toBytes })) {
        found.push([range.offsetBytes, range.lengthBytes])
      }
      return found
    }
    expect(await ranges(0, disk.length)).toEqual([
      [0, 2 * chunkBytes],
      [4 * chunkBytes, 2 * chunkBytes],
    ])
    expect(await ranges(100, 4 * chunkBytes + 7)).toEqual([
      [100, 2 * chunkBytes - 100],
      [4 * chunkBytes, 7],
    ])
    expect(await ranges(2 * chunkBytes, 4 * chunkBytes)).toEqual([])
  })

  test('a bit flipped anywhere in a pack is found and healed from another space', async () => {
    const { durable, image } = await twoSpaces(diskOf([-1, -2, -3]))
    const [key, pack] = [...packsIn(durable, home)][0] ?? ['', Buffer.alloc(0)]
    for (let at = 0; at < pack.length; at += 7) {
      flip(durable, { space: home, key, at })
      const plane = open(durable)
      const { damaged } = await verifyImage(plane, { image, space: home, signal })
      expect(damaged, `bit at ${at}`).toMatchObject([{ digest: digestOf(pack), repaired: true }])
      expect(packsIn(durable, home).get(key)).toEqual(pack)
      for (const one of opened.splice(0)) await one.close()
    }
  })

  test('reading alone heals what it meets: frames, nodes, manifest, trailer', async () => {
    const { durable, image } = await twoSpaces(bytes)
    const [key, pack] = [...packsIn(durable, home)][0] ?? ['', Buffer.alloc(0)]
    const frames = [64 + 5, pack.length - 64 - 48 * 7 - 5, pack.length - 100, pack.length - 64]
    for (const at of frames) {
      flip(durable, { space: home, key, at })
      const plane = open(durable)
      expect((await readAll(plane, image)).equals(bytes)).toBe(true)
      expect(packsIn(durable, home).get(key), `bit at ${at}`).toEqual(pack)
    }
    const repaired = durable.logged.filter(({ event }) => event === 'pack-repaired')
    expect(repaired).toHaveLength(frames.length)
    expect(repaired[0]).toMatchObject({ space: home, pack: digestOf(pack) })
  })

  test('a missing or cut pack is read elsewhere and put back', async () => {
    const { durable, image } = await twoSpaces(bytes)
    const [key, pack] = [...packsIn(durable, home)][0] ?? ['', Buffer.alloc(0)]
    for (const spoil of [
      () => durable.places.placeAt(home).delete(key),
      () => durable.places.placeAt(home).set(key, pack.slice(0, 5000)),
    ]) {
      spoil()
      expect((await readAll(open(durable), image)).equals(bytes)).toBe(true)
      expect(packsIn(durable, home).get(key)).toEqual(pack)
    }
  })

  test('damage everywhere is an error that names chunk, offset, image and spaces', async () => {
    const { durable, image } = await twoSpaces(bytes)
    for (const space of [home, second]) {
      const [key] = [...packsIn(durable, space).keys()]
      flip(durable, { space, key: key ?? '', at: 64 + 5 })
    }
    const failed = readAll(open(durable), image)
    await expect(failed).rejects.toMatchObject({ code: 'ImageDamaged' })
    const chunk = digestOf(bytes.subarray(0, chunkBytes))
    await expect(failed).rejects.toThrow(new RegExp(`chunk ${chunk} at offset 0 .*${image}`))
    await expect(failed).rejects.toThrow(new RegExp(`${home}, ${second}`))
  })

  test('a space that is gone altogether is read around', async () => {
    const { durable, image } = await twoSpaces(bytes)
    durable.places.placeAt(home).clear()
    expect((await readAll(open(durable), image)).equals(bytes)).toBe(true)
    expect((await readAll(open(durable), image)).equals(bytes)).toBe(true)
  })

  test('verify names what a space lacks', async () => {
    const durable = openDurable()
    const plane = open(durable)
    const { image } = await publish(plane, bytes, { upload: 'u1' })
    const { damaged, checkedCount } = await verifyImage(plane, { image, space: second, signal })
    expect(checkedCount).toBe(0)
    expect(damaged).toHaveLength(6)
    expect(damaged[0]).toMatchObject({ digest: image, repaired: false })
  })

  test('what is no image is an error, not a wait', async () => {
    const plane = open(openDurable())
    const none = readAll(plane, digestOf(Buffer.from('none')))
    await expect(none).rejects.toMatchObject({ code: 'ImageDamaged' })
  })
})
