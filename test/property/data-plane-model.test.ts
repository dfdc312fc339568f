import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Blobs, BlobsAddress } from '../../src/blobs/blobs.ts'
import type { Digest } from '../../src/domain/digest.ts'
import { ArmError } from '../../src/domain/errors.ts'
import { imageOwner, type Owner, workOwner } from '../../src/domain/holdings.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { copyImage } from '../../src/regions/copy-image.ts'
import type { Plane } from '../../src/regions/plane.ts'
import { dropStaged } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { thinPacks } from '../../src/regions/thin-packs.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { folderOf } from '../support/memory-blobs.ts'
import { type Fuse, mortal, openFuse } from '../support/mortal.ts'
import { diskOf } from '../support/test-disks.ts'
import {
  abroad,
  type Durable,
  home,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  second,
  signal,
} from '../support/test-plane.ts'

const spaces = [home, second, abroad] as const

/** Versions that share chunks with each other in part. */
const disks = [[1, 2, -1, -2], [1, 2, 0, 3], [-1, 3, 4], [1, 2, -1, -2, 5], [6]].map(diskOf)

type Op =
  | { is: 'publish'; disk: number; abandons: boolean }
  | { is: 'copy'; disk: number; from: number; to: number }
  | { is: 'delete'; disk: number; space: number }
  | { is: 'sweep'; space: number }
  | { is: 'compact'; space: number; greedy: boolean }
  | { is: 'late-delete'; space: number; pick: number }

const at = (list: readonly unknown[]) => fc.nat(list.length - 1)
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant('publish'), disk: at(disks), abandons: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('copy'),
      disk: at(disks),
      from: at(spaces),
      to: at(spaces),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant('delete'), disk: at(disks), space: at(spaces) }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('sweep'), space: at(spaces) }) },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant('compact'), space: at(spaces), greedy: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('late-delete'), space: at(spaces), pick: fc.nat() }),
  },
)

/**
 * Ops of a batch run at once. The process may die under them, after so many calls of its ports, and what was cut off is done again beside
 * the next batch; or it is opened anew behind them, with an index that knows nothing.
 */
const batch = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 5 }),
  restarts: fc.boolean(),
  diesAfter: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
})
const run = fc.record({ batches: fc.array(batch, { minLength: 1, maxLength: 6 }), pace: fc.nat() })

type Model = {
  readonly durable: Durable
  readonly deleted: Map<SpaceId, string[]>
  readonly sealed: Map<string, { space: SpaceId; image: Digest; disk: number }>
  /** Of the process that runs. */
  fuse: Fuse
  jobs: number
}

/** What was asked for, under the name of its work. */
type Job = { readonly op: Op; readonly name: string }

const never = Number.POSITIVE_INFINITY

test('whatever is published, copied, deleted and swept at once: every image that is kept reads', async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ batches, pace }) => {
      const model: Model = {
        durable: openDurable(),
        deleted: new Map(),
        sealed: new Map(),
        fuse: openFuse(never),
        jobs: 0,
      }
      let opened = openPaced(model, pace)
      let cutOff: readonly Job[] = []
      const last = { ops: [], restarts: false, diesAfter: undefined }
      for (const { ops, restarts, diesAfter } of [...batches, last]) {
        if (diesAfter !== undefined) {
          await opened.close()
          model.fuse = openFuse(diesAfter)
          opened = openPaced(model, pace)
        }
        const asked = ops.map((one) => ({ op: one, name: `job-${++model.jobs}` }))
        const run = async (job: Job) => ((await lives(model, opened.plane, job)) ? [] : [job])
        cutOff = (await Promise.all([...cutOff, ...asked].map(run))).flat()
        if (restarts || diesAfter !== undefined) {
          await opened.close()
          model.fuse = openFuse(never)
          opened = openPaced(model, pace + 1)
        }
        await expectKept(model, opened.plane)
      }
      expect(cutOff).toEqual([])
      await expectNothingElse(model, opened.plane)
      await opened.close()
    }),
    { numRuns: 120 },
  )
})

/** Blobs that answer after a few turns, more or fewer by the pace: so that what runs at once meets in many ways. */
function openPaced(model: Model, pace: number) {
  const { durable, deleted, fuse } = model
  let x = pace + 1
  async function wait(): Promise<void> {
    x = (x * 48_271) % 0x7fffffff
    for (let turns = x % 4; turns > 0; turns--) await nextTurn()
  }
  const openBlobs = (address: BlobsAddress): Blobs => {
    const blobs = durable.places.openBlobs(address)
    const paced: Blobs = {
      ...blobs,
      put: async (...given) => {
        await wait()
        await blobs.put(...given)
        await wait()
      },
      read: async (...given) => {
        await wait()
        return await blobs.read(...given)
      },
      delete: async (key, until) => {
        await wait()
        await blobs.delete(key, until)
        const space = folderOf(address) as SpaceId
        deleted.set(space, [...(deleted.get(space) ?? []), key])
      },
    }
    return mortal(paced, fuse)
  }
  return openTestPlane(
    { ...durable, places: { ...durable.places, openBlobs } },
    { holdings: mortal(durable.rows.holdings, fuse), uploads: mortal(durable.uploads, fuse) },
  )
}

