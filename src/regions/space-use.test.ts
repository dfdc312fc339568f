import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diskOf } from '../../test/support/test-disks.ts'
import { home, openDurable, openTestPlane, publish, signal } from '../../test/support/test-plane.ts'
import type { Digest } from '../domain/digest.ts'
import { digestOf } from '../domain/digest.ts'
import { imageOwner, workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { Plane } from './plane.ts'
import { spaceUse } from './space-use.ts'
import { manifestOf, visitNodes } from './tree.ts'

const { chunkBytes } = limits

/** Each a disk of its own; two that are equal are one image. */
async function placed(disks: readonly (readonly number[])[]) {
  const durable = openDurable()
  const { plane, close } = openTestPlane(durable)
  const images: Digest[] = []
  for (const [at, seeds] of disks.entries()) {
    const owner = workOwner(`${at}`)
    const order = { upload: `${at}`, owner, pageBytes: chunkBytes }
    const { image, holdings } = await publish(plane, diskOf(seeds), order)
    durable.rows.seal(home, image, holdings)
    images.push(image)
  }
  return { plane, images, close }
}

/** Every digest of an image, with what the space stores for it; chunks apart. */
async function everything(plane: Plane, image: Digest, disk: Buffer) {
  const place = { image, spaces: [home], signal }
  const { manifest } = await manifestOf(plane, place)
  const nodes = new Set<Digest>([image])
  const all = { manifest, fromBytes: 0, toBytes: manifest.virtualSizeBytes }
  for await (const { digest } of visitNodes(plane, place, all)) nodes.add(digest)
  const chunks: Digest[] = []
  for (let at = 0; at < disk.length; at += chunkBytes) {
    const chunk = disk.subarray(at, at + chunkBytes)
    if (chunk.some((byte) => byte !== 0)) chunks.push(digestOf(chunk))
  }
  return { nodes, chunks }
}

async function storedBytes(plane: Plane, images: readonly Digest[]) {
  const stored = new Map<Digest, number>()
  for (const image of images) {
    for (const holding of await plane.rows.heldBy(imageOwner(home, image))) {
      const trailer = await plane.trailers.of(holding.pack, async () => [holding])
      for (let slot = 0; slot < (trailer?.count ?? 0); slot++) {
        const frame = trailer?.frame(slot)
        if (frame) stored.set(frame.digest, frame.storedBytes)
      }
    }
  }
  return stored
}

/** By sets of everything that each image has. */
async function bruteForce(
  plane: Plane,
  mine: ReadonlyMap<Digest, Buffer>,
  others: ReadonlyMap<Digest, Buffer>,
) {
  const theirs = new Set<Digest>()
  for (const [image, disk] of others) {
    const { nodes, chunks } = await everything(plane, image, disk)
    for (const digest of [...nodes, ...chunks]) theirs.add(digest)
  }
  const chunks = new Set<Digest>()
  const all = new Set<Digest>()
  let occupied = 0
  for (const [image, disk] of mine) {
    const found = await everything(plane, image, disk)
    occupied += found.chunks.length
    for (const digest of found.chunks) chunks.add(digest)
    for (const digest of [...found.nodes, ...found.chunks]) all.add(digest)
  }
  const stored = await storedBytes(plane, [...mine.keys()])
  const sum = (digests: Iterable<Digest>) =>
    [...digests].reduce((bytes, digest) => bytes + (stored.get(digest) ?? Number.NaN), 0)
  const isTheirs = (digest: Digest) => theirs.has(digest)
  const isMine = (digest: Digest) => !isTheirs(digest)
  return {
    plain: {
      occupiedBytes: occupied * chunkBytes,
      uniqueBytes: [...chunks].filter(isMine).length * chunkBytes,
      sharedBytes: [...chunks].filter(isTheirs).length * chunkBytes,
    },
    stored: {
      occupiedBytes: sum(all),
      uniqueBytes: sum([...all].filter(isMine)),
      sharedBytes: sum([...all].filter(isTheirs)),
    },
  }
}

async function expectExact(disks: readonly (readonly number[])[], counted: number): Promise<void> {
  const { plane, images, close } = await placed(disks)
  const bytesOf = new Map(images.map((image, at) => [image, diskOf(disks[at] ?? [])]))
  const mine = new Map([...bytesOf].filter(([image]) => images.indexOf(image) < counted))
  const others = new Map([...bytesOf].filter(([image]) => !mine.has(image)))
  const order = { space: home, images: [...mine.keys()], others: [...others.keys()], signal }
  const kept = { keptBesides: new Set<Digest>() }
  expect(await spaceUse(plane, { ...order, ...kept })).toEqual(
    await bruteForce(plane, mine, others),
  )
  // Kept by somebody else as well, there is nothing that it alone needs.
  const besides = await spaceUse(plane, { ...order, keptBesides: new Set(mine.keys()) })
  expect(besides.stored.uniqueBytes + besides.plain.uniqueBytes).toBe(0)
  await close()
}

test('what versions take up, and take up alone, is what a count of every chunk by itself gives', async () => {
  const chunk = fc.integer({ min: -3, max: 5 })
  const disk = fc.array(chunk, { minLength: 2, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(disk, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 2 }),
      expectExact,
    ),
    { numRuns: 40 },
  )
})

test('with trees of several nodes, equal ones in other places, and a node under another’s', async () => {
  const leaf = (seed: number) => Array.from({ length: 256 }, (_, at) => (at < 3 ? seed + at : 0))
  const first = [...leaf(1), ...leaf(10), ...leaf(1), ...leaf(20)]
  const second = [...leaf(10), ...leaf(1), ...leaf(30), ...leaf(20), ...leaf(40)]
  await expectExact([first, second, [1, 2], [41, -1]], 1)
  await expectExact([first, second, [1, 2], [41, -1]], 2)
  await expectExact([second, first, first], 1)
})
