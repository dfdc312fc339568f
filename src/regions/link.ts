import { openFairQueue } from '../base/fair-queue.ts'
import type { World } from '../base/world.ts'
import type { Owner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'

/** One piece of a copy that is about to move: a pack, or frames of one. */
type Load = {
  /** Whose it is: works that wait at the same time are served alike, by bytes. */
  readonly owner: Owner
  /** Stored bytes that are read. */
  readonly bytes: number
  /** From one region to another: these alone count against the cap. */
  readonly crosses: boolean
  readonly signal: AbortSignal
}

/** What all copies of a process share. */
export type Link = {
  /** Has `act` move a load when its turn has come. Throws what it throws, or the signal's reason while it waits. */
  carry<Result>(load: Load, act: () => Promise<Result>): Promise<Result>
}

/** On their way at once, for each lane: one is read and hashed while another becomes durable. */
const loadsALane = 2

type Waiting = Load & { begin(): void }

/**
 * Loads in flight are bounded by their number and by their bytes, one full pack for each lane: no more than that is sent
 * again after a cut. `bytesPerSecond` is kept on the average: what a load takes too much, the next ones wait for.
 */
export function openLink(parts: {
  readonly lanes: number
  readonly world: Pick<World, 'now' | 'sleep'>
  readonly bytesPerSecond: number | undefined
}): Link {
  const { lanes, world, bytesPerSecond } = parts
  const queue = openFairQueue<Waiting>()
  const bytesMax = lanes * limits.packBytesMax
  const cap = openCap(world, bytesPerSecond)
  let loads = 0
  let loadBytes = 0

  /** Begins whatever may begin now. */
  function serve(): void {
    while (loads < loadsALane * lanes) {
      const next = queue.next(({ crosses }) => !crosses || cap.isOpen())
      if (next === undefined) break
      // Nothing smaller overtakes it: a large one would never find room.
      if (loads > 0 && loadBytes + next.bytes > bytesMax) break
      queue.take(next)
      loads += 1
      loadBytes += next.bytes
      if (next.crosses) cap.spend(next.bytes)
      next.begin()
    }
    if (queue.next(({ crosses }) => crosses) === undefined) cap.rest()
    else if (!cap.isOpen()) cap.whenOpen(serve)
  }

  async function turn(load: Load): Promise<void> {
    load.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { ...load, begin: resolve }
    const leave = (): void => {
      queue.leave(waiting)
      reject(load.signal.reason)
      serve()
    }
    load.signal.addEventListener('abort', leave, { once: true })
    queue.add(load.owner, load.bytes, waiting)
    serve()
    try {
      await promise
    } finally {
      load.signal.removeEventListener('abort', leave)
    }
  }

  return {
    async carry(load, act) {
      await turn(load)
      try {
        return await act()
      } finally {
        loads -= 1
        loadBytes -= load.bytes
        serve()
      }
    },
  }
}

/** A bucket that holds what one second lets through. */
function openCap(world: Pick<World, 'now' | 'sleep'>, bytesPerSecond: number | undefined) {
  const rate = bytesPerSecond ?? Number.POSITIVE_INFINITY
  let left = rate
  let filledMs = world.now().getTime()
  let sleeping: AbortController | undefined

  function isOpen(): boolean {
    if (bytesPerSecond === undefined) return true
    const nowMs = world.now().getTime()
    // A clock that was set back fills nothing.
    left = Math.min(rate, left + (rate * Math.max(0, nowMs - filledMs)) / 1000)
    filledMs = nowMs
    return left > 0
  }

  function whenOpen(act: () => void): void {
    if (sleeping) return
    const mine = new AbortController()
    sleeping = mine
    const waitMs = Math.max(1, Math.ceil((1 - left) / (rate / 1000)))
    world.sleep(waitMs, mine.signal).then(
      () => {
        sleeping = undefined
        act()
      },
      () => undefined,
    )
  }

  return {
    isOpen,
    whenOpen,
    spend: (bytes: number): void => {
      left -= bytes
    },
    /** Nobody waits for it. */
    rest: (): void => {
      sleeping?.abort()
      sleeping = undefined
    },
  }
}
