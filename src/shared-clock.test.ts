import { expect, it } from 'vitest'
import type { LogEvent } from './base/world.ts'
import { openSharedClock } from './shared-clock.ts'
import { openWorld } from './world.ts'

const hourMs = 3_600_000
const startMs = 1_000_000_000

function openAt(startMs: number) {
  const logged: LogEvent[] = []
  let machineMs = startMs
  const clock = openSharedClock({
    ...openWorld('error'),
    now: () => new Date(machineMs),
    log: (event) => void logged.push(event),
  })
  const tick = (ms: number) => {
    machineMs += ms
  }
  return { ...clock, logged, tick, said: (ms: number) => clock.ask(async () => ms) }
}

it('the time is the database’s, whatever the machine says, and a wrong clock is told once', async () => {
  const { world, said, tick, logged } = openAt(startMs)
  await said(startMs + 500)
  expect(world.now().getTime()).toBe(startMs)
  expect(await said(startMs - 5 * hourMs)).toBe(startMs - 5 * hourMs)
  await said(startMs - 5 * hourMs)
  tick(1_000)
  expect(world.now().getTime()).toBe(startMs + 1_000 - 5 * hourMs)
  expect(logged).toMatchObject([{ event: 'clock-off', aheadMs: 5 * hourMs }])
  // Somebody set the clock right.
  tick(-5 * hourMs)
  await said(startMs + 1_000 - 5 * hourMs)
  expect(world.now().getTime()).toBe(startMs + 1_000 - 5 * hourMs)
})

it('an answer that was long under way does not set the clock back', async () => {
  const { world, ask, tick, logged } = openAt(startMs)
  for (const saidMs of [startMs, startMs + 20_000]) {
    const askedMs = world.now().getTime()
    await ask(async () => {
      tick(20_000)
      return saidMs
    })
    expect(world.now().getTime()).toBe(askedMs + 20_000)
  }
  expect(logged).toEqual([])
})
