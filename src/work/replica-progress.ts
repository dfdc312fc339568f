import type { World } from '../base/world.ts'
import type { Progress } from '../regions/plane.ts'
import type { Running } from '../runner/work.ts'
import type { Store } from '../store/store.ts'
import type { Crossings } from './ledger.ts'

/** Progress is written at most this often: a row for people, not for machines. */
const everyMs = 400

type Options = {
  readonly store: Store
  readonly world: World
  readonly write: Running['write']
  readonly versionKey: string
  readonly region: string
  /** What is under way. */
  readonly during: string
  /** What comes from other regions meanwhile; written down with the progress. */
  readonly crossings?: Crossings
}

/** Sums the progress of a version's disks into its replica row, a few times a second. */
export function openReplicaProgress(options: Options) {
  const { store, world, write, versionKey, region, during, crossings } = options
  const disks = new Map<number, Progress>()
  const startedMs = world.now().getTime()
  // The first word comes at once: what then stands still has been seen.
  let writtenMs = 0
  let writing: Promise<void> = Promise.resolve()

  async function put(phase: string): Promise<void> {
    const crossed = crossings?.take()
    try {
      await putBoth(phase, crossed)
    } catch (error) {
      if (crossed) crossings?.giveBack(crossed)
      throw error
    }
  }

  async function putBoth(phase: string, crossed: ReturnType<Crossings['take']> | undefined) {
    const atMs = await store.nowMs()
    const nowMs = world.now().getTime()
    const all = [...disks.values()]
    const bytesDone = all.reduce((sum, disk) => sum + disk.bytesDone, 0)
    const bytesTotal = all.reduce((sum, disk) => sum + disk.bytesTotal, 0)
    const bytesPerSecond = Math.round((bytesDone * 1000) / Math.max(1, nowMs - startedMs))
    await write(async (rows) => {
      if (crossed) await crossings?.writeDown(rows, crossed, atMs)
      const replica = (await rows.replicas.of([versionKey])).find((row) => row.region === region)
      if (!replica) return
      const moved = { bytesDone, bytesTotal, bytesPerSecond }
      const seen = { phase, ...moved, reason: undefined, updatedMs: nowMs }
      await rows.replicas.put({ ...replica, ...seen })
    })
  }

  return {
    report(disk: number, progress: Progress): void {
      disks.set(disk, progress)
      const nowMs = world.now().getTime()
      if (nowMs - writtenMs < everyMs) return
      writtenMs = nowMs
      // A lost write is made good by the next one; a lost lease stops the step by its own way.
      writing = writing.then(() => put(during)).catch(() => undefined)
    },
    /** Waits for what is under way, then writes the phase. */
    async phase(name: string): Promise<void> {
      await writing
      await put(name)
    },
  }
}
