import type { World } from './base/world.ts'
import { type BlobsAddress, SpaceRefused } from './blobs/blobs.ts'
import { lookAtStore, makeStore } from './blobs/open-blobs.ts'
import { SpaceFull, Unavailable } from './domain/errors.ts'
import type { SpaceRow, SpaceSeen } from './domain/health.ts'
import type { SpaceId } from './domain/spaces.ts'
import type { Store } from './store/store.ts'

export type SpaceParts = {
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
  return placeOf(address)
}

/** Where a space's blobs are, for rows and people. */
function placeOf(address: BlobsAddress): string {
  if (address.kind === 'disk') return address.folder
  if (address.kind === 'peer') return address.urls.join(', ')
  return `s3://${address.bucket}/${address.prefix} at ${address.endpoint ?? 'AWS'}`
}

/** How long another process may take between its claim on a space and the space. */
const makingRestMs = 500
const makingTriesMax = 10

/**
 * Makes spaces at their first use, and never again by itself while they have packs: a space that has packs by its rows and
 * no `store.json` by its folder may be a disk that is not mounted, and an empty one in its place would hide that. Which
 * store belongs to a space is recorded by its id.
 */
export function openSpaceMaking(parts: SpaceParts) {
  const { store, installation, world, among, addressOf } = parts
  const prepared = new Set<SpaceId>()
  const { record, recordHere } = openRecords(store)

  /** Throws Unavailable, StoreForeign. Repeatable. */
  async function prepare(space: SpaceId): Promise<void> {
    if (prepared.has(space)) return
    const seen = await look(space)
    if (seen.is === 'store') await adopt(space, seen)
    else await makeNew(space, seen)
    prepared.add(space)
  }

  /** Changes nothing. Throws Unavailable when its place cannot be seen. */
  async function look(space: SpaceId): Promise<SpaceSeen> {
    const address = addressOf(space)
    const { is, owner, mount } = await lookAtStore(address)
    const isOurs = owner?.installation === installation && owner.space === space
    return { is, isOurs, storeId: owner?.id, place: placeOf(address), mount }
  }

  /** Makes its store with this id, or gives the id to the one that is there. Throws StoreForeign, Unavailable. */
  async function make(space: SpaceId, id: string): Promise<void> {
    await makeStore(addressOf(space), { installation, space, id })
  }

  /** A store that is there must be the one that is recorded; one that nobody recorded yet is. */
  async function adopt(space: SpaceId, seen: SpaceSeen): Promise<void> {
    const row = await record(space, (known) => {
      if (known.storeId !== undefined) return known
      return { ...known, storeId: seen.storeId ?? world.id() }
    })
    const isRecorded = seen.storeId === row.storeId
    const isUnnamed = seen.storeId === undefined && row.state === 'unseen'
    if (seen.isOurs && !isRecorded && !isUnnamed) throw olderStore(space, seen)
    try {
      await make(space, row.storeId ?? '')
    } catch (error) {
      // Whoever writes next says so; what is there can be read all the same.
      if (!(error instanceof SpaceFull)) throw error
      return
    }
    await recordHere(space, seen)
  }

  async function makeNew(space: SpaceId, seen: SpaceSeen): Promise<void> {
    const known = await store.read.spaces.get(space)
    const hasPacks = (await store.holdings.spaces()).includes(space)
    // A container has its row before its space is made for the first time.
    const wasSeen = known?.place !== undefined
    if (hasPacks || (wasSeen && (await store.read.blobs.spaces()).includes(space))) {
      throw new Unavailable(
        `The space ${space} has ${hasPacks ? 'packs' : 'blobs of storage accounts'}, and there is no store.json at ${seen.place}: mount it, or mend the setting spaces. If it is lost: vitrine space rebuild ${space}.`,
      )
    }
    if (known?.mount !== undefined && known.mount !== seen.mount) {
      throw new Unavailable(
        `The space ${space} lay on the mount ${known.mount}, and ${seen.place} lies on ${seen.mount}: mount it. If it is lost: vitrine space rebuild ${space}.`,
      )
    }
    if (!among) return await makeAs(space, undefined)
    if (!among.isWorker) throw new Unavailable(`No worker has made the space ${space} yet.`)
    await makeAs(space, makerOf(addressOf(space), among.folderId))
  }

  /** Processes that reach the same space must find the same place: one worker makes it, the others find it made. */
  async function makeAs(space: SpaceId, maker: string | undefined): Promise<void> {
    const { storeId = '', madeBy } = await record(space, (known) => ({
      ...known,
      madeBy: known.madeBy ?? maker,
      storeId: known.storeId ?? world.id(),
    }))
    if (maker === undefined || madeBy === maker) {
      await make(space, storeId)
      return await recordHere(space, await look(space))
    }
    for (let tries = 0; tries < makingTriesMax; tries++) {
      await world.sleep(makingRestMs, AbortSignal.timeout(2 * makingRestMs))
      const seen = await look(space)
      if (seen.is === 'store') return await adopt(space, seen)
    }
    throw new SpaceRefused(
      `The space ${space} was made by another process (${madeBy}), and this one finds nothing at its own place for it. Give both the same place (setting spaces), or leave the region out of ownRegions of one. If the place was lost: vitrine space rebuild ${space}.`,
    )
  }

  return { prepare, look, make }
}

function openRecords(store: Store) {
  function record(space: SpaceId, change: (row: SpaceRow) => SpaceRow): Promise<SpaceRow> {
    return store.write(async (rows) => {
      const known = await rows.spaces.lock(space)
      const changed = change(known)
      if (changed !== known) await rows.spaces.put(changed)
      return changed
    })
  }

  async function recordHere(space: SpaceId, { place, mount }: SpaceSeen): Promise<void> {
    const sinceMs = await store.nowMs()
    await record(space, (known) => {
      const isKnown = known.state === 'here' && known.place === place && known.mount === mount
      // Until it is filled it stays what it is.
      if (isKnown || known.state === 'rebuilding') return known
      return { ...known, place, mount, state: 'here', sinceMs, why: undefined }
    })
  }

  return { record, recordHere }
}

function olderStore(space: SpaceId, { place }: SpaceSeen): Unavailable {
  return new Unavailable(
    `${place} has another store of the space ${space} than the one that belongs to it, perhaps from before it was made anew: mount the right one. To use this one: vitrine space rebuild ${space}.`,
  )
}
