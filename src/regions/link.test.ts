import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { abroad, home } from '../../test/support/test-plane.ts'
import { workOwner } from '../domain/holdings.ts'
import { sizes } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { openLink } from './link.ts'

const { mib } = sizes
const pack = 8 * mib
const signal = new AbortController().signal

/** Loads whose ends the test decides, in the order in which they began. */
function openLoads(options: { bytesPerSecond?: number; lanes?: number } = {}) {
  const world = openQuickWorld()
  const link = openLink({ lanes: 1, bytesPerSecond: undefined, world, ...options })
  const begun: { work: string; bytes: number; end(): void }[] = []

  function carry(
    work: string,
    bytes = pack,
    more: { crosses?: boolean; until?: AbortSignal; to?: SpaceId } = {},
  ) {
    const { crosses = true, until = signal, to = abroad } = more
    return link.carry({ owner: workOwner(work), bytes, crosses, to, signal: until }, async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      begun.push({ work, bytes, end: resolve })
      await promise
    })
  }

  /** Ends one after another until so many have begun. */
  async function untilBegun(count: number): Promise<string[]> {
    for (let ended = 0; begun.length < count; ended++) {
      await turn()
      begun[ended]?.end()
      await turn()
    }
    return begun.map(({ work }) => work)
  }

  return { world, carry, begun, untilBegun }
}

test('a copy of one pack passes eight copies of a thousand packs each at the next turn of its own', async () => {
  const { carry, begun, untilBegun } = openLoads()
  for (let at = 0; at < 1_000; at++)
    for (let work = 1; work <= 8; work++) void carry(`large-${work}`)
  await untilBegun(80)
  const before = begun.length
  void carry('small', mib)
  // What is in flight ends first; then it is level with the eight.
  expect((await untilBegun(before + 10)).indexOf('small')).toBeLessThan(before + 10)
})

test('works that copy at the same time move as many bytes each, however large their packs are', async () => {
  const { carry, begun, untilBegun } = openLoads()
  for (let at = 0; at < 400; at++) void carry('small packs', mib)
  for (let at = 0; at < 50; at++) void carry('large packs', 8 * mib)
  await untilBegun(180)
  const moved = (work: string) =>
    begun.filter((load) => load.work === work).reduce((sum, { bytes }) => sum + bytes, 0)
  expect(Math.abs(moved('small packs') - moved('large packs'))).toBeLessThanOrEqual(16 * mib)
})

test('no more than one full pack a lane is on its way, in two loads at most', async () => {
  for (const { lanes, bytes, loads } of [
    { lanes: 1, bytes: 16 * mib, loads: 1 },
    { lanes: 1, bytes: 8 * mib, loads: 2 },
    { lanes: 3, bytes: 8 * mib, loads: 6 },
    { lanes: 2, bytes: 1000, loads: 4 },
  ]) {
    const { carry, begun } = openLoads({ lanes })
    for (let at = 0; at < 20; at++) void carry('copy', bytes)
    await turn()
    expect(begun).toHaveLength(loads)
  }
})

test('a place that hangs holds up its own loads alone, and all places together are bounded', async () => {
  const { carry, begun } = openLoads()
  for (let at = 0; at < 10; at++) void carry('hangs', pack, { to: abroad })
  for (let at = 0; at < 10; at++) void carry('goes on', pack, { to: home })
  await turn()
  expect(begun.map(({ work }) => work)).toEqual(['hangs', 'hangs', 'goes on', 'goes on'])
  begun[2]?.end()
  await turn()
  expect(begun.map(({ work }) => work).slice(4)).toEqual(['goes on'])
  for (let at = 1; at <= 8; at++) {
    for (const _ of [1, 2]) void carry(`${at}`, pack, { to: `asia/Standard_LRS/${at}` as SpaceId })
  }
  await turn()
  // Four full packs a lane, whatever their places.
  expect(begun.length - 1).toBe(8)
})

test('a cap holds on the average, for what comes from other regions alone', async () => {
  const { world, carry, begun, untilBegun } = openLoads({ bytesPerSecond: mib })
  const startedMs = world.now().getTime()
  for (let at = 0; at < 10; at++) void carry('abroad')
  for (let at = 0; at < 10; at++) void carry('at home', pack, { crosses: false })
  await untilBegun(20)
  // The first takes what the bucket holds, each one after it waits for what the one before took too much.
  const tookMs = world.now().getTime() - startedMs
  const seconds = (9 * pack) / mib
  expect(tookMs).toBeGreaterThanOrEqual((seconds - 1) * 1000)
  expect(tookMs).toBeLessThanOrEqual((seconds + 1) * 1000)
  expect(begun.filter(({ work }) => work === 'at home')).toHaveLength(10)
})

test('under a cap works still take turns, and what is at home does not wait for it', async () => {
  const frozen = openLoads({ bytesPerSecond: mib })
  frozen.world.sleep = () => new Promise(() => undefined)
  for (const work of ['one', 'two']) void frozen.carry(work)
  void frozen.carry('at home', pack, { crosses: false })
  await turn()
  expect(frozen.begun.map(({ work }) => work)).toEqual(['one', 'at home'])
  const moving = openLoads({ bytesPerSecond: mib })
  for (let at = 0; at < 4; at++) for (const work of ['one', 'two']) void moving.carry(work)
  const order = await moving.untilBegun(8)
  expect(order.slice(0, 4).filter((work) => work === 'one')).toHaveLength(2)
})

test('a load that is told to stop while it waits leaves its place, and a failure gives it on', async () => {
  const { carry, begun, untilBegun } = openLoads()
  const stop = new AbortController()
  void carry('first', 16 * mib)
  const stopped = carry('second', 16 * mib, { until: stop.signal })
  void carry('third', 16 * mib)
  stop.abort(new Error('told to stop'))
  await expect(stopped).rejects.toThrow('told to stop')
  expect(await untilBegun(2)).toEqual(['first', 'third'])
  const link = openLink({ lanes: 1, world: openQuickWorld(), bytesPerSecond: undefined })
  const load = { owner: workOwner('x'), bytes: 16 * mib, crosses: true, to: abroad, signal }
  await expect(link.carry(load, () => Promise.reject(new Error('cut')))).rejects.toThrow('cut')
  expect(await link.carry(load, async () => 'next')).toBe('next')
  expect(begun).toHaveLength(2)
})
