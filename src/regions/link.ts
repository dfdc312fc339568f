import { openFairQueue } from '../base/fair-queue.ts'
import type { World } from '../base/world.ts'
import type { Owner } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'

/** One piece of a copy that is about to move: a pack, or frames of one. */
type Load = {
  /** Whose it is: works that wait at the same time are served alike, by bytes. */
  readonly owner: Owner
  /** Stored bytes that are read. */
  readonly bytes: number
  /** From one region to another: these alone count against the cap. */
  readonly crosses: boolean
  /** Where it goes: one that hangs holds up its own loads alone. */
  readonly to: SpaceId
  readonly signal: AbortSignal
}

/** What all copies of a process share. */
export type Link = {
  /** Has `act` move a load when its turn has come. Throws what it throws, or the signal's reason while it waits. */
  carry<Result>(load: Load, act: () => Promise<Result>): Promise<Result>
}

/** On their way to one place at once, for each lane: one is read and hashed while another becomes durable. */
const loadsALane = 2
/** Of all bytes that may be on their way, one place has so much of at most. */
const placesAtOnce = 4

type Waiting = Load & { begin(): void }

/**
 * Loads on their way to one place are bounded by their number and by their bytes, one full pack for each lane: no more than that is
 * sent again after a cut. `bytesPerSecond` is kept on the average: what a load takes too much, the next ones wait for.
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
  const underway = new Map<SpaceId, { loads: number; bytes: number }>()
  let allBytes = 0

  function hasRoom({ to, bytes }: Waiting): boolean {
    const there = underway.get(to)
    if (there === undefined) return true
    return there.loads < loadsALane * lanes && there.bytes + bytes <= bytesMax
  }

  function begin(load: Waiting): void {
    const { loads, bytes } = underway.get(load.to) ?? { loads: 0, bytes: 0 }
    underway.set(load.to, { loads: loads + 1, bytes: bytes + load.bytes })
    allBytes += load.bytes
    queue.take(load)
    if (load.crosses) cap.spend(load.bytes)
    load.begin()
  }

  function end(load: Load): void {
    const { loads, bytes } = underway.get(load.to) ?? { loads: 1, bytes: load.bytes }
    if (loads > 1) underway.set(load.to, { loads: loads - 1, bytes: bytes - load.bytes })
    else underway.delete(load.to)
    allBytes -= load.bytes
    serve()
  }

  /** Begins whatever may begin now. */
  function serve(): void {
    // Nothing smaller overtakes what is next for a place: a large one would never find room.
    const full = new Set<SpaceId>()
    for (;;) {
      const next = queue.next(({ to, crosses }) => !full.has(to) && (!crosses || cap.isOpen()))
      if (next === undefined) break
      if (allBytes > 0 && allBytes + next.bytes > placesAtOnce * bytesMax) break
      if (hasRoom(next)) begin(next)
      else full.add(next.to)
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
        end(load)
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
