import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { diskOf, noiseChunk } from '../../test/support/test-disks.ts'
import {
  type Durable,
  flip,
  home,
  ingestUpload,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  second,
  signal,
} from '../../test/support/test-plane.ts'
import type { Digest } from '../domain/digest.ts'
import { workOwner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'
import { clearPages, dropStaged, stagedReader, stagePage, stageRuns } from './staging.ts'

const { chunkBytes } = limits
const sector = 512

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

/** A plane, and a disk that lies complete in a space of it. */
async function withParent(bytes: Uint8Array, space: SpaceId = home) {
  const durable = openDurable()
  const made = openTestPlane(durable)
  opened.push(made)
  const { image, holdings } = await publish(made.plane, bytes, { upload: 'parent', space })
  durable.rows.seal(space, image, holdings)
  return { durable, plane: made.plane, parent: { image, spaces: [space], bytes } }
}

type Run = { offsetBytes: number; lengthBytes: number; fromBytes: number }

function stage(plane: Plane, parent: { image: Digest; spaces: SpaceId[] }, runs: readonly Run[]) {
  const { image, spaces } = parent
  return stageRuns(plane, { upload: 'u1', space: home, image, spaces, runs, grants: [] })
}

function whole(bytes: Uint8Array): Run {
  return { offsetBytes: 0, lengthBytes: bytes.length, fromBytes: 0 }
}

describe('runs of an image in an upload', () => {
  test('the whole of an image is the same image; nothing is read or written', async () => {
    const bytes = diskOf([1, 2, 0, -3, 4])
    const { durable, plane, parent } = await withParent(bytes)
    const packs = packsIn(durable, home)
    await stage(plane, parent, [whole(bytes)])
    // Would the ingest read a chunk, it would find it damaged.
    for (const key of packs.keys()) flip(durable, { space: home, key, at: 100 })
    const made = await ingestUpload(plane, bytes.length, { upload: 'u1' })
    expect(made).toMatchObject({ image: parent.image, addedBytes: 0 })
    expect([...made.holdings].sort()).toEqual([...(await heldBy(durable, parent.image))].sort())
    expect(packsIn(durable, home).size).toBe(packs.size)
  })

  test('what the space of the upload lacks is packed there, checked', async () => {
    const bytes = diskOf([1, 2, 0, 3])
    const { durable, plane, parent } = await withParent(bytes, second)
    await stage(plane, parent, [whole(bytes)])
    const made = await ingestUpload(plane, bytes.length, { upload: 'u1' })
    expect(made.image).toBe(parent.image)
    expect(made.addedBytes).toBeGreaterThan(3 * chunkBytes)
    for (const [key] of packsIn(durable, second)) durable.places.placeAt(second).delete(key)
    expect((await readAll(plane, made.image)).equals(bytes)).toBe(true)
  })

  test('a disk of several leaves, some of them the parent’s, moved and changed', async () => {
    const chunks = [...Array(256).keys(), ...Array(40).keys()].map((at) => at + 1)
    const bytes = diskOf(chunks)
    const { durable, plane, parent } = await withParent(bytes)
    const wanted = Buffer.from(bytes)
    wanted.set(noiseChunk(999), 260 * chunkBytes)
    wanted.copyWithin(3 * chunkBytes, 270 * chunkBytes, 280 * chunkBytes)
    const packs = packsIn(durable, home).size
    await stage(plane, parent, [
      whole(bytes),
      { offsetBytes: 3 * chunkBytes, lengthBytes: 10 * chunkBytes, fromBytes: 270 * chunkBytes },
    ])
    const page = wanted.subarray(260 * chunkBytes, 261 * chunkBytes)
    const place = { upload: 'u1', space: home, offsetBytes: 260 * chunkBytes }
    await stagePage(plane, { ...place, bytes: Uint8Array.from(page), signal })
    const made = await ingestUpload(plane, bytes.length, { upload: 'u1' })
    expect(made.addedBytes).toBeLessThan(2 * chunkBytes)
    expect(packsIn(durable, home).size).toBe(packs + 1)
    const place2 = { upload: 'plain', owner: workOwner('plain') }
    expect((await publish(plane, wanted, place2)).image).toBe(made.image)
  })

  test('any pages, clears and runs over one another become what a plain ingest makes of the same bytes', async () => {
    const chunks = 20
    const size = fc.constantFrom(chunks * chunkBytes, chunks * chunkBytes - 3 * sector)
    const place = fc.record({
      is: fc.constantFrom('page', 'run', 'clear', 'run'),
      at: fc.nat(chunks * 128 - 1),
      sectors: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(128, 256, 1024, 2560)),
      from: fc.oneof(fc.nat(chunks - 1), fc.constant('same' as const)),
      onGrid: fc.boolean(),
      seed: fc.integer({ min: 1, max: 5 }),
    })
    const parents = fc.record({
      ids: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: chunks }),
      isElsewhere: fc.boolean(),
    })
    const given = fc.tuple(parents, size, fc.array(place, { minLength: 1, maxLength: 8 }))
    await fc.assert(
      fc.asyncProperty(given, async ([{ ids, isElsewhere }, sizeBytes, places]) => {
        const { plane, parent } = await withParent(diskOf(ids), isElsewhere ? second : home)
        const wanted = Buffer.alloc(sizeBytes)
        const parentBytes = Buffer.alloc(2 * chunks * chunkBytes)
        parentBytes.set(parent.bytes)
        for (const { is, at, sectors, from, onGrid, seed } of places) {
          const start = is !== 'clear' && onGrid ? Math.floor(at / 128) * chunkBytes : at * sector
          const lengthBytes = Math.min(sectors * sector, sizeBytes - start)
          if (lengthBytes <= 0) continue
          const target = { upload: 'u1', space: home, offsetBytes: start }
          if (is === 'clear') {
            await clearPages(plane, { ...target, lengthBytes })
            wanted.fill(0, start, start + lengthBytes)
          } else if (is === 'page') {
            const bytes = Buffer.alloc(lengthBytes, seed)
            await stagePage(plane, { ...target, bytes: Uint8Array.from(bytes), signal })
            wanted.set(bytes, start)
          } else {
            const fromBytes = from === 'same' ? start : from * chunkBytes
            await stage(plane, parent, [{ offsetBytes: start, lengthBytes, fromBytes }])
            parentBytes.copy(wanted, start, fromBytes, fromBytes + lengthBytes)
          }
        }
        const reader = stagedReader(plane, { upload: 'u1', space: home, sizeBytes })
        const staged = await reader.read({ offsetBytes: 0, lengthBytes: sizeBytes }, signal)
        expect(Buffer.from(staged).equals(wanted)).toBe(true)
        const made = await ingestUpload(plane, sizeBytes, { upload: 'u1' })
        expect((await readAll(plane, made.image)).equals(wanted)).toBe(true)
        const plain = openTestPlane(openDurable())
        const { image } = await publish(plain.plane, wanted, { upload: 'plain' })
        await plain.close()
        expect(made.image).toBe(image)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

  test('an upload that is dropped keeps no image any more', async () => {
    const { durable, plane, parent } = await withParent(diskOf([1, 2]))
    await stage(plane, parent, [whole(parent.bytes)])
    expect(await durable.uploads.kept('u1')).toHaveLength(1)
    await dropStaged(plane, { upload: 'u1', space: home, signal })
    expect(await durable.uploads.kept('u1')).toEqual([])
    expect(durable.uploads.all('u1')).toEqual([])
  })
})

async function heldBy(durable: Durable, image: Digest): Promise<readonly number[]> {
  const owner = durable.rows.owners().find((one) => one.includes(image))
  return owner ? (await durable.rows.holdings.heldBy(owner)).map(({ id }) => id) : []
}
