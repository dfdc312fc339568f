import { expect, test } from 'vitest'
import { openMemoryDirectory } from '../../test/support/memory-directory.ts'
import { openSigningKeys } from './signing-keys.ts'

const hourMs = 3_600_000
let nowMs = Date.UTC(2026, 10, 21)
const world = { now: () => new Date(nowMs) }

async function kids(keys: Awaited<ReturnType<typeof openSigningKeys>>) {
  return {
    signs: (await keys.signing()).keys[0]?.kid,
    verify: (await keys.verifying()).keys.map(({ kid }) => kid),
  }
}

test('a new key is published a day before it signs, the old one verifies until its tokens have ended', async () => {
  const { secrets } = openMemoryDirectory()
  const keys = await openSigningKeys(secrets, world)
  const other = await openSigningKeys(secrets, world)
  const first = await kids(keys)
  expect(await keys.rotate(hourMs)).toBe(false)
  expect(first.verify).toEqual([first.signs])
  expect(await keys.rotate(0)).toBe(true)
  expect(await keys.rotate(0)).toBe(false)
  const ahead = await kids(keys)
  expect(ahead.signs).toBe(first.signs)
  expect(ahead.verify).toHaveLength(2)
  // Another process sees it within half a minute, or at once when it meets a key that it does not know.
  expect((await kids(other)).verify).toHaveLength(1)
  nowMs += 1_000
  expect((await other.verifying(ahead.verify[1])).keys).toHaveLength(2)
  nowMs += 24 * hourMs
  const turned = await kids(other)
  expect(turned.signs).toBe(ahead.verify[1])
  expect(turned.verify).toContain(first.signs)
  nowMs += 2 * hourMs
  expect((await kids(keys)).verify).toEqual([turned.signs])
  expect(await keys.rotate(0)).toBe(true)
  expect((await kids(keys)).verify).toHaveLength(2)
})

test('a key that leaked is replaced at once, with all that were to come, by every process', async () => {
  const { secrets } = openMemoryDirectory()
  const keys = await openSigningKeys(secrets, world)
  const other = await openSigningKeys(secrets, world)
  await keys.rotate(0)
  const before = await kids(keys)
  await keys.replace()
  const after = await kids(keys)
  expect(after.verify).toEqual([after.signs])
  expect(before.verify).not.toContain(after.signs)
  nowMs += 30_000
  expect(await kids(other)).toEqual(after)
  expect(await kids(await openSigningKeys(secrets, world))).toEqual(after)
})

test('of processes that rotate at once one key comes of it', async () => {
  const { secrets } = openMemoryDirectory()
  const all = await Promise.all([1, 2, 3].map(() => openSigningKeys(secrets, world)))
  const rotated = await Promise.all(all.map((keys) => keys.rotate(0)))
  expect(rotated.filter(Boolean)).toHaveLength(1)
  for (const keys of all) expect((await kids(keys)).verify).toHaveLength(2)
})

test('a key id that somebody made up makes the rows be read once a second, not each time', async () => {
  const { secrets } = openMemoryDirectory()
  let reads = 0
  const counted = {
    ...secrets,
    get: (name: string) => {
      reads += 1
      return secrets.get(name)
    },
  }
  const keys = await openSigningKeys(counted, world)
  nowMs += 1_000
  reads = 0
  for (let at = 0; at < 50; at++) await keys.verifying(`made-up-${at}`)
  expect(reads).toBe(1)
})
