import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SpaceFull } from '../../src/domain/errors.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { compactSpace } from '../../src/work/compact.ts'
import { diskId, versionId } from '../support/as-owner.ts'
import { type Engine, openEngine } from '../support/engine.ts'
import { openTrouble } from '../support/faulty-blobs.ts'
import { noise } from '../support/noise.ts'
import { expectSoundAtRest } from '../support/soundness.ts'

const mib = 1024 * 1024
const zone = 'eastus/Standard_ZRS/1/2' as SpaceId
const inZones = { name: 'eastus', storageAccountType: 'Standard_ZRS' } as const
const inWest = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const

/** Seven eighths of the first are its own; the second and the third have the rest, each besides something new. */
const first = noise(1, 8 * mib)
const second = Buffer.concat([first.subarray(0, mib), noise(2, mib)])
const third = Buffer.concat([noise(3, mib), first.subarray(0, mib)])

let folder: string
let engine: Engine
let trouble: ReturnType<typeof openTrouble>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-compaction-'))
  trouble = openTrouble()
  engine = await openEngine(folder, { faulty: trouble.faulty })
  await engine.makeDefinition()
  for (const [at, bytes] of [first, second, third].entries()) {
    await engine.upload(`disk-${at}`, Uint8Array.from(bytes))
    await engine.publish(`1.0.${at}`, `disk-${at}`, [inWest, inZones])
  }
  await engine.removed(versionId('1.0.0'))
  await engine.removed(diskId('disk-0'))
  await engine.sweep()
}, 240_000)
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const contents = {
  [versionId('1.0.1')]: [second],
  [versionId('1.0.2')]: [third],
  [diskId('disk-1')]: [second],
  [diskId('disk-2')]: [third],
}

function compact(): Promise<number> {
  const { signal } = new AbortController()
  // A number that no work of the engine reaches.
  return compactSpace(
    engine.ports,
    { row: { id: '1000000' }, signal, write: engine.store.write },
    zone,
  )
}

async function storedBytes(): Promise<number> {
  const [row] = await engine.tables.all(
    `select sum(size_bytes) as bytes from holdings where space = '${zone}'`,
  )
  return Number(row?.bytes)
}

it('what is left of packs that versions let go of is written anew, and the rest is freed', async () => {
  expect(await storedBytes()).toBeGreaterThan(9.9 * mib)
  expect(await compact()).toBeGreaterThan(0)
  await engine.sweep()
  expect(await storedBytes()).toBeLessThan(3.1 * mib)
  await expectSoundAtRest(engine, contents)
  expect(engine.logged.filter(({ event }) => event === 'space-compacted')).toMatchObject([
    { space: zone, packs: 1 },
  ])
  // Looked at once, until something is let go of again.
  expect(await compact()).toBe(0)
})

it('what an image lets go of while its pack is looked at is looked at again', async () => {
  const { store } = engine.ports
  let isFirst = true
  const { signal } = new AbortController()
  // After it was found what is thin, and before that is noted.
  const write: typeof store.write = async (act) => {
    if (isFirst) {
      isFirst = false
      await engine.removed(versionId('1.0.2'))
    }
    return await store.write(act)
  }
  const running = { row: { id: '1000000' }, signal, write }
  expect(await compactSpace(engine.ports, running, zone)).toBeGreaterThan(0)
  expect((await store.holdings.thinned(zone, 10)).length).toBeGreaterThan(0)
})

it('a space without room stays as it is, and is compacted once there is some', async () => {
  trouble.leaveRoom(zone, 1024)
  await expect(compact()).rejects.toThrow(SpaceFull)
  await engine.sweep()
  await expectSoundAtRest(engine, contents)
  trouble.makeRoom(zone)
  expect(await compact()).toBeGreaterThan(0)
  await engine.sweep()
  expect(await storedBytes()).toBeLessThan(3.1 * mib)
  await expectSoundAtRest(engine, contents)
})
