import type { World } from './base/world.ts'

/** What nobody notices, and no log need tell. */
const toleranceMs = 1_000

/**
 * The given world, but with the time of the database, as often as it is asked: a token and a SAS mean the same in every
 * process of an installation, whatever the clocks of their machines say. Certificates are checked by the machine's.
 */
export function openSharedClock(given: World) {
  let aheadMs = 0
  const world: World = { ...given, now: () => new Date(given.now().getTime() - aheadMs) }

  /** Goes by what the database answers from then on. Answers it: epoch milliseconds. */
  async function ask(databaseMs: () => Promise<number>): Promise<number> {
    const askedMs = world.now().getTime()
    const saidMs = await databaseMs()
    const heardMs = world.now().getTime()
    // Said at some time in between: a slow answer is no wrong clock.
    const offMs = saidMs < askedMs ? askedMs - saidMs : Math.min(0, heardMs - saidMs)
    if (Math.abs(offMs) < toleranceMs) return saidMs
    aheadMs += offMs
    const fix = 'Keep the clocks of all machines right, with NTP.'
    world.log({ level: 'warn', event: 'clock-off', aheadMs, fix })
    return saidMs
  }

  return { world, ask }
}
