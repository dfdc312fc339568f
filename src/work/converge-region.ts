import type { Digest } from '../domain/digest.ts'
import { RegionAway, Unavailable } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import { queueOfCopy } from '../domain/queues.ts'
import { regionName } from '../domain/regions.ts'
import type { Json, JsonObject, ReplicaRow, ResourceRow, WorkRow } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { prepareCopy } from '../regions/copy-image.ts'
import type { Progress } from '../regions/plane.ts'
import { readManifest } from '../regions/read-image.ts'
import { removeRoot, writeRoot } from '../regions/roots.ts'
import type { DiskContent } from '../resources/declaration.ts'
import { versionContent, wantedRegions } from '../resources/image-version.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { openCrossings, recordReplicas } from './ledger.ts'
import { wantedSpaces } from './places.ts'
import type { WorkPorts } from './ports.ts'
import { openReplicaProgress } from './replica-progress.ts'
import { rootDocuments } from './root-documents.ts'
import { settleVersion } from './settle.ts'
import { addStray, distinctRoots, forgetStray, rootsIn, strayRoots } from './stray-roots.ts'
import { tellRegion } from './tell.ts'
import { completeZonesRequest, zonesPutOff } from './zones.ts'

type Found = {
  readonly version: ResourceRow
  readonly region: string
  /** Those that the version wants in the region: none when it leaves. */
  readonly spaces: readonly SpaceId[]
  readonly disks: readonly DiskContent[]
}

/** What lies in these spaces of each image, and the keys of the roots that say so. */
type Copied = {
  readonly roots: Readonly<Record<string, string>>
  readonly to: readonly SpaceId[]
  readonly copied: ReadonlyMap<Digest, ReadonlyMap<SpaceId, readonly number[]>>
}

