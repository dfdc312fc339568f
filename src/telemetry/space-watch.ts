import { statfs } from 'node:fs/promises'
import { mapBounded } from '../base/bounded.ts'
import { withDeadline } from '../base/deadline.ts'
import type { World } from '../base/world.ts'
import type { Blobs, BlobsAddress } from '../blobs/blobs.ts'
import type { SpaceId } from '../domain/spaces.ts'

/** Never written: asking for it tells whether the space is there, not more. */
const probeKey = 'packs/00/none'
const probeMs = 3_000
/** Those who ask more often than this are told the same. */
const freshMs = 5_000
const probesAtOnce = 16

type SpaceHealth = {
  readonly space: SpaceId
  readonly isThere: boolean
  /** Of the file system below; undefined in a bucket, or when it is away. */
  readonly room: { readonly freeBytes: number; readonly sizeBytes: number } | undefined
}

type Parts = {
  /** Those that this process needs. */
  spaces(): Promise<readonly SpaceId[]>
  addressOf(space: SpaceId): BlobsAddress
  blobsOf(space: SpaceId): Blobs
  readonly world: Pick<World, 'now'>
}

export type SpaceWatch = {
  /** Takes some seconds at most, also when a disk hangs. Throws when `spaces` does. */
  look(): Promise<readonly SpaceHealth[]>
}

/** Asks spaces whether they are there. A space that hangs is asked once, however often somebody looks. */
export function openSpaceWatch({ spaces, addressOf, blobsOf, world }: Parts): SpaceWatch {
  const asking = new Map<SpaceId, Promise<SpaceHealth>>()
  let looked: { readonly atMs: number; readonly found: Promise<readonly SpaceHealth[]> } | undefined

  async function probe(space: SpaceId): Promise<SpaceHealth> {
    try {
      await blobsOf(space).size(probeKey, AbortSignal.timeout(probeMs))
      const address = addressOf(space)
      return {
        space,
        isThere: true,
        room: address.kind === 'disk' ? await roomOf(address.folder) : undefined,
      }
    } catch {
      // Whatever it is that keeps it from answering, the space is away; who needs it is told why.
      return { space, isThere: false, room: undefined }
    } finally {
      asking.delete(space)
    }
  }

  function ask(space: SpaceId): Promise<SpaceHealth> {
    const probing = asking.get(space) ?? probe(space)
    asking.set(space, probing)
    return withDeadline(probing, probeMs, () => ({ space, isThere: false, room: undefined }))
  }

  async function lookNow(): Promise<readonly SpaceHealth[]> {
    const found: SpaceHealth[] = []
    await mapBounded(await spaces(), probesAtOnce, async (space) => {
      found.push(await ask(space))
    })
    return found
  }

  function look(): Promise<readonly SpaceHealth[]> {
    const nowMs = world.now().getTime()
    if (looked && nowMs - looked.atMs < freshMs) return looked.found
    const found = lookNow()
    looked = { atMs: nowMs, found }
    // A database that is away is asked again at once.
    found.catch(() => {
      looked = undefined
    })
    return found
  }

  return { look }
}

async function roomOf(folder: string) {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}
