import { expect, it } from 'vitest'
import type { LogEvent } from './base/world.ts'
import { openSharedClock } from './shared-clock.ts'
import { openWorld } from './world.ts'

const hourMs = 3_600_000

it('the time is the database’s, whatever the machine says, and a wrong clock is told once', () => {
  const logged: LogEvent[] = []
  let machineMs = 1_000_000_000
  const { world, follow } = openSharedClock({
    ...openWorld('error'),
    now: () => new Date(machineMs),
    log: (event) => void logged.push(event),
  })
  follow(machineMs + 500)
  expect(world.now().getTime()).toBe(machineMs)
  follow(machineMs - 5 * hourMs)
  follow(machineMs - 5 * hourMs)
  machineMs += 1_000
  expect(world.now().getTime()).toBe(machineMs - 5 * hourMs)
  expect(logged).toMatchObject([{ event: 'clock-off', aheadMs: 5 * hourMs }])
  // Somebody set the clock right.
  machineMs -= 5 * hourMs
  follow(machineMs)
  expect(world.now().getTime()).toBe(machineMs)
})
