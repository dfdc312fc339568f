import { invariant } from './assert.ts'

/** Gives the bytes back; a second call does nothing. */
export type Hold = () => void

export type ByteBudget = ReturnType<typeof openByteBudget>

/** A bound on bytes that are held at the same time. Whoever waits is served in turn, and at most `waitersMax` wait. */
export function openByteBudget(bytesMax: number, waitersMax: number) {
  let freeBytes = bytesMax
  const waiting = new Set<{ readonly bytes: number; granted(hold: Hold): void }>()

  function hold(bytes: number): Hold {
    freeBytes -= bytes
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      freeBytes += bytes
      serve()
    }
  }

  function serve(): void {
    for (const next of waiting) {
      if (next.bytes > freeBytes) return
      waiting.delete(next)
      next.granted(hold(next.bytes))
    }
  }

  /** undefined when they are not free at once. */
  function tryTake(bytes: number): Hold | undefined {
    return waiting.size > 0 || bytes > freeBytes ? undefined : hold(bytes)
  }

  /** Waits for its turn; undefined when `signal` fires before it, or too many wait already. */
  async function take(bytes: number, signal: AbortSignal): Promise<Hold | undefined> {
    invariant(bytes <= bytesMax, 'more than the budget never becomes free')
    const free = tryTake(bytes)
    if (free) return free
    if (signal.aborted || waiting.size >= waitersMax) return undefined
    const { promise, resolve } = Promise.withResolvers<Hold | undefined>()
    const place = { bytes, granted: resolve }
    const leave = () => {
      waiting.delete(place)
      serve()
      resolve(undefined)
    }
    signal.addEventListener('abort', leave, { once: true })
    waiting.add(place)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  return { tryTake, take }
}
