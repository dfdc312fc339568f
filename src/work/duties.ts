import { limits } from '../domain/limits.ts'
import type { RegionName } from '../domain/regions.ts'
import type { WorkRequest } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { sweepSpace } from '../regions/sweep-space.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

/** How often a duty looks again. */
const sweepEveryMs = 30_000
const pruneEveryMs = 3_600_000
const pruneRows = 1_000

/** Recurring work is a row that always answers `wait`: leases, restarts and metrics come with it. */
export function duties(regions: readonly RegionName[]): readonly WorkRequest[] {
  const regional = ['Sweep', 'Compact', 'ExpireUploads', 'Scrub', 'WatchSpaces'].flatMap((kind) =>
    regions.map((region) => ({ kind, subject: region, queue: `region:${region}` })),
  )
  const names = [
    'Prune',
    'PurgeDeleted',
    'RootPins',
    'SweepSignins',
    'RotateKeys',
    'FollowEvents',
    'Ledger',
    'EndOfLife',
  ]
  const common = names.map((kind) => ({ kind, subject: 'installation', queue: 'control' }))
  return [...regional, ...common].map((duty) => ({ ...duty, generation: 1, key: undefined }))
}

/** Frees what nobody keeps any more in a region, space by space. */
export function sweep({ store, plane, world, sweepHoldMs }: WorkPorts): Work {
  async function sweepAll({ row, state, signal }: Running): Promise<Outcome> {
    const isHere = (space: SpaceId) => parseSpaceId(space)?.region === row.subject
    const spaces = (await store.holdings.spaces()).filter(isHere)
    for (const space of spaces) {
      try {
        const freedBytes = await sweepSpace(plane, { space, holdMs: sweepHoldMs, signal })
        if (freedBytes > 0) world.log({ level: 'info', event: 'space-freed', space, freedBytes })
      } catch (error) {
        // One space that is away does not keep the others full.
        if (signal.aborted) throw error
        world.log({ level: 'warn', event: 'sweep-failed', space, error: String(error) })
      }
    }
    const forMs = Math.min(sweepEveryMs, Math.max(250, sweepHoldMs))
    // Where nothing lies there is no hurry.
    return { is: 'wait', state, forMs: spaces.length > 0 ? forMs : 10 * forMs }
  }

  return { kind: 'Sweep', isRecurring: true, steps: { sweepAll } }
}

/** Forgets receipts that nobody polls any more, grants that ran out, and what the audit has kept long enough. */
export function prune({ store, auditKeptMs, eventsKeptMs }: WorkPorts): Work {
  async function pruneOperations({ state }: Running): Promise<Outcome> {
    const nowMs = await store.nowMs()
    const beforeMs = nowMs - limits.operationKeptMs
    const pruned = await store.write((rows) => rows.operations.prune(beforeMs, pruneRows))
    const grants = await store.write((rows) => rows.sas.prune(beforeMs, pruneRows))
    const told = await store.write((rows) => rows.audit.prune(nowMs - auditKeptMs, pruneRows))
    const events = await store.write((rows) => rows.events.prune(nowMs - eventsKeptMs, pruneRows))
    const isMore = [pruned, grants, told, events].includes(pruneRows)
    return { is: 'wait', state, forMs: isMore ? 0 : pruneEveryMs }
  }

  return { kind: 'Prune', isRecurring: true, steps: { pruneOperations } }
}
