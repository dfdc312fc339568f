import { expect, test } from 'vitest'
import type { Digest } from '../../src/domain/digest.ts'
import { imageOwner, workOwner } from '../../src/domain/holdings.ts'
import { limits } from '../../src/domain/limits.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import type { Plane } from '../../src/regions/plane.ts'
import { dropStaged, stagePage, stageRuns } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { type Fuse, mortal, openFuse } from '../support/mortal.ts'
import { diskOf, noiseChunk } from '../support/test-disks.ts'
import {
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

const { chunkBytes } = limits
const parentBytes = diskOf([1, 2, 3, 4, -5, 0, 7, 8])
const wanted = Buffer.concat([
  parentBytes.subarray(0, 2 * chunkBytes),
  noiseChunk(99),
  parentBytes.subarray(0, chunkBytes),
  parentBytes.subarray(4 * chunkBytes),
])

/** A parent in another space of the region, whose version is deleted by now, and an upload that names its chunks. */
async function prepared(): Promise<{ durable: Durable; parent: Digest }> {
  const durable = openDurable()
  const { plane, close } = openTestPlane(durable)
  const { image, holdings } = await publish(plane, parentBytes, { upload: 'parent', space: second })
  durable.rows.seal(second, image, holdings)
  await plane.rows.release(workOwner('parent'))
  await dropStaged(plane, { upload: 'parent', space: second, signal })
  const runs = [
    { offsetBytes: 0, lengthBytes: 8 * chunkBytes, fromBytes: 0 },
    { offsetBytes: 3 * chunkBytes, lengthBytes: chunkBytes, fromBytes: 0 },
  ]
  const staging = { upload: 'u1', space: home }
  await stageRuns(plane, { ...staging, image, spaces: [second], runs, grants: [] })
  const page = { ...staging, offsetBytes: 2 * chunkBytes, bytes: noiseChunk(99) }
  await stagePage(plane, { ...page, signal })
  await close()
  return { durable, parent: image }
}

/** Ingest, seal, drop the upload and what it kept, sweep. Every step may run again. */
async function job(
  plane: Plane,
  durable: Durable,
  { parent, fuse }: { parent: Digest; fuse: Fuse },
) {
  const owner = workOwner('u1')
  const kept = await durable.uploads.kept('u1')
  const isSealed = durable.rows
    .owners()
    .some((one) => one.startsWith('image') && one.includes(home))
  if (kept.length > 0 || !isSealed) {
    const { image, holdings } = await ingestUpload(plane, wanted.length, { upload: 'u1', owner })
    fuse.burn()
    durable.rows.seal(home, image, holdings)
  }
  await dropStaged(plane, { upload: 'u1', space: home, signal })
  await plane.rows.release(imageOwner(second, parent))
  await plane.rows.release(owner)
  for (const space of [home, second] as SpaceId[]) {
    await sweepSpace(plane, { space, holdMs: 0, signal })
  }
}

async function runUntil(durable: Durable, parent: Digest, fuse: Fuse): Promise<boolean> {
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
    await job(opened.plane, durable, { parent, fuse })
    return true
  } catch (error) {
    // Whatever the death looked like from inside, the fuse says that it was one.
    if (!fuse.blown()) throw error
    return false
  } finally {
    await opened.close()
  }
}

test('the ingest of a negotiated upload, killed at each port call, ends in the same place', async () => {
  const forever = () => openFuse(Number.POSITIVE_INFINITY)
  const undisturbed = await prepared()
  const probe = forever()
  expect(await runUntil(undisturbed.durable, undisturbed.parent, probe)).toBe(true)
  expect(probe.steps()).toBeGreaterThan(20)
  for (let step = 1; step <= probe.steps(); step++) {
    const { durable, parent } = await prepared()
    await runUntil(durable, parent, openFuse(step))
    expect(await runUntil(durable, parent, forever())).toBe(true)
    const { plane, close } = openTestPlane(durable)
    const owner = durable.rows.owners().find((one) => one.includes(home))
    const image = owner?.split(':').at(-1) as Digest
    expect((await verifyImage(plane, { image, space: home, signal })).damaged).toEqual([])
    expect((await readAll(plane, image)).equals(wanted)).toBe(true)
    // The parent is gone with its last keeper, and nothing else is left anywhere.
    expect(packsIn(durable, second).size).toBe(0)
    const held = await plane.rows.heldBy(imageOwner(home, image))
    expect(new Set(packsIn(durable, home).keys())).toEqual(new Set(held.map(({ key }) => key)))
    expect([...durable.places.placeAt(home).keys()].filter((key) => key.startsWith('up'))).toEqual(
      [],
    )
    expect(await durable.uploads.kept('u1')).toEqual([])
    await close()
  }
})
