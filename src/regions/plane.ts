import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import type { Blobs, BlobsAddress } from '../blobs/blobs.ts'
import type { ChunkIndex } from '../chunks/chunk-index.ts'
import type { Lanes } from '../chunks/lanes.ts'
import type { Manifest } from '../chunks/manifest.ts'
import type { TreeNode } from '../chunks/node.ts'
import type { Digest } from '../domain/digest.ts'
import type { HoldingRows, Owner, UploadRows } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { type Link, openLink } from './link.ts'
import { type Moved, nothingMoved } from './moved.ts'
import { type AskHeal, type AskRepair, openRepair, type Repair } from './repair.ts'
import { openTrailers, type Trailers } from './trailers.ts'

/** What the data plane stands on. */
export type PlanePorts = {
  readonly rows: HoldingRows
  readonly uploads: UploadRows
  /** Where a space's blobs are. Throws Unavailable for a space that this process does not know. */
  addressOf(space: SpaceId): BlobsAddress
  /** `openBlobs`, or a test's own. Lanes open the same addresses for themselves. */
  openBlobs(address: BlobsAddress): Blobs
  readonly lanes: Lanes
  readonly index: ChunkIndex
  readonly world: World
  /** Left out: this process writes every space. */
  readonly askRepair?: AskRepair | undefined
  readonly askHeal?: AskHeal | undefined
  /** What all copies together may fetch from other regions; left out, all there is. */
  readonly replicationBytesPerSecond?: number | undefined
}

/** The handle that every function of this folder takes first. */
export type Plane = Omit<PlanePorts, 'openBlobs' | 'replicationBytesPerSecond'> & {
  blobsOf(space: SpaceId): Blobs
  readonly moved: Moved
  readonly trailers: Trailers
  readonly repair: Repair
  readonly link: Link
  /** Checked already, by digest. */
  readonly nodes: Cache<TreeNode>
  readonly covered: Covered
  readonly manifests: Cache<{ readonly manifest: Manifest; readonly bytes: Uint8Array }>
}

/** Images whose packs in a space the index was taught. */
type Covered = ReturnType<typeof openLru<Owner, true>>

type Cache<Value> = ReturnType<typeof openLru<Digest, Value>>

/** Work done and to do, in bytes; the function that reports it says which bytes. */
export type Progress = { readonly bytesDone: number; readonly bytesTotal: number }

/** Parsed nodes kept in memory: at most some 25 KB each. */
const nodesKept = 256
const manifestsKept = 256
const coveredKept = 4096

/** Opens no file and starts no timer: closing `lanes` and `index` closes all. */
export function openPlane({ openBlobs, replicationBytesPerSecond, ...ports }: PlanePorts): Plane {
  const opened = new Map<SpaceId, Blobs>()

  function blobsOf(space: SpaceId): Blobs {
    const known = opened.get(space)
    if (known) return known
    const address = ports.addressOf(space)
    const blobs = openBlobs(address)
    // Who serves another region changes; opening it costs nothing.
    if (address.kind !== 'peer') opened.set(space, blobs)
    return blobs
  }

  const moved = nothingMoved()
  const repair = openRepair({ ...ports, blobsOf, moved })
  const trailers = openTrailers({ blobsOf, damaged: (holding, why) => repair(holding, { why }) })
  const { lanes, world } = ports
  const link = openLink({
    lanes: lanes.count,
    world,
    bytesPerSecond: replicationBytesPerSecond,
  })
  return {
    ...ports,
    blobsOf,
    moved,
    trailers,
    repair,
    link,
    nodes: openLru(nodesKept),
    manifests: openLru(manifestsKept),
    covered: openLru(coveredKept),
  }
}
