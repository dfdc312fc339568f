import type { World } from './base/world.ts'
import type { Config } from './config.ts'
import type { HealthPorts } from './work/ports.ts'
import { openScrubPace } from './work/scrub-pace.ts'

const dayMs = 24 * 3_600_000

/** What the configuration says of scrubs and lost spaces. One a process: its scrubs share one pace. */
export function healthOf(
  { scrub, rebuildAfterMinutes }: Config,
  world: Pick<World, 'now'>,
): HealthPorts {
  return {
    everyMs: Math.round(scrub.everyDays * dayMs),
    pace: openScrubPace(scrub.bytesPerSecond, world),
    rebuildAfterMs:
      rebuildAfterMinutes === 'never' ? undefined : Math.round(rebuildAfterMinutes * 60_000),
  }
}
