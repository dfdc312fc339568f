import { Unavailable } from '../domain/errors.ts'
import type { ResourceRow, WorkRequest } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { wantedRegions } from '../resources/image-version.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { wantedSpaces } from './places.ts'
import type { WorkPorts } from './ports.ts'
import { convergeRequest } from './publish.ts'
import { lookEveryMs } from './watch-spaces.ts'

/** Of the three zones of a replica so many must take it now. */
const zonesNeeded = 2

/**
 * Which of the spaces that are still to be filled are put off: of each zone redundant replica one zone may be away, the
 * others suffice until it is back. Throws Unavailable when more is away than can be spared.
 */
export async function zonesPutOff(
  ports: WorkPorts,
  { wanted, open }: { readonly wanted: readonly SpaceId[]; readonly open: readonly SpaceId[] },
): Promise<readonly SpaceId[]> {
  const putOff: SpaceId[] = []
  for (const space of open) {
    const why = await whyAway(ports, space)
    if (why === undefined) continue
    const zones = wanted.filter((other) => replicaOf(other) === replicaOf(space))
    let there = 0
    for (const zone of zones) if (!(await whyAway(ports, zone))) there += 1
    if (there < zonesNeeded || there < zones.length - 1) throw why
    putOff.push(space)
  }
  return putOff
}

async function whyAway(
  { prepare, places }: WorkPorts,
  space: SpaceId,
): Promise<Unavailable | undefined> {
  try {
    await prepare(space)
    const { is, isOurs, place } = await places.look(space)
    if (is === 'store' && isOurs) return undefined
    return new Unavailable(`The space ${space} is not at ${place} any more.`)
  } catch (error) {
    if (error instanceof Unavailable) return error
    throw error
  }
}

function replicaOf(space: SpaceId): string {
  const { storageType, ordinal, zone } = parseSpaceId(space) ?? {}
  return zone === undefined ? space : `${storageType}/${ordinal}`
}

/** Asks for the zones that were put off to be filled when they are back. */
export function completeZonesRequest(
  { key }: Pick<ResourceRow, 'key'>,
  region: string,
): WorkRequest {
  const subject = `${key}@${region}`
  return {
    kind: 'CompleteZones',
    subject,
    queue: `region:${region}`,
    generation: 1,
    key: undefined,
  }
}

/** Waits for the zones that a version lacks in a region, and has the region converge when they are back. */
export function completeZones(ports: WorkPorts): Work {
  const { store, settings, health } = ports

  async function look({ row, state, write }: Running): Promise<Outcome> {
    const at = row.subject.lastIndexOf('@')
    const [key, region] = [row.subject.slice(0, at), row.subject.slice(at + 1)]
    const version = await store.read.resources.get(key)
    if (!version || version.state === 'Deleting') return { is: 'done' }
    const wanted = wantedRegions(version.doc, settings).find((one) => one.region === region)
    const spaces = wanted ? wantedSpaces(settings.regions, wanted) : []
    const sealed = await store.read.placements.rootsOf(key)
    const missing = spaces.filter((space) => !sealed.some((root) => root.space === space))
    if (missing.length === 0) return { is: 'done' }
    const forMs = lookEveryMs(health)
    const request = convergeRequest(version, region)
    const unfinished = await store.read.work.unfinishedOf(key)
    const isMoving = unfinished.some(({ subject }) => subject === request.subject)
    if (isMoving || !(await isAnyBack(missing))) return { is: 'wait', state, forMs }
    const nowMs = await store.nowMs()
    await write((rows) => rows.work.request([request], nowMs))
    return { is: 'wait', state, forMs }
  }

  async function isAnyBack(missing: readonly SpaceId[]): Promise<boolean> {
    for (const space of missing) if (!(await whyAway(ports, space))) return true
    return false
  }

  return { kind: 'CompleteZones', steps: { look } }
}
