import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobsAddress } from '../src/blobs/blobs.ts'
import { makeStore, openBlobs } from '../src/blobs/open-blobs.ts'
import { openChunkIndex } from '../src/chunks/chunk-index.ts'
import { openLanes } from '../src/chunks/lanes.ts'
import { workOwner } from '../src/domain/holdings.ts'
import { regionName } from '../src/domain/regions.ts'
import { diskSpace, type SpaceId } from '../src/domain/spaces.ts'
import { openLocalFile } from '../src/formats/local-file.ts'
import { openDiskFile } from '../src/formats/open-disk-file.ts'
import { type IngestedImage, ingest } from '../src/regions/ingest.ts'
import { openPlane, type Plane } from '../src/regions/plane.ts'
import { writeRoot } from '../src/regions/roots.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import type { Store } from '../src/store/store.ts'
import { openWorld } from '../src/world.ts'

export const home: SpaceId = diskSpace(regionName('West Europe')).id

const forever = new AbortController().signal

export type BenchPlane = { readonly plane: Plane; readonly store: Store; close(): Promise<void> }

/**
 * The data plane as a server has it: SQLite rows, lanes, index; spaces in folders, but those that `elsewhere` names.
 * Nothing runs but what is called.
 */
export async function openBenchPlane(
  folder: string,
  elsewhere: ReadonlyMap<SpaceId, BlobsAddress> = new Map(),
): Promise<BenchPlane> {
  await mkdir(folder, { recursive: true })
  const world = openWorld('error')
  const store = await openSqliteStore({ path: join(folder, 'vitrine.db'), world })
  const running = openLanes({ count: 2 })
  const index = openChunkIndex(join(folder, 'index.db'))
  const addressOf = (space: SpaceId): BlobsAddress =>
    elsewhere.get(space) ?? { kind: 'disk', folder: join(folder, 'spaces', ...space.split('/')) }
  for (const space of new Set([home, ...elsewhere.keys()]))
    await makeStore(addressOf(space), { installation: 'bench', space })
  const plane = openPlane({
    rows: store.holdings,
    uploads: store.uploads,
    addressOf,
    openBlobs,
    lanes: running,
    index,
    world,
  })
  async function close(): Promise<void> {
    await running.close()
    index.close()
    await store.close()
    await rm(folder, { recursive: true })
  }
  return { plane, store, close }
}

/** Stores a local disk and seals it, root and all, as the work that takes in an upload does: durable when resolved. */
export async function publishLocal(
  { plane, store }: Pick<BenchPlane, 'plane' | 'store'>,
  file: string,
  keeper: string,
): Promise<IngestedImage> {
  const local = await openLocalFile(file)
  try {
    const disk = await openDiskFile(local.reader, forever)
    const owner = workOwner(String(++works))
    const source = { kind: 'file', path: file } as const
    const made = await ingest(plane, { owner, space: home, source, disk, signal: forever })
    const root = `roots/${plane.world.id()}`
    const disks = [{ lun: undefined, image: made.image, manifest: made.manifest }]
    const created = plane.world.now()
    await writeRoot(plane, { space: home, key: root, keeper, disks, created, signal: forever })
    const sealed = await store.write((rows) =>
      rows.placements.seal({
        placement: { space: home, image: made.image, keeper },
        owner,
        holdings: made.holdings,
        root,
      }),
    )
    if (!sealed) throw new Error(`${file} could not be sealed`)
    return made
  } finally {
    await local.close()
  }
}

/** Numbers that no work of an installation reaches. */
let works = 1_000_000_000