/** Makes one region hold what the version's latest generation asks of it; a region converges, fails and is retried alone. */
export function convergeRegion(ports: WorkPorts): Work {
  const { store, plane, settings, world } = ports

  /** Undefined when there is nothing left to converge. */
  async function load(row: WorkRow): Promise<Found | undefined> {
    const { versionKey, region } = subjectOf(row)
    const version = await store.read.resources.get(versionKey)
    if (!version || version.state === 'Deleting') return undefined
    const wanted = wantedRegions(version.doc, settings).find((each) => each.region === region)
    const spaces = wanted ? wantedSpaces(settings.regions, wanted) : []
    return { version, region, spaces, disks: versionContent(version.status).disks }
  }

  /** Names the roots before any is written: whatever happens later, their keys are known and can be removed. */
  async function plan({ row, state }: Running): Promise<Outcome> {
    const found = await load(row)
    if (!found) return { is: 'done' }
    const sealed = await store.read.placements.rootsOf(found.version.key)
    const open = found.spaces.filter((space) => !sealed.some((root) => root.space === space))
    const putOff = await zonesPutOff(ports, { wanted: found.spaces, open })
    const named = open.filter((space) => !putOff.includes(space))
    const roots = Object.fromEntries(named.map((space) => [space, `roots/${world.id()}`]))
    return { is: 'next', state: { ...state, roots } }
  }

  async function copy(running: Running): Promise<Outcome> {
    const { row, state, signal, write } = running
    const found = await load(row)
    const roots = rootsOf(state)
    // A copy before this one may have written roots that are not wanted any more.
    for (const [space, key] of rootEntries(state)) {
      if (!found?.spaces.includes(space)) await removeRoot(plane, { space, key, signal })
    }
    if (!found) return { is: 'done' }
    const crossings = openCrossings(ledgerSubject(found), world)
    const during = 'copy'
    const told = { ...subjectOf(row), during, crossings }
    const progress = openReplicaProgress({ store, world, write, ...told })
    const owner = workOwner(row.id)
    const open = found.spaces.filter((space) => roots[space] !== undefined)
    const away = await zonesPutOff(ports, { wanted: found.spaces, open })
    const to = open.filter((space) => !away.includes(space))
    const copied = new Map<Digest, ReadonlyMap<SpaceId, readonly number[]>>()
    let bytesTotal = 0
    for (const [index, disk] of found.disks.entries()) {
      if (to.length === 0) break
      const from = nearestFirst(await store.read.placements.spacesOf(disk.image), found.region)
      const report = (bytes: Progress) => progress.report(index, bytes)
      const order = { owner, image: disk.image, from, to, signal, report, crossed: crossings.add }
      const prepared = await prepareCopy(plane, order)
      bytesTotal += prepared.bytesTotal
      // Nothing that was referenced or moved is lost: who goes on finds it.
      const queue = queueOfCopy(found.region, bytesTotal, row.queue)
      if (queue !== row.queue) {
        await progress.phase('copy')
        return { is: 'elsewhere', state, queue }
      }
      copied.set(disk.image, (await prepared.run()).holdings)
    }
    await progress.phase('seal')
    for (const space of to) {
      const root = { space, key: roots[space] ?? '', created: new Date(row.createdMs) }
      await writeRootOf(found, root, signal)
    }
    await seal(running, found, { roots, to, copied })
    await leaveOut(found, roots, { away, write })
    return { is: 'next', state: await leavingOf(found, away) }
  }

  /** A transaction for each space: a version in many of them holds up nobody else's writes. */
  async function seal(
    { row, write }: Running,
    { version, region, disks }: Found,
    { roots, to, copied }: Copied,
  ): Promise<void> {
    for (const [index, space] of to.entries()) {
      const nowMs = await store.nowMs()
      await write(async (rows) => {
        for (const { image } of disks) {
          const sealed = await rows.placements.seal({
            placement: { space, image, keeper: version.key },
            owner: workOwner(row.id),
            holdings: copied.get(image)?.get(space) ?? [],
            root: roots[space] ?? '',
          })
          if (!sealed) throw new Unavailable(`a pack of ${image} left ${space} before the seal`)
        }
        const replica = index === to.length - 1 ? await replicaOf(rows, row) : undefined
        if (replica) await rows.replicas.put({ ...replica, usable: true })
        await recordReplicas(rows, version, { region, atMs: nowMs })
      })
    }
  }

  /** A zone that went away may have got its root before: known, it is removed when the zone is back. */
  async function leaveOut(
    { version }: Found,
    roots: Readonly<Record<string, string>>,
    { away, write }: { readonly away: readonly SpaceId[]; readonly write: Running['write'] },
  ): Promise<void> {
    if (away.length === 0) return
    const left = away.map((space) => ({ space, key: roots[space] ?? '' }))
    await write(async (rows) => {
      const locked = await rows.resources.lock(version.key)
      if (locked) await addStray(rows, locked, left)
    })
  }

  /**
   * Decided here and durable: what `retire` began to remove is gone, whatever is wanted by the time it goes on. The roots
   * have their keys: who lost the row meanwhile removes none that was written since.
   */
  async function leavingOf(
    { version, region, spaces }: Found,
    away: readonly SpaceId[],
  ): Promise<JsonObject> {
    const isHere = ({ space }: { space: SpaceId }) => parseSpaceId(space)?.region === region
    const placed = (await store.read.placements.ofKeepers([version.key])).filter(isHere)
    const left = placed.map(({ space }) => space).filter((space) => !spaces.includes(space))
    const sealed = (await store.read.placements.rootsOf(version.key)).filter(isHere)
    const strays = (await strayRoots(store.read, version.key)).filter(isHere)
    const stray = strays.filter(({ space }) => !away.includes(space))
    const gone = sealed.filter(({ space }) => left.includes(space))
    return {
      leaving: [...new Set(left)],
      gone: distinctRoots(gone.map(({ space, root }) => ({ space, key: root }))),
      stray: distinctRoots(stray),
    }
  }

  async function writeRootOf(
    found: Found,
    root: { readonly space: SpaceId; readonly key: string; readonly created: Date },
    signal: AbortSignal,
  ): Promise<void> {
    const disks = await Promise.all(
      found.disks.map(async ({ lun, image }) => {
        const { bytes } = await readManifest(plane, { image, spaces: [root.space], signal })
        return { lun, image, manifest: bytes }
      }),
    )
    const documents = await rootDocuments(store.read, found.version)
    const { id: keeper } = found.version
    await writeRoot(plane, { ...root, keeper, disks, documents, signal })
  }

  /** Lets go of what the region does not want any more, then looks whether the whole version has got there. */
  async function retire({ row, state, signal, write }: Running): Promise<Outcome> {
    const found = await load(row)
    if (!found) return { is: 'done' }
    const leaves = ({ space }: { space: SpaceId }) => spacesOf(state.leaving).includes(space)
    const stray = rootsIn(state.stray)
    for (const root of [...stray, ...rootsIn(state.gone)]) {
      await removeRoot(plane, { ...root, signal })
    }
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const version = await rows.resources.lock(found.version.key)
      if (!version) return
      for (const placement of await rows.placements.ofKeepers([version.key])) {
        if (leaves(placement)) await rows.placements.drop(placement)
      }
      await forgetStray(rows, version, stray)
      const left = (await rows.placements.ofKeepers([version.key])).some(
        ({ space }) => parseSpaceId(space)?.region === found.region,
      )
      await endReplica(rows, row, { wanted: found.spaces.length > 0, left }, nowMs)
      await recordReplicas(rows, version, { region: found.region, atMs: nowMs })
      await settleVersion(rows, version.key, settings, nowMs)
      await askForRest(rows, row, found, nowMs)
    })
    return { is: 'done' }
  }

  /** What was put off is made good when its zone is back. */
  async function askForRest(
    rows: Rows,
    row: WorkRow,
    { version, region, spaces }: Found,
    nowMs: number,
  ): Promise<void> {
    const replica = await replicaOf(rows, row)
    if (!replica || isOutdated(row, replica)) return
    const sealed = await rows.placements.rootsOf(version.key)
    const isWhole = spaces.every((space) => sealed.some((root) => root.space === space))
    if (!isWhole) await rows.work.request([completeZonesRequest(version, region)], nowMs)
  }

  /** `left`: something of the version still lies in the region. Without it nothing can be made from it there. */
  async function endReplica(
    rows: Rows,
    row: WorkRow,
    { wanted, left }: { readonly wanted: boolean; readonly left: boolean },
    nowMs: number,
  ): Promise<void> {
    const { versionKey, region } = subjectOf(row)
    const replica = await replicaOf(rows, row)
    if (!replica) return
    // It was asked for again while it left: the run to come begins with nothing.
    if (isOutdated(row, replica)) {
      if (!left) await rows.replicas.put({ ...replica, usable: false })
      return
    }
    if (!wanted) return rows.replicas.remove(versionKey, region)
    if (replica.state !== 'Completed') {
      await tellRegion(rows, row, { versionKey, region, failure: undefined, nowMs })
    }
    const done = { state: 'Completed', phase: '', bytesPerSecond: 0, reason: undefined } as const
    await rows.replicas.put({
      ...replica,
      ...done,
      generation: row.generation,
      usable: left,
      bytesDone: replica.bytesTotal,
      updatedMs: nowMs,
    })
  }

  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    await keepStray(rows, row)
    const replica = await replicaOf(rows, row)
    if (replica && !isOutdated(row, replica)) {
      const end = { state: 'Failed', phase: '', bytesPerSecond: 0 } as const
      const { generation } = row
      await rows.replicas.put({
        ...replica,
        ...end,
        generation,
        reason: problem.message,
        updatedMs: nowMs,
      })
      await tellRegion(rows, row, { ...subjectOf(row), failure: problem.message, nowMs })
    }
    await settleVersion(rows, subjectOf(row).versionKey, settings, nowMs)
  }

  const steps = { plan, copy, retire }
  return { kind: 'ConvergeRegion', steps, failed, waits: tellOfWaiting, stopped: keepStray }
}

