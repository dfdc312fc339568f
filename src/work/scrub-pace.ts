import type { World } from '../base/world.ts'

export type ScrubPace = ReturnType<typeof openScrubPace>

/** What all scrubs of a process read together, on the average: who read pays with a rest before the next one reads. */
export function openScrubPace(bytesPerSecond: number, world: Pick<World, 'now'>) {
  let freeMs = 0
  const nowMs = (): number => world.now().getTime()

  return {
    waitMs: (): number => Math.max(0, Math.ceil(freeMs - nowMs())),
    spent(bytes: number): void {
      freeMs = Math.max(freeMs, nowMs()) + (bytes / bytesPerSecond) * 1000
    },
  }
}
