import type { World } from './base/world.ts'
import type { BlobsAddress } from './blobs/blobs.ts'
import { makeStore } from './blobs/open-blobs.ts'
import { Unavailable } from './domain/errors.ts'
import type { SpaceId } from './domain/spaces.ts'
import type { Store } from './store/store.ts'

type SpaceParts = {
  readonly store: Store
  readonly installation: string
  readonly world: World
  addressOf(space: SpaceId): BlobsAddress
}

/**
 * Makes spaces at their first use, and never again: a space that has packs by its rows and no `store.json` by its folder
 * is a disk that is not mounted, and an empty one in its place would hide that.
 */
export function openSpacePreparation({ store, installation, world, addressOf }: SpaceParts) {
  const prepared = new Set<SpaceId>()

  /** Throws Unavailable, StoreForeign. Repeatable. */
  async function prepare(space: SpaceId): Promise<void> {
    if (prepared.has(space)) return
    const known = await store.holdings.spaces()
    if (!known.includes(space)) await makeStore(addressOf(space), { installation, space })
    prepared.add(space)
  }

  /** Checks what has packs already and makes what will be needed first; a space that is away does not stop the start. */
  async function prepareAtStart(first: readonly SpaceId[]): Promise<void> {
    for (const space of first) {
      try {
        await prepare(space)
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        world.log({ level: 'error', event: 'space-away', space, error: error.message })
      }
    }
  }

  return { prepare, prepareAtStart }
}
