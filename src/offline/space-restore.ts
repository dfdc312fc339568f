import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import { lookAtStore } from '../blobs/open-blobs.ts'
import { type Config, settingsOf } from '../config.ts'
import { prepareDataFolder } from '../data-folder.ts'
import { openDatabase } from '../database.ts'
import { type Holding, type PackId, workOwner } from '../domain/holdings.ts'
import { keyOf } from '../domain/resource-id.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { claimPrivateFile } from '../identity/private-file.ts'
import { spaceAddress } from '../space-address.ts'
import type { Rows, Store } from '../store/store.ts'
import { restoredResources, rootName } from './restored-resources.ts'
import { addressOfPlace, placeSetting } from './space-place.ts'
import { openSurvey, type SurveyedRoot, surveyPacks, surveyRoots } from './space-survey.ts'

export type RestoredSpaces = {
  /** Ids. */
  readonly versions: readonly string[]
  /** Versions of which something is good in none of the spaces. */
  readonly damaged: readonly string[]
  /** What else roots name (disks, managed images, snapshots): their blobs stay, no row has them. */
  readonly leftOut: readonly string[]
  /** The settings for a server on the new data folder: those that were given, with the places of the spaces. */
  readonly settingsFile: string
}

/** A place that was looked at: what roots name, and the packs that this needs. */
type Found = {
  readonly place: string
  readonly space: SpaceId
  readonly storeId: string | undefined
  readonly mount: string | undefined
  readonly roots: readonly SurveyedRoot[]
  readonly packs: ReadonlyMap<PackId, { readonly holding: Holding; readonly isBad: boolean }>
}

const owner = workOwner('restore')
const pageRows = 500

/**
 * Makes the metadata of spaces anew from their blobs, in a data folder that is new: groups, galleries, definitions and
 * versions as their roots keep them, and where each lies. Nothing is written in the spaces. Throws StartError, Unavailable.
 */
export async function restoreSpaces(
  config: Config,
  places: readonly string[],
  { world, signal }: { readonly world: World; readonly signal: AbortSignal },
): Promise<RestoredSpaces> {
  await refuseUsed(config.data)
  const found: Found[] = []
  const installations = new Set<string>()
  for (const place of places) {
    const { installation, ...one } = await lookAtPlace(config, place, { world, signal })
    installations.add(installation)
    found.push(one)
  }
  const [installation] = installations
  if (installation === undefined || installations.size > 1) {
    throw new StartError(
      `The spaces belong to different installations (${[...installations].join(', ')}): restore those of each into a folder of its own.`,
    )
  }
  const roots = found.flatMap((one) => one.roots.map((root) => ({ ...root, space: one.space })))
  const restored = restoredResources(config, roots)
  await prepareDataFolder(config.data)
  await claimPrivateFile(join(config.data, 'installation-id'), `${installation}\n`)
  const database = await openDatabase(config, world)
  try {
    const { store } = database
    await store.secrets.putIfAbsent('installation-id', installation)
    for (const change of restored.changes) await insert(store, change)
    for (const one of found) await keepSpace(store, one, restored.kept)
    await store.write(async (rows) => {
      for (const replica of restored.replicas) await rows.replicas.put(replica)
    })
  } finally {
    await database.close()
  }
  const { versions, damaged, leftOut } = restored
  return { versions, damaged, leftOut, settingsFile: await keepSettings(config, found) }
}

async function keepSettings(config: Config, found: readonly Found[]): Promise<string> {
  const path = join(config.data, 'vitrine.json')
  const settings = { ...config, spaces: settingsFor(config, found) }
  await claimPrivateFile(path, `${JSON.stringify(settings, undefined, 2)}\n`)
  return path
}

async function refuseUsed(folder: string): Promise<void> {
  const used = await stat(join(folder, 'vitrine.db')).catch(() => undefined)
  if (used) throw new StartError(`${folder} holds an installation already. Name a new folder.`)
}

