import { Unavailable } from '../domain/errors.ts'
import { type RegionName, regionName } from '../domain/regions.ts'
import type { WorkRequest } from '../domain/rows.ts'
import { diskSpace } from '../domain/spaces.ts'
import { dropStaged } from '../regions/staging.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Store } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'

const everyMs = 30_000
/** Uploads, or rows, that are dropped before the row of the work is written again. */
const atOnce = 64
const rowsAtOnce = 500

/** One for each region whose spaces this process writes. */
export function dropDuties(regions: readonly RegionName[]): readonly WorkRequest[] {
  return regions.map((region) => ({
    kind: 'DropUploads',
    subject: region,
    queue: `region:${region}`,
    generation: 1,
    key: undefined,
  }))
}

/** Takes away the pages of blobs that were written over or deleted, of blocks nobody wants, and of uploads that broke off. */
export function dropUploads({ store, plane, world, sweepHoldMs, uploadKeptMs }: WorkPorts): Work {
  async function drop({ row, state, signal }: Running): Promise<Outcome> {
    const space = diskSpace(regionName(row.subject)).id
    // The clock by which requests say when they are due.
    const nowMs = world.now().getTime()
    const cleared = await store.write((rows) => rows.blobs.clearGone(space, rowsAtOnce, nowMs))
    const expired = await dropStaleBlocks(store, nowMs - uploadKeptMs)
    const taken = await store.write((rows) => rows.blobs.takeDrops(space, nowMs, atOnce))
    let isAway = false
    for (const { upload } of taken) {
      try {
        await dropStaged(plane, { upload, space, signal })
        await store.write((rows) => rows.blobs.dropped(upload))
      } catch (error) {
        // Its disk may be unmounted for long: what is to go is taken again.
        if (signal.aborted || !(error instanceof Unavailable)) throw error
        world.log({ level: 'warn', event: 'drop-waits', space, upload, error: error.message })
        isAway = true
        break
      }
    }
    const isMore = cleared > 0 || expired === rowsAtOnce || (taken.length === atOnce && !isAway)
    const forMs = Math.min(everyMs, Math.max(250, sweepHoldMs))
    return { is: 'wait', state, forMs: isMore ? 0 : forMs }
  }

  return { kind: 'DropUploads', isRecurring: true, steps: { drop } }
}

/** Blocks that nobody made a blob of since then are not wanted any more. Answers how many went (at most 500). */
function dropStaleBlocks(store: Store, beforeMs: number): Promise<number> {
  return store.write((rows) => rows.blobs.expireStaged(beforeMs, rowsAtOnce))
}
