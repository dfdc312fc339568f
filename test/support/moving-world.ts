import type { World } from '../../src/base/world.ts'
import { openWorld } from '../../src/world.ts'

/** The real world with a clock that the test sets ahead; time flows as ever in between. */
export function openMovingWorld(): World & { move(ms: number): void } {
  const real = openWorld('error')
  let aheadMs = 0
  return {
    ...real,
    now: () => new Date(real.now().getTime() + aheadMs),
    move: (ms) => {
      aheadMs += ms
    },
  }
}
