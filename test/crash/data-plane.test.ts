import { describe, expect, test } from 'vitest'
import type { Digest } from '../../src/domain/digest.ts'
import { imageOwner, workOwner } from '../../src/domain/holdings.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { copyImage } from '../../src/regions/copy-image.ts'
import type { Plane } from '../../src/regions/plane.ts'
import { dropStaged } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { type Fuse, mortal, openFuse } from '../support/mortal.ts'
import { diskOf } from '../support/test-disks.ts'
import {
  abroad,
  type Durable,
  home,
  ingestUpload,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  second,
  signal,
} from '../support/test-plane.ts'

const v1Bytes = diskOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
const v2Bytes = diskOf([1, 2, 3, 0, 11, -12])
const pageBytes = 64 * 1024
const spaces = [home, second, abroad]

/** v1 lies in `home` and is the version before; the pages of v2 are uploaded. */
async function prepared(): Promise<{ durable: Durable; v1: Digest }> {
  const durable = openDurable()
  const opened = openTestPlane(durable)
  const v1 = await publish(opened.plane, v1Bytes, { upload: 'v1', pageBytes })
  durable.rows.seal(home, v1.image, v1.holdings)
  await durable.rows.holdings.release(workOwner('v1'))
  await publish(opened.plane, v2Bytes, { upload: 'v2', pageBytes })
  await durable.rows.holdings.release(workOwner('v2'))
  await sweepSpace(opened.plane, { space: home, holdMs: 0, signal })
  await opened.close()
  return { durable, v1: v1.image }
}

/** Publish v2, copy it to two more spaces, drop its upload, delete v1, sweep. Every step may run again. */
async function job(plane: Plane, durable: Durable, { v1, fuse }: { v1: Digest; fuse: Fuse }) {
  const owner = workOwner('v2')
  const { image, holdings } = await ingestUpload(plane, v2Bytes.length, { upload: 'v2', owner })
  seal(durable, fuse, { space: home, image, holdings })
  for (const space of [second, abroad]) {
    const copied = await copyImage(plane, { owner, image, from: [home], to: [space], signal })
    seal(durable, fuse, { space, image, holdings: copied.holdings.get(space) ?? [] })
  }
  await plane.rows.release(imageOwner(home, v1))
  await plane.rows.release(owner)
  for (const space of spaces) await sweepSpace(plane, { space, holdMs: 0, signal })
  return image
}

function seal(
  durable: Durable,
  fuse: Fuse,
  { space, image, holdings }: { space: SpaceId; image: Digest; holdings: readonly number[] },
): void {
  fuse.burn()
  durable.rows.seal(space, image, holdings)
}

/** Runs the job on ports that die at a step; answers whether it lived. */
async function runUntil(durable: Durable, v1: Digest, fuse: Fuse): Promise<boolean> {
  const places = {
    ...durable.places,
    openBlobs: (address: Parameters<typeof durable.places.openBlobs>[0]) =>
      mortal(durable.places.openBlobs(address), fuse),
  }
  const opened = openTestPlane(
    { ...durable, places },
    { holdings: mortal(durable.rows.holdings, fuse), uploads: mortal(durable.uploads, fuse) },
  )
  try {
    await job(opened.plane, durable, { v1, fuse })
    return true
  } catch (error) {
    // Whatever the death looked like from inside, the fuse says that it was one.
    if (!fuse.blown()) throw error
    return false
  } finally {
    await opened.close()
  }
}

/** The end state: v2 complete and sound in every space, and nothing else anywhere. */
async function expectEndState(durable: Durable, image: Digest): Promise<void> {
  const { plane, close } = openTestPlane(durable)
  for (const space of spaces) {
    const { damaged } = await verifyImage(plane, { image, space, signal })
    expect(damaged).toEqual([])
    expect((await readAll(plane, image, [space])).equals(v2Bytes)).toBe(true)
    const held = await plane.rows.heldBy(imageOwner(space, image))
    expect(new Set(packsIn(durable, space).keys())).toEqual(new Set(held.map(({ key }) => key)))
  }
  expect(durable.rows.rows().every(({ state }) => state === 'live')).toBe(true)
  await dropStaged(plane, { upload: 'v2', space: home, signal })
  await dropStaged(plane, { upload: 'v1', space: home, signal })
  const left = [...durable.places.placeAt(home).keys()].filter((key) => key.startsWith('uploads/'))
  expect(left).toEqual([])
  await close()
}

async function expectV1Readable(durable: Durable, v1: Digest): Promise<void> {
  const sealed = await durable.rows.holdings.heldBy(imageOwner(home, v1))
  if (sealed.length === 0) return
  const { plane, close } = openTestPlane(durable)
  expect((await readAll(plane, v1)).equals(v1Bytes)).toBe(true)
  await close()
}

describe('crash', () => {
  test('publish, copy, delete and sweep, killed at each port call, end in the same place', async () => {
    const probe = openFuse(Number.POSITIVE_INFINITY)
    const undisturbed = await prepared()
    expect(await runUntil(undisturbed.durable, undisturbed.v1, probe)).toBe(true)
    expect(probe.steps()).toBeGreaterThan(60)

    for (let step = 1; step <= probe.steps(); step++) {
      const { durable, v1 } = await prepared()
      await runUntil(durable, v1, openFuse(step))
      await expectV1Readable(durable, v1)
      const { plane, close } = openTestPlane(durable)
      const image = await job(plane, durable, { v1, fuse: openFuse(Number.POSITIVE_INFINITY) })
      await close()
      await expectEndState(durable, image)
    }
  })

  test('many deaths in a row end in the same place', async () => {
    for (const stride of [3, 7, 11, 19, 30]) {
      const { durable, v1 } = await prepared()
      for (let deaths = 0, step = stride; deaths < 12; deaths++, step += 2) {
        await runUntil(durable, v1, openFuse(step))
        await expectV1Readable(durable, v1)
      }
      const { plane, close } = openTestPlane(durable)
      const image = await job(plane, durable, { v1, fuse: openFuse(Number.POSITIVE_INFINITY) })
      await close()
      await expectEndState(durable, image)
    }
  })
})
