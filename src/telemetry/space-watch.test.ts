import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openDiskBlobs } from '../blobs/disk.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { openSpaceWatch } from './space-watch.ts'

const [one, other] = ['westeurope/Standard_LRS/1' as SpaceId, 'eastus/Standard_LRS/1' as SpaceId]
let folder = ''
let nowMs = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-space-'))
  await writeFile(join(folder, 'store.json'), '{}')
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const world = { now: () => new Date(nowMs) }
const addressOf = () => ({ kind: 'disk', folder }) as const

it('a space is there as long as its store.json is, with the room of its file system', async () => {
  const spaces = async () => [one]
  const watch = openSpaceWatch({ spaces, addressOf, blobsOf: () => openDiskBlobs(folder), world })
  const [found] = await watch.look()
  expect(found).toMatchObject({ space: one, isThere: true })
  expect(found?.room?.freeBytes).toBeGreaterThan(0)
  expect(found?.room?.sizeBytes).toBeGreaterThanOrEqual(found?.room?.freeBytes ?? 0)
  await rm(join(folder, 'store.json'))
  expect((await watch.look())[0]?.isThere).toBe(true)
  nowMs += 5_000
  expect(await watch.look()).toEqual([{ space: one, isThere: false, room: undefined }])
})

it('a space that hangs is away, holds up no other, and is asked once however often one looks', async () => {
  let asked = 0
  const hung = Promise.withResolvers<number | undefined>()
  const blobsOf = (space: SpaceId) => {
    const blobs = openDiskBlobs(folder)
    if (space === one) return blobs
    return {
      ...blobs,
      size: () => {
        asked += 1
        return hung.promise
      },
    }
  }
  const watch = openSpaceWatch({ spaces: async () => [one, other], addressOf, blobsOf, world })
  for (let times = 0; times < 2; times++) {
    nowMs += 10_000
    const found = await watch.look()
    expect(found.find(({ space }) => space === one)?.isThere).toBe(true)
    expect(found.find(({ space }) => space === other)?.isThere).toBe(false)
  }
  expect(asked).toBe(1)
  hung.resolve(undefined)
  await hung.promise
  nowMs += 10_000
  await vi.waitFor(async () => {
    nowMs += 10_000
    expect((await watch.look()).every(({ isThere }) => isThere)).toBe(true)
  })
})

it('a database that is away is asked again at the next look', async () => {
  const database: { isAway: boolean } = { isAway: true }
  const spaces = async () => {
    if (database.isAway) throw new Error('away')
    return [one]
  }
  const watch = openSpaceWatch({ spaces, addressOf, blobsOf: () => openDiskBlobs(folder), world })
  await expect(watch.look()).rejects.toThrow('away')
  database.isAway = false
  expect(await watch.look()).toHaveLength(1)
})
