import { openLru } from '../base/lru.ts'
import { openMutex } from '../base/mutex.ts'
import { type Digest, digestOf } from '../domain/digest.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Placement } from '../domain/holdings.ts'
import { isWithin } from '../domain/resource-id.ts'
import type { PlacedUse, SpaceUse } from '../domain/space-use.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'
import { type SpaceUseOrder, spaceUse } from './space-use.ts'

/** The rows that an account is made of. */
type AccountRows = {
  ofKeepers(keepers: readonly string[]): Promise<readonly Placement[]>
  keepersOf(space: SpaceId, image: Digest): Promise<readonly string[]>
  sharersOf(space: SpaceId, images: readonly Digest[], within: Within): Promise<readonly Digest[]>
  bytesAlone(space: SpaceId, images: readonly Digest[], within: Within): Promise<number>
}

/**
 * Scope keys below which other images are counted. Those of other tenants are as if they were not there: who takes up
 * little more would know that another tenant has the same bytes.
 */
type Within = 'all' | readonly string[]

const countsKept = 1024
/** Counts under way or waiting for their turn. */
const countsMax = 32
/** How long one who asks waits; the count goes on, and whoever asks again finds it. */
const patienceMs = 20_000

/**
 * What the images of a resource take up in each space where it keeps them. A count depends on digests alone, so it is made once for the
 * same images among the same neighbours; one is made at a time. Throws Unavailable while it is not ready, and as `spaceUse`.
 */
export function openAccounts(plane: Plane, rows: AccountRows) {
  const counted = openLru<Digest, SpaceUse>(countsKept)
  const running = new Map<Digest, Promise<SpaceUse>>()
  const stopping = new AbortController()
  const inTurn = openMutex()

  async function of(keeper: string, within: Within): Promise<readonly PlacedUse[]> {
    const placed = await rows.ofKeepers([keeper])
    const spaces = Map.groupBy(placed, ({ space }) => space)
    const late = new AbortController()
    const tooLate = plane.world.sleep(patienceMs, late.signal).then(() => {
      throw new Unavailable('The bytes are still being counted: ask again in a moment')
    })
    // Nobody may be waiting for it any more.
    tooLate.catch(() => undefined)
    try {
      const all = [...spaces].map(([space, places]) =>
        inSpace({ keeper, space, within }, imagesOf(places)),
      )
      return await Promise.race([Promise.all(all), tooLate])
    } finally {
      late.abort()
    }
  }

  async function inSpace(
    { keeper, space, within }: { keeper: string; space: SpaceId; within: Within },
    images: readonly Digest[],
  ): Promise<PlacedUse> {
    const keptBesides = new Set<Digest>()
    for (const image of images) {
      const keepers = await rows.keepersOf(space, image)
      const others = keepers.filter((each) => each !== keeper)
      if (others.some((each) => counts(each, within))) keptBesides.add(image)
    }
    const others = await rows.sharersOf(space, images, within)
    const own = images.filter((image) => !keptBesides.has(image))
    const freedBytes = await rows.bytesAlone(space, own, within)
    const signal = stopping.signal
    const use = await countOnce({ space, images, keptBesides, others, signal })
    return { space, freedBytes, ...use }
  }

  async function countOnce(order: SpaceUseOrder): Promise<SpaceUse> {
    const { space, images, keptBesides, others } = order
    const facts = JSON.stringify([space, images, [...keptBesides], others])
    const name = digestOf(Buffer.from(facts))
    const known = counted.get(name)
    if (known) return known
    const run = running.get(name) ?? begin(name, order)
    return await run
  }

  function begin(name: Digest, order: SpaceUseOrder): Promise<SpaceUse> {
    if (running.size >= countsMax) throw new Unavailable('Too many counts wait: ask again later')
    const run = inTurn(() => spaceUse(plane, order))
      .then((use) => {
        counted.set(name, use)
        return use
      })
      .finally(() => running.delete(name))
    running.set(name, run)
    run.catch(() => undefined)
    return run
  }

  return {
    of,
    close: async (): Promise<void> => {
      stopping.abort()
      await Promise.allSettled(running.values())
    },
  }
}

function counts(keeper: string, within: Within): boolean {
  return within === 'all' || within.some((scope) => isWithin(keeper, scope))
}

function imagesOf(placed: readonly Placement[]): readonly Digest[] {
  return [...new Set(placed.map(({ image }) => image))].sort()
}