/** Until its next progress. */
async function tellOfWaiting(rows: Rows, row: WorkRow, why: Unavailable): Promise<void> {
  const replica = await replicaOf(rows, row)
  if (!replica || isOutdated(row, replica)) return
  const reason =
    why instanceof RegionAway
      ? 'It waits for a region that is out of reach and has what it needs.'
      : `It is tried again and again. ${why.told(`work ${row.id}`)}`
  await rows.replicas.put({ ...replica, reason, bytesPerSecond: 0 })
}

/** Roots that were named but never sealed stay known in the version's status until they are removed. */
async function keepStray(rows: Rows, row: WorkRow): Promise<void> {
  const { versionKey } = subjectOf(row)
  const version = await rows.resources.lock(versionKey)
  if (!version) return
  const sealed = new Set((await rows.placements.rootsOf(versionKey)).map((root) => root.root))
  const unsealed = rootEntries(row.state).filter(([, key]) => !sealed.has(key))
  await addStray(
    rows,
    version,
    unsealed.map(([space, key]) => ({ space, key })),
  )
}

/** The region is asked for a newer generation already: this row runs once more, and that run says how it ended. */
function isOutdated(row: WorkRow, replica: ReplicaRow): boolean {
  return replica.generation > row.generation
}

async function replicaOf(rows: Rows, row: WorkRow): Promise<ReplicaRow | undefined> {
  const { versionKey, region } = subjectOf(row)
  const replicas = await rows.replicas.of([versionKey])
  return replicas.find((replica) => replica.region === region)
}

function subjectOf(row: WorkRow): { versionKey: string; region: string } {
  const at = row.subject.lastIndexOf('@')
  return { versionKey: row.subject.slice(0, at), region: row.subject.slice(at + 1) }
}

const ledgerSubject = ({ version, region }: Found) => ({
  versionKey: version.key,
  versionId: version.id,
  region: regionName(region),
})

function rootsOf(state: JsonObject): Readonly<Record<string, string>> {
  const { roots } = state
  return roots !== null && typeof roots === 'object' ? (roots as Record<string, string>) : {}
}

/** Spaces of this region and the keys of the roots that may have been written there. */
function rootEntries(state: JsonObject): readonly (readonly [SpaceId, string])[] {
  return Object.entries(rootsOf(state)).map(([space, key]) => [space as SpaceId, key])
}

/** As a step before wrote them. */
function spacesOf(kept: Json | undefined): readonly SpaceId[] {
  return Array.isArray(kept) ? kept : []
}

function nearestFirst(spaces: readonly SpaceId[], region: string): SpaceId[] {
  const isHere = (space: SpaceId) => parseSpaceId(space)?.region === region
  return [...spaces.filter(isHere), ...spaces.filter((space) => !isHere(space))]
}
