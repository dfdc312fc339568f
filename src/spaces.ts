import { type S3Address, SpaceRefused } from './blobs/blobs.ts'
import { checkBucket } from './blobs/open-blobs.ts'
import { Unavailable } from './domain/errors.ts'
import { parseSpaceId, type SpaceId } from './domain/spaces.ts'
import { openSpaceMaking, type SpaceParts } from './space-making.ts'

type Facts = { readonly space?: SpaceId; readonly bucket?: string }

/** Between two tries to make a space that is away. */
const retryMs = 10_000

/** Spaces at the start of a process, and at their first use. */
export function openSpacePreparation(parts: SpaceParts) {
  const { store, world } = parts
  const making = openSpaceMaking(parts)
  const { prepare } = making
  const away = new Set<SpaceId>()

  /**
   * Makes what will be needed first, checks what has packs in the same regions, and asks of every bucket whether it may be
   * used. What is away does not stop the start. What is refused or another's does: settings are wrong.
   */
  async function prepareAtStart(
    first: readonly SpaceId[],
    buckets: readonly S3Address[],
  ): Promise<void> {
    const regionOf = (space: SpaceId) => parseSpaceId(space)?.region
    const regions = new Set(first.map(regionOf))
    const known = (await store.holdings.spaces()).filter((space) => regions.has(regionOf(space)))
    const checks = [
      ...buckets.map((one) => unlessAway({ bucket: one.bucket }, () => checkBucket(one))),
      ...new Set([...first, ...known])
        .values()
        .map((space) => unlessAway({ space }, () => prepare(space))),
    ]
    for (const check of await Promise.allSettled(checks)) {
      if (check.status === 'rejected') throw check.reason
    }
  }

  /** Goes on with what was away at the start, until `signal` ends it: uploads need it without asking. */
  async function prepareRest(signal: AbortSignal): Promise<void> {
    while (away.size > 0 && !signal.aborted) {
      await world.sleep(retryMs, signal).catch(() => undefined)
      for (const space of signal.aborted ? [] : away) {
        await prepare(space).then(
          () => away.delete(space),
          (error) =>
            world.log({ level: 'error', event: 'space-away', space, error: String(error) }),
        )
      }
    }
  }

  async function unlessAway(facts: Facts, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof Unavailable) || error instanceof SpaceRefused) throw error
      if (facts.space !== undefined) away.add(facts.space)
      world.log({ level: 'error', event: 'space-away', ...facts, error: error.message })
    }
  }

  return { ...making, prepareAtStart, prepareRest }
}
