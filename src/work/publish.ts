import type { Placement } from '../domain/holdings.ts'
import type { ReplicaRow, ResourceRow, WorkRequest } from '../domain/rows.ts'
import { parseSpaceId } from '../domain/spaces.ts'
import {
  sourceClaim,
  versionContent,
  type WantedRegion,
  wantedRegions,
} from '../resources/image-version.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { wantedSpaces } from './places.ts'
import type { WorkPorts } from './ports.ts'
import { finishResource, settleVersion } from './settle.ts'

/**
 * Answers one generation of a version: refuses a source that does not fit, else asks every region that is not yet as
 * wanted to converge. Its bytes are already pinned by the write that asked for it.
 */
export function publish(ports: WorkPorts): Work {
  const { store, settings } = ports

  async function place({ row, write }: Running): Promise<Outcome> {
    const version = await store.read.resources.get(row.subject)
    if (!version) return { is: 'done' }
    const { mismatch } = versionContent(version.status)
    if (mismatch) return { is: 'failed', problem: mismatch }
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const locked = await rows.resources.lock(row.subject)
      if (!locked || locked.state === 'Deleting') return
      const { correlationId, trace } = row
      const requests = await askRegions(rows, locked, nowMs)
      await rows.work.request(
        requests.map((request) => ({ ...request, correlationId, trace })),
        nowMs,
      )
      await settleVersion(rows, locked.key, settings, nowMs)
    })
    return { is: 'done' }
  }

  /** Writes a replica row for each region, and returns the work of those that are not as wanted. */
  async function askRegions(
    rows: Rows,
    version: ResourceRow,
    nowMs: number,
  ): Promise<WorkRequest[]> {
    const wanted = wantedRegions(version.doc, settings)
    const replicas = await rows.replicas.of([version.key])
    const placed = await rows.placements.ofKeepers([version.key])
    const rooted = await rows.placements.rootsOf(version.key)
    const unfinished = await rows.work.unfinishedOf(version.key)
    const names = new Set([...wanted, ...replicas].map((each) => each.region))
    const requests: WorkRequest[] = []
    for (const name of names) {
      const region = wanted.find((each) => each.region === name)
      const before = replicas.find((each) => each.region === name)
      const request = convergeRequest(version, name)
      // What is under way for an older generation may yet change the region: it looks again when it is done.
      const isMoving = unfinished.some((work) => work.subject === request.subject)
      const asWanted =
        region !== undefined && !isMoving && isAsWanted(version, region, placed, rooted)
      await rows.replicas.put(replicaRow(version, name, before, asWanted, nowMs))
      if (!asWanted) requests.push(request)
    }
    return requests
  }

  function isAsWanted(
    version: ResourceRow,
    region: WantedRegion,
    placed: readonly Placement[],
    rooted: readonly Omit<Placement, 'keeper'>[],
  ): boolean {
    const spaces = wantedSpaces(settings.regions, region)
    const { disks } = versionContent(version.status)
    const lies = (place: Omit<Placement, 'keeper'>) => spaces.includes(place.space)
    const here = placed.filter((place) => parseSpaceId(place.space)?.region === region.region)
    return (
      here.every(lies) &&
      spaces.every((space) =>
        disks.every((disk) =>
          rooted.some((place) => place.space === space && place.image === disk.image),
        ),
      )
    )
  }

  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    const version = await rows.resources.lock(row.subject)
    if (!version || version.state === 'Deleting') return
    // A newer generation was asked for meanwhile: this work begins again, and that run has the last word.
    if (version.generation > row.generation) return
    for (const claim of sourceClaim(version.doc)) await rows.claims.release(claim, version.key)
    await finishResource(rows, version, problem, nowMs)
  }

  return { kind: 'Publish', steps: { place }, failed }
}

/** What asks for the version's latest generation to be answered. */
export function publishRequest({ key, generation }: ResourceRow): WorkRequest {
  return { kind: 'Publish', subject: key, queue: 'control', generation, key }
}

/** A region of a version as it is when work on it begins, or when there is none to do. */
export function replicaRow(
  version: ResourceRow,
  region: string,
  before: ReplicaRow | undefined,
  asWanted: boolean,
  nowMs: number,
): ReplicaRow {
  return {
    versionKey: version.key,
    region,
    generation: version.generation,
    state: asWanted ? 'Completed' : 'Replicating',
    usable: before?.usable ?? false,
    bytesDone: asWanted ? (before?.bytesDone ?? 0) : 0,
    bytesTotal: asWanted ? (before?.bytesTotal ?? 0) : 0,
    phase: asWanted ? '' : 'plan',
    bytesPerSecond: 0,
    reason: undefined,
    updatedMs: nowMs,
  }
}

/** What asks one region to hold what the version's latest generation wants of it. */
export function convergeRequest(version: ResourceRow, region: string): WorkRequest {
  return {
    kind: 'ConvergeRegion',
    subject: `${version.key}@${region}`,
    queue: `region:${region}`,
    generation: version.generation,
    key: version.key,
  }
}
