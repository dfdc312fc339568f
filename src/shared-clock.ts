import type { World } from './base/world.ts'

/** A difference that a slow answer explains. */
const toleranceMs = 1_000

/**
 * The given world, but with the time of the database, as often as it is told: a token and a SAS mean the same in every
 * process of an installation, whatever the clocks of their machines say. Certificates are checked by the machine's.
 */
export function openSharedClock(given: World) {
  let aheadMs = 0
  const world: World = { ...given, now: () => new Date(given.now().getTime() - aheadMs) }

  function follow(databaseMs: number): void {
    const offMs = world.now().getTime() - databaseMs
    if (Math.abs(offMs) < toleranceMs) return
    aheadMs += offMs
    const fix = 'Keep the clocks of all machines right, with NTP.'
    world.log({ level: 'warn', event: 'clock-off', aheadMs, fix })
  }

  return { world, follow }
}