/** False: the process died under it. */
async function lives(model: Model, plane: Plane, { op: one, name }: Job): Promise<boolean> {
  try {
    await act(model, plane, one, name)
    return true
  } catch (error) {
    // Whatever the death looked like from inside.
    if (!model.fuse.blown()) throw error
    return false
  }
}

async function act(model: Model, plane: Plane, one: Op, job: string): Promise<void> {
  const { sealed } = model
  const owner = workOwner(job)
  switch (one.is) {
    case 'publish': {
      const bytes = disks[one.disk] ?? Buffer.alloc(0)
      const { image, holdings } = await publish(plane, bytes, {
        upload: job,
        owner,
        pageBytes: 65_536,
      })
      if (!one.abandons) keep(model, { space: home, image, disk: one.disk }, holdings)
      await dropStaged(plane, { upload: job, space: home, signal })
      return await plane.rows.release(owner)
    }
    case 'copy': {
      const from = [...sealed.values()].find(
        ({ disk, space }) => disk === one.disk && space === spaces[one.from],
      )
      const to = spaces[one.to]
      if (!from || !to) return
      const order = { owner, image: from.image, from: [from.space], to: [to], signal }
      // Its source may be deleted and swept meanwhile: then it says that it found the image nowhere.
      const copied = await copyImage(plane, order).catch((error: unknown) => {
        if (model.fuse.blown() || sealed.has(imageOwner(from.space, from.image))) throw error
      })
      if (copied) keep(model, { ...from, space: to }, copied.holdings.get(to) ?? [])
      return await plane.rows.release(owner)
    }
    case 'delete': {
      for (const [name, image] of sealed) {
        if (image.disk !== one.disk || image.space !== spaces[one.space]) continue
        sealed.delete(name)
        const keeper = imageOwner(image.space, image.image)
        try {
          await plane.rows.release(keeper)
        } catch (error) {
          // It may have died right before it, or right behind it.
          if (model.durable.rows.owners().includes(keeper)) sealed.set(name, image)
          throw error
        }
      }
      return
    }
    case 'sweep':
      return void (await sweepSpace(plane, { space: spaces[one.space] ?? home, holdMs: 0, signal }))
    case 'compact':
      return await compact(model, plane, {
        space: spaces[one.space] ?? home,
        greedy: one.greedy,
        owner,
      })
    case 'late-delete': {
      const space = spaces[one.space] ?? home
      const keys = model.deleted.get(space) ?? []
      model.durable.places.placeAt(space).delete(keys[one.pick % keys.length] ?? '')
    }
  }
}

/** As `compactSpace` does it; `greedy` gives up packs that are needed in full as well, as many as there are. */
async function compact(
  { durable, fuse }: Model,
  plane: Plane,
  { space, greedy, owner }: { space: SpaceId; greedy: boolean; owner: Owner },
): Promise<void> {
  const { imagesOn, reseat, rows } = durable.rows
  const live = rows().filter(({ holding, state }) => holding.space === space && state === 'live')
  const thinned = greedy ? live.map(({ holding }) => holding) : await plane.rows.thinned(space, 64)
  const imagesOf = (held: readonly { readonly id: number }[]) =>
    new Set(held.flatMap(({ id }) => imagesOn(id)))
  // An image may leave while it is looked at.
  const gone = (error: unknown): undefined => {
    if (fuse.blown() || !(error instanceof ArmError)) throw error
    return undefined
  }
  const images = imagesOf(thinned)
  const order = { space, packs: thinned, images, signal }
  const thin = greedy ? thinned : await thinPacks(plane, order).catch(gone)
  const without = new Set(thin?.map(({ id }) => id))
  for (const image of imagesOf(thin ?? [])) {
    const copy = { owner, image, from: [space], to: [space], without, signal }
    const copied = await copyImage(plane, copy).catch(gone)
    if (copied) {
      fuse.burn()
      reseat(space, image, copied.holdings.get(space) ?? [])
    }
    await plane.rows.release(owner)
  }
  await plane.rows.looked(thinned.map(({ id }) => id))
}

function keep(
  { durable, sealed, fuse }: Model,
  image: { space: SpaceId; image: Digest; disk: number },
  holdings: readonly number[],
): void {
  fuse.burn()
  sealed.set(durable.rows.seal(image.space, image.image, holdings), image)
}

async function expectKept({ sealed }: Model, plane: Plane): Promise<void> {
  for (const { space, image, disk } of sealed.values()) {
    const { damaged } = await verifyImage(plane, { image, space, signal })
    expect(damaged).toEqual([])
    expect((await readAll(plane, image, [space])).equals(disks[disk] ?? Buffer.alloc(0))).toBe(true)
  }
}

/** After a last sweep only what images hold is left, and each pack once a row. */
async function expectNothingElse({ durable, sealed }: Model, plane: Plane): Promise<void> {
  for (const space of spaces) {
    await sweepSpace(plane, { space, holdMs: 0, signal })
    const owners = [...sealed.values()].filter((one) => one.space === space)
    const keys = new Set<string>()
    for (const { image } of owners) {
      for (const { key } of await plane.rows.heldBy(imageOwner(space, image))) keys.add(key)
    }
    expect(new Set(packsIn(durable, space).keys())).toEqual(keys)
  }
  const left = [...durable.places.placeAt(home).keys()].filter((key) => key.startsWith('uploads/'))
  expect(left).toEqual([])
}
