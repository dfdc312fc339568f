import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Blobs, BlobsAddress } from '../../src/blobs/blobs.ts'
import type { Digest } from '../../src/domain/digest.ts'
import { type Holding, imageOwner, workOwner } from '../../src/domain/holdings.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { copyImage } from '../../src/regions/copy-image.ts'
import { healImage } from '../../src/regions/heal-image.ts'
import { scrub } from '../../src/regions/scrub.ts'
import { dropStaged } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { diskOf } from '../support/test-disks.ts'
import {
  abroad,
  flip,
  home,
  openDurable,
  openTestPlane,
  packsIn,
  publish,
  readAll,
  signal,
} from '../support/test-plane.ts'

const spaces = [home, abroad] as const

/** Versions that share chunks with each other in part; as small as they are, regions pack them in ways of their own. */
const disks = [
  [1, 2, -1, -2],
  [1, 2, 0, 3],
  [-1, 3, 4],
  [1, 2, -1, -2, 5],
  [6, 1],
].map(diskOf)

type Op =
  | { is: 'publish'; disk: number }
  | { is: 'delete'; disk: number }
  | { is: 'sweep' | 'scrub'; space: number }

/** Before a batch: something of one space is gone, or all of it, or has a bit flipped. */
type Harm = { space: number; how: 'flip' | 'drop' | 'lose'; seed: number }

const at = (list: readonly unknown[]) => fc.nat(list.length - 1)
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ is: fc.constant('publish'), disk: at(disks) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('delete'), disk: at(disks) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('sweep'), space: at(spaces) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('scrub'), space: at(spaces) }) },
)
const harm: fc.Arbitrary<Harm> = fc.record({
  space: at(spaces),
  how: fc.constantFrom('flip', 'drop', 'lose'),
  seed: fc.nat(),
})
const batch = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 5 }),
  harm: fc.option(harm, { nil: undefined }),
})
const run = fc.record({ batches: fc.array(batch, { minLength: 1, maxLength: 6 }), pace: fc.nat() })

function openModel(pace: number) {
  const durable = openDurable()
  const { places, rows } = durable
  let x = pace + 1
  async function wait(): Promise<void> {
    x = (x * 48_271) % 0x7fffffff
    for (let turns = x % 4; turns > 0; turns--) await nextTurn()
  }
  const openBlobs = (address: BlobsAddress): Blobs => {
    const blobs = places.openBlobs(address)
    return {
      ...blobs,
      put: async (...given) => {
        await wait()
        await blobs.put(...given)
      },
      read: async (...given) => {
        await wait()
        return await blobs.read(...given)
      },
    }
  }
  const { plane, close } = openTestPlane({ ...durable, places: { ...places, openBlobs } })
  return { durable, rows, plane, close, sealed: new Map<Digest, number>(), jobs: { count: 0 } }
}

type Model = ReturnType<typeof openModel>

async function act(model: Model, one: Op): Promise<void> {
  const { plane, sealed, rows, jobs } = model
  const job = `job-${++jobs.count}`
  const owner = workOwner(job)
  switch (one.is) {
    case 'publish': {
      const bytes = disks[one.disk] ?? Buffer.alloc(0)
      const made = await publish(plane, bytes, { upload: job, owner, pageBytes: 65_536 })
      const order = { owner, image: made.image, from: [home], to: [abroad], signal }
      const copied = await copyImage(plane, order)
      rows.seal(home, made.image, made.holdings)
      rows.seal(abroad, made.image, copied.holdings.get(abroad) ?? [])
      sealed.set(made.image, one.disk)
      await dropStaged(plane, { upload: job, space: home, signal })
      return await plane.rows.release(owner)
    }
    case 'delete': {
      for (const [image, disk] of sealed) {
        if (disk !== one.disk) continue
        sealed.delete(image)
        for (const space of spaces) await plane.rows.release(imageOwner(space, image))
      }
      return
    }
    case 'sweep':
      return void (await sweepSpace(plane, { space: spaces[one.space] ?? home, holdMs: 0, signal }))
    case 'scrub':
      return await scrubAll(model, spaces[one.space] ?? home)
  }
}

/** As the duty and the repairs that it asks for do it. */
async function scrubAll({ plane, rows, jobs }: Model, space: SpaceId): Promise<void> {
  const all = await plane.rows.liveAfter(space, 0, 1_000)
  const { bad } = await scrub(plane, { holdings: all, signal })
  const known: readonly Holding[] = await plane.rows.badIn(space, 0, 1_000)
  const left = new Set([...bad.map(({ holding }) => holding.id), ...known.map(({ id }) => id)])
  for (const image of new Set([...left].flatMap((id) => rows.imagesOn(id)))) {
    const owner = workOwner(`heal-${++jobs.count}`)
    const others = spaces.filter((other) => other !== space)
    const healed = await healImage(plane, { owner, image, space, others, signal })
    if (healed.is === 'whole') rows.reseat(space, image, healed.holdings)
    await plane.rows.release(owner)
  }
}

/** Of packs that an image needs: all that they have lies in the other space as well. */
async function befall({ durable, plane, sealed }: Model, { space, how, seed }: Harm) {
  const where = spaces[space] ?? home
  const held = new Map<string, Holding>()
  for (const image of sealed.keys()) {
    for (const one of await plane.rows.heldBy(imageOwner(where, image))) held.set(one.key, one)
  }
  const keys = [...held.keys()].filter((key) => packsIn(durable, where).has(key))
  const hit = how === 'lose' ? keys : keys.filter((_, index) => (seed >> index) % 2 === 0)
  for (const key of hit) {
    const { sizeBytes = 1 } = held.get(key) ?? {}
    if (how === 'flip') flip(durable, { space: where, key, at: seed % sizeBytes })
    else durable.places.placeAt(where).delete(key)
  }
}

async function expectKept(model: Model): Promise<void> {
  const { plane, sealed } = model
  for (const space of spaces) {
    await scrubAll(model, space)
    await sweepSpace(plane, { space, holdMs: 0, signal })
    expect(await plane.rows.badIn(space, 0, 10)).toEqual([])
    for (const [image, disk] of sealed) {
      expect((await verifyImage(plane, { image, space, signal })).damaged).toEqual([])
      const bytes = disks[disk] ?? Buffer.alloc(0)
      expect((await readAll(plane, image, [space])).equals(bytes)).toBe(true)
    }
  }
}

test('B18 whatever befalls one space, beside publishes, deletions and sweeps: scrubs make all of it good again', async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ batches, pace }) => {
      const model = openModel(pace)
      for (const { ops, harm } of batches) {
        if (harm) await befall(model, harm)
        // What is deleted while it is damaged may be all that is left of bytes that are published again.
        const asked = harm ? ops.filter(({ is }) => is !== 'delete' && is !== 'sweep') : ops
        await Promise.all(asked.map((one) => act(model, one)))
        await expectKept(model)
      }
      await model.close()
    }),
    { numRuns: 60 },
  )
})
