import { MessageChannel } from 'node:worker_threads'
import type { LogEvent, World } from '../../src/base/world.ts'
import { type ChunkIndex, openChunkIndex } from '../../src/chunks/chunk-index.ts'
import { serveLane } from '../../src/chunks/lane.ts'
import { type Lanes, type LaneThread, openLanes } from '../../src/chunks/lanes.ts'
import type { Digest } from '../../src/domain/digest.ts'
import type { HoldingRows, Owner, UploadRows } from '../../src/domain/holdings.ts'
import { workOwner } from '../../src/domain/holdings.ts'
import { limits } from '../../src/domain/limits.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import type { DiskFile } from '../../src/formats/disk-file.ts'
import { type IngestedImage, ingest } from '../../src/regions/ingest.ts'
import { openPlane, type Plane } from '../../src/regions/plane.ts'
import { readImage, readManifest } from '../../src/regions/read-image.ts'
import { stagedReader, stagePage } from '../../src/regions/staging.ts'
import { type Fault, openMemoryPlaces } from './memory-blobs.ts'
import { openMemoryRows, openMemoryUploads } from './memory-rows.ts'
import { openQuickWorld } from './quick-world.ts'

export const home = 'westeurope/Standard_LRS/1' as SpaceId
export const second = 'westeurope/Standard_LRS/2' as SpaceId
export const abroad = 'eastus/Standard_LRS/1' as SpaceId
export const signal: AbortSignal = new AbortController().signal

/** What outlives a crash: rows and blobs. The rest is opened anew by `openTestPlane`. */
export function openDurable(fault?: Fault) {
  const world = openQuickWorld()
  const logged: LogEvent[] = []
  return {
    world: { ...world, log: (event: LogEvent) => void logged.push(event) } satisfies World,
    logged,
    rows: openMemoryRows(world.now),
    uploads: openMemoryUploads(),
    places: openMemoryPlaces(fault),
  }
}

export type Durable = ReturnType<typeof openDurable>

type Bytes = ReadonlyMap<string, Uint8Array>

/** The packs that lie in a space, by key. */
export function packsIn(durable: Durable, space: SpaceId): Bytes {
  const packs = [...durable.places.placeAt(space)].filter(([key]) => key.startsWith('packs/'))
  return new Map(packs)
}

/** Flips one bit of a blob. */
export function flip(durable: Durable, blob: { space: SpaceId; key: string; at: number }): void {
  const place = durable.places.placeAt(blob.space)
  const bytes = Buffer.from(place.get(blob.key) ?? Buffer.alloc(0))
  bytes.writeUInt8(bytes.readUInt8(blob.at) ^ 1, blob.at)
  place.set(blob.key, bytes)
}

/** A plane on memory whose lanes run in this thread, over the same messages as in threads of their own. */
export function openTestPlane(
  durable: Durable,
  options: {
    holdings?: HoldingRows
    uploads?: UploadRows
    lanes?: number
    index?: ChunkIndex
  } = {},
) {
  const index = options.index ?? openChunkIndex(':memory:')
  const lanes: Lanes = openLanes({
    count: options.lanes ?? 2,
    start: () => laneHere(durable.places.openBlobs),
  })
  const plane: Plane = openPlane({
    rows: options.holdings ?? durable.rows.holdings,
    uploads: options.uploads ?? durable.uploads,
    addressOf: (space) => ({ kind: 'disk', folder: space }),
    openBlobs: durable.places.openBlobs,
    lanes,
    index,
    world: durable.world,
  })
  return {
    plane,
    close: async () => {
      await lanes.close()
      index.close()
    },
  }
}

/** A lane in this thread. */
function laneHere(openBlobs: Parameters<typeof serveLane>[1]): LaneThread {
  const { port1, port2 } = new MessageChannel()
  serveLane(port2, openBlobs)
  return {
    port: port1,
    stop: async () => {
      port1.close()
      port2.close()
    },
    onStopped: () => undefined,
  }
}

/** Uploads a disk and ingests it. Pages (at most 64 KiB) of zeros are left out, as a client would. */
export async function publish(
  plane: Plane,
  bytes: Uint8Array,
  order: { upload: string; owner?: Owner; space?: SpaceId; pageBytes?: number },
): Promise<IngestedImage> {
  const space = order.space ?? home
  const pageBytes = order.pageBytes ?? 4096
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const page = bytes.subarray(at, at + pageBytes)
    if (zeroPage.subarray(0, page.length).equals(page)) continue
    await stagePage(plane, { upload: order.upload, space, offsetBytes: at, bytes: page, signal })
  }
  return await ingestUpload(plane, bytes.length, order)
}

/** Everything of an image of a few MiB. */
export async function readAll(
  plane: Plane,
  image: Digest,
  spaces: readonly SpaceId[] = [home],
): Promise<Buffer> {
  const place = { image, spaces, signal }
  const { virtualSizeBytes } = await readManifest(plane, place)
  const bytes = await readImage(plane, { ...place, offsetBytes: 0, lengthBytes: virtualSizeBytes })
  return Buffer.from(bytes)
}

const zeroPage = Buffer.alloc(limits.chunkBytes)

export function ingestUpload(
  plane: Plane,
  sizeBytes: number,
  order: { upload: string; owner?: Owner; space?: SpaceId },
): Promise<IngestedImage> {
  const space = order.space ?? home
  const { upload } = order
  const reader = stagedReader(plane, { upload, space, sizeBytes })
  const disk: DiskFile = {
    format: 'raw',
    virtualSizeBytes: sizeBytes,
    async *extents(until) {
      for await (const range of reader.dataRanges?.(until) ?? []) {
        yield { ...range, fileBytes: range.offsetBytes }
      }
    },
  }
  const owner = order.owner ?? workOwner(upload)
  return ingest(plane, { owner, space, disk, signal, source: { kind: 'upload', upload, space } })
}
