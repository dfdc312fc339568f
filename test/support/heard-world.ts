import type { LogEvent, World } from '../../src/base/world.ts'
import { openWorld } from '../../src/world.ts'

/** The real world (or the given one), and what was logged so far. */
export function openHeardWorld(given: World = openWorld('error')) {
  const logged: LogEvent[] = []
  const world: World = { ...given, log: (event) => void logged.push(event) }
  return { world, logged }
}
