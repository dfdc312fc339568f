import type { World } from '../base/world.ts'
import { clientLimits } from './client-limits.ts'

/** How far a transfer is. */
export type Transfer = {
  readonly bytesDone: number
  readonly bytesTotal: number
  /** Over the last seconds; 0 before anything can be said. */
  readonly bytesPerSecond: number
  /** Undefined before anything can be said. */
  readonly etaSeconds: number | undefined
}

/**
 * Measures a transfer of `bytesTotal`. What `skip` tells was there before the start (or is a hole): it counts as done, but
 * not for the rate.
 */
export function openMeter(bytesTotal: number, world: Pick<World, 'now'>) {
  let bytesDone = 0
  let movedBytes = 0
  let samples = [{ atMs: world.now().getTime(), movedBytes: 0 }]

  function skip(bytes: number): void {
    bytesDone += bytes
  }

  function add(bytes: number): void {
    bytesDone += bytes
    movedBytes += bytes
  }

  function read(): Transfer {
    const atMs = world.now().getTime()
    samples = [
      ...samples.filter((s) => atMs - s.atMs <= clientLimits.rateWindowMs),
      { atMs, movedBytes },
    ]
    const oldest = samples[0] ?? { atMs, movedBytes }
    const elapsedMs = atMs - oldest.atMs
    const bytesPerSecond =
      elapsedMs > 0 ? Math.round(((movedBytes - oldest.movedBytes) * 1000) / elapsedMs) : 0
    const leftBytes = bytesTotal - bytesDone
    const etaSeconds =
      leftBytes === 0 ? 0 : bytesPerSecond > 0 ? leftBytes / bytesPerSecond : undefined
    return { bytesDone, bytesTotal, bytesPerSecond, etaSeconds }
  }

  return { skip, add, read }
}