async function lookAtPlace(
  config: Config,
  place: string,
  { world, signal }: { readonly world: World; readonly signal: AbortSignal },
): Promise<Found & { readonly installation: string }> {
  const address = addressOfPlace(place)
  const seen = await lookAtStore(address)
  const space = parseSpaceId(seen.owner?.space ?? '')
  if (!seen.owner || !space) {
    throw new StartError(
      `${place} has no store.json that says whose it is. Put one there as docs/storage-format.md has it.`,
    )
  }
  if (!settingsOf(config).regions.find(space.region)) {
    throw new StartError(
      `${place} is a space of the region ${space.region}, which the configuration leaves out. Name the settings of the installation with --config.`,
    )
  }
  const { installation, id: storeId } = seen.owner
  const survey = await openSurvey({ address, space: space.id, lanes: config.lanes, world, signal })
  try {
    await surveyPacks(survey)
    const { roots } = await surveyRoots(survey)
    const needed = [
      ...new Set(roots.flatMap(({ disks }) => disks.flatMap(({ packs }) => [...packs]))),
    ]
    const holders = await survey.plane.rows.holdersOf(needed)
    // A sound one of the same pack counts.
    const sorted = holders.toSorted(
      (one, other) => Number(survey.bad.has(other.id)) - Number(survey.bad.has(one.id)),
    )
    const packs = new Map(
      sorted.map((holding) => [holding.pack, { holding, isBad: survey.bad.has(holding.id) }]),
    )
    const { mount } = seen
    return { place, space: space.id, storeId, mount, roots, packs, installation }
  } finally {
    await survey.close()
  }
}

async function insert(store: Store, change: Parameters<Store['commit']>[0]): Promise<void> {
  const committed = await store.commit(change)
  if (committed.is === 'done') return
  const key = change.resource.is === 'insert' ? change.resource.row.id : ''
  const why = committed.is === 'full' ? `its quota of ${committed.name} is full` : committed.is
  throw new StartError(`${key} cannot be restored: ${why}.`)
}

/** The rows of one space: packs, images, and who keeps them, by the roots that are `kept`. */
async function keepSpace(store: Store, found: Found, kept: ReadonlySet<string>): Promise<void> {
  const { space, packs } = found
  const ids = new Map<PackId, number>()
  const wanted = [...packs.values()]
  for (let from = 0; from < wanted.length; from += pageRows) {
    const page = wanted.slice(from, from + pageRows)
    const named = page.map(({ holding: { id: _, ...one } }) => one)
    const made = await store.holdings.intend(owner, named)
    await store.holdings.landed(made.map(({ id }) => id))
    for (const { id, pack } of made) {
      ids.set(pack, id)
      if (packs.get(pack)?.isBad) await store.holdings.foundBad(id, true)
    }
  }
  for (const { key: root, root: told, disks } of found.roots) {
    const keeper = keyOf(told.keeper)
    if (!kept.has(rootName({ space, key: root }))) continue
    await store.write(async (rows) => {
      for (const { image, packs: needed, lost } of disks) {
        const holdings = [...needed].flatMap((pack) => ids.get(pack) ?? [])
        const placement = { space, image, keeper }
        await rows.placements.seal({ placement, owner, holdings, root })
        if (lost.length > 0) await rows.health.putLost(space, image, lost)
      }
    })
  }
  await store.holdings.release(owner)
  await forgetUnneeded(store, space)
  await store.write((rows) => keepPlace(rows, found, store))
}

/** Of what no version keeps only the rows go: its blobs are left where they are. */
async function forgetUnneeded(store: Store, space: SpaceId): Promise<void> {
  for (;;) {
    const loose = await store.holdings.sweep(space, 0, pageRows)
    if (loose.length === 0) return
    await store.holdings.forget(loose.map(({ id }) => id))
  }
}

async function keepPlace(rows: Rows, found: Found, store: Store): Promise<void> {
  const { space, storeId, place, mount } = found
  const known = await rows.spaces.lock(space)
  // The first start adopts one without an id.
  if (storeId === undefined) return
  const sinceMs = await store.nowMs()
  await rows.spaces.put({ ...known, storeId, place, mount, state: 'here', sinceMs })
}

function settingsFor(config: Config, found: readonly Found[]): Config['spaces'] {
  const moved = found.filter(
    ({ place, space }) => !isDeepStrictEqual(spaceAddress(config, space), addressOfPlace(place)),
  )
  return {
    ...Object.fromEntries(moved.map(({ place, space }) => [space, placeSetting(place, space)])),
    ...config.spaces,
  }
}
