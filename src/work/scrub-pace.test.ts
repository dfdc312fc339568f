import { expect, it } from 'vitest'
import { openScrubPace } from './scrub-pace.ts'

it('B18 scrubs read no more than their rate, all together; a rest that was not taken is not owed', () => {
  let nowMs = 1_000
  const pace = openScrubPace(1_000, { now: () => new Date(nowMs) })
  expect(pace.waitMs()).toBe(0)
  pace.spent(500)
  pace.spent(1_500)
  expect(pace.waitMs()).toBe(2_000)
  nowMs += 1_999
  expect(pace.waitMs()).toBe(1)
  nowMs += 60_000
  pace.spent(100)
  expect(pace.waitMs()).toBe(100)
})
