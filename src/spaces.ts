import type { World } from './base/world.ts'
import { type BlobsAddress, type S3Address, SpaceRefused } from './blobs/blobs.ts'
import { checkBucket, checkStore, makeStore } from './blobs/open-blobs.ts'
import { Unavailable } from './domain/errors.ts'
import { parseSpaceId, type SpaceId } from './domain/spaces.ts'
import type { Store } from './store/store.ts'

type SpaceParts = {
  readonly store: Store
  readonly installation: string
  readonly world: World
  /** Other processes share the database: which data folder this is, and whether it is a worker's. Undefined: no others. */
  readonly among: { readonly folderId: string; readonly isWorker: boolean } | undefined
  addressOf(space: SpaceId): BlobsAddress
}

/** Who may make a space: a bucket is the same from everywhere, so that another process can when the first one died of it. */
export function makerOf(address: BlobsAddress, folderId: string): string {
  if (address.kind !== 's3') return `data folder ${folderId}`
  return `s3://${address.bucket}/${address.prefix} at ${address.endpoint ?? 'AWS'}`
}

type Facts = { readonly space?: SpaceId; readonly bucket?: string }

/** How long another process may take between its claim on a space and the space. */
const makingRestMs = 500
const makingTriesMax = 10
/** Between two tries to make a space that is away. */
const retryMs = 10_000

/**
 * Makes spaces at their first use, and never again: a space that has packs by its rows and no `store.json` by its folder
 * is a disk that is not mounted, and an empty one in its place would hide that.
 */
export function openSpacePreparation(parts: SpaceParts) {
  const { store, installation, world, among, addressOf } = parts
  const prepared = new Set<SpaceId>()
  const away = new Set<SpaceId>()

  /** Throws Unavailable, StoreForeign. Repeatable. */
  async function prepare(space: SpaceId): Promise<void> {
    if (prepared.has(space)) return
    const known = await store.holdings.spaces()
    const owner = { installation, space }
    if (!known.includes(space)) await makeOnce(space)
    else if (!(await checkStore(addressOf(space), owner))) {
      throw new Unavailable(
        `The space ${space} has packs, and there is no store.json at its place: mount it, or mend the setting spaces.`,
      )
    }
    prepared.add(space)
  }

  /** Processes that reach the same space must find the same place: one worker makes it, the others find it made. */
  async function makeOnce(space: SpaceId): Promise<void> {
    const owner = { installation, space }
    if (!among) return await makeStore(addressOf(space), owner)
    if (await checkStore(addressOf(space), owner)) return
    if (!among.isWorker) throw new Unavailable(`No worker has made the space ${space} yet.`)
    const maker = makerOf(addressOf(space), among.folderId)
    const madeBy = await store.secrets.putIfAbsent(`made:${space}`, maker)
    if (madeBy === maker) return await makeStore(addressOf(space), owner)
    for (let tries = 0; tries < makingTriesMax; tries++) {
      await world.sleep(makingRestMs, AbortSignal.timeout(2 * makingRestMs))
      if (await checkStore(addressOf(space), owner)) return
    }
    throw new SpaceRefused(
      `The space ${space} was made by another process (${madeBy}), and this one finds nothing at its own place for it. Give both the same place (setting spaces), or leave the region out of ownRegions of one. If the place was lost, put a store.json there.`,
    )
  }

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

  return { prepare, prepareAtStart, prepareRest }
}
