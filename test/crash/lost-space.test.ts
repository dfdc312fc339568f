import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { mendRootRequest, rebuildRequest } from '../../src/domain/health-work.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { diskId, versionId } from '../support/as-owner.ts'
import { type Engine, openClock, openEngine, spaceFolder } from '../support/engine.ts'
import { keepBeginning } from '../support/engine-database.ts'
import { damagePacks, packsBelow } from '../support/faulty-blobs.ts'
import { Died } from '../support/life.ts'
import { expectSoundAtRest } from '../support/soundness.ts'
import { diskOf } from '../support/stories.ts'

const home = 'westeurope/Standard_LRS/1' as SpaceId
const second = 'westeurope/Standard_LRS/2' as SpaceId
const zone = 'eastus/Standard_ZRS/1/2' as SpaceId
const one = diskOf(1)
const two = diskOf(2)
const inWest = {
  name: 'westeurope',
  regionalReplicaCount: 2,
  storageAccountType: 'Standard_LRS',
} as const
const inEast = { name: 'eastus', storageAccountType: 'Standard_ZRS' } as const

/** On PostgreSQL a life takes several times as long. */
const everyNth = inject('database') === 'postgres' ? 7 : 1

const clock = openClock()
let place: string
let folder: string
let engine: Engine

beforeEach(async () => {
  place = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vitrine-lost-'))
  folder = join(place, 'data')
  engine = await openEngine(folder, { clock, atOnce: 2 })
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.publish('1.0.0', 'one', [inWest, inEast])
})
afterEach(async () => {
  await engine.close()
  await rm(place, { recursive: true })
})

async function rebuild(space: SpaceId): Promise<void> {
  await ask([rebuildRequest(space)])
  await engine.quiet()
}

async function ask(requests: Parameters<Engine['rows']['read']['work']['request']>[0]) {
  const nowMs = await engine.rows.nowMs()
  await engine.rows.write((rows) => rows.work.request(requests, nowMs))
}

const lose = (space: SpaceId) => rm(spaceFolder(folder, space), { recursive: true })
const stateOf = async (space: SpaceId) => (await engine.rows.read.spaces.get(space))?.state
const storeIdIn = async (space: SpaceId): Promise<string> =>
  JSON.parse(await readFile(join(spaceFolder(folder, space), 'store.json'), 'utf8')).id

describe('B18 a space that was lost', () => {
  it.each([second, zone])('%s is made anew with all that lay there', async (space) => {
    const before = await storeIdIn(space)
    await lose(space)
    await rebuild(space)
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one], [versionId('1.0.0')]: [one] })
    const row = await engine.rows.read.spaces.get(space)
    expect(row).toMatchObject({ state: 'here', storeId: await storeIdIn(space) })
    expect(row?.storeId).not.toBe(before)
    const sums = await engine.rows.read.health.ofSpace(space)
    expect(sums).toMatchObject({ packs: 1, found: 1, left: 0, lost: 0 })
  })

  it('is filled from packs that are packed otherwise elsewhere', async () => {
    // The second version shares chunks with the first, so each region packs what it lacks in its own way.
    await engine.upload('two', two)
    await engine.publish('1.0.1', 'two', [inWest])
    await engine.removed(versionId('1.0.0'))
    await engine.removed(diskId('one'))
    await engine.publish('1.0.1', 'two', [{ ...inWest, regionalReplicaCount: 1 }, inEast])
    await engine.removed(diskId('two'))
    await engine.sweep()
    await lose(home)
    await rebuild(home)
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.1')]: [two] })
  })

  it('and lay there alone says what is gone, and is filled with the rest', async () => {
    await engine.upload('two', two)
    await lose(home)
    await rebuild(home)
    const { health } = engine.rows.read
    expect(await health.losersIn(home, 10)).toEqual([diskId('two').toLowerCase()])
    const lost = await health.lostOf(diskId('two').toLowerCase(), 100)
    expect(lost).toMatchObject([{ space: home, kind: 3, offsetBytes: 0 }])
    expect(await health.lostOf(versionId('1.0.0').toLowerCase(), 100)).toEqual([])
    expect(await stateOf(home)).toBe('here')
    const events = engine.logged.filter(({ event }) => event === 'space-rebuilt')
    expect(events).toMatchObject([{ space: home, lost: [diskId('two').toLowerCase()] }])
    // Without what is lost, all is as it should be.
    await engine.removed(diskId('two'))
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one], [versionId('1.0.0')]: [one] })
  })

  it('while versions are published and deleted is filled all the same', async () => {
    await engine.upload('two', two)
    await lose(second)
    await ask([rebuildRequest(second)])
    await engine.askVersion('1.0.1', 'two', [inWest, inEast])
    await engine.removed(versionId('1.0.0'))
    await engine.quiet()
    await engine.sweep()
    await expectSoundAtRest(engine, {
      [diskId('one')]: [one],
      [diskId('two')]: [two],
      [versionId('1.0.1')]: [two],
    })
  })

  it('keeps what is good of a place that lost its store.json and some packs', async () => {
    const path = spaceFolder(folder, second)
    await rm(join(path, 'store.json'))
    await rm(join(path, 'roots'), { recursive: true })
    await damagePacks(path)
    await rebuild(second)
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one], [versionId('1.0.0')]: [one] })
  })

  it('is not made where other files lie', async () => {
    await lose(second)
    const path = spaceFolder(folder, second)
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'thesis.txt'), 'years of work')
    await rebuild(second)
    expect(existsSync(join(path, 'store.json'))).toBe(false)
    const row = await engine.rows.read.spaces.get(second)
    expect(row?.why).toMatch(/files that are none of this space's/)
  })
})

describe('B18 a root', () => {
  const rootOf = async () => {
    const roots = await engine.rows.read.placements.rootsOf(versionId('1.0.0').toLowerCase())
    const root = roots.find(({ space }) => space === second)
    if (!root) throw new Error('the version has a root there')
    return { ...root, path: join(spaceFolder(folder, second), root.root) }
  }

  it('that was removed is written again, with all it takes to read it alone', async () => {
    const { root, path } = await rootOf()
    const before = JSON.parse(await readFile(path, 'utf8'))
    await rm(path)
    await ask([mendRootRequest({ space: second, root, keeper: versionId('1.0.0').toLowerCase() })])
    await engine.quiet()
    const after = JSON.parse(await readFile(path, 'utf8'))
    expect(after).toMatchObject({ keeper: before.keeper, disks: before.disks })
    expect(after.documents.map(({ type }: { type: string }) => type)).toEqual([
      'Microsoft.Resources/resourceGroups',
      'Microsoft.Compute/galleries',
      'Microsoft.Compute/galleries/images',
      'Microsoft.Compute/galleries/images/versions',
    ])
  })

  it('of a version that is deleted meanwhile does not come back', async () => {
    const { root, path } = await rootOf()
    const keeper = versionId('1.0.0').toLowerCase()
    await engine.removed(versionId('1.0.0'))
    await ask([mendRootRequest({ space: second, root, keeper })])
    await engine.quiet()
    expect(existsSync(path)).toBe(false)
    expect(await packsBelow(spaceFolder(folder, second))).not.toEqual([])
  })
})

it('B18 a rebuild that dies at any instant and is started again ends where it would have', async () => {
  await engine.upload('two', two)
  await lose(second)
  await lose(home)
  await ask([rebuildRequest(second), rebuildRequest(home)])
  // The disk that lay in one space alone is lost: told, not mended.
  await engine.close()
  const beginAgain = await keepBeginning(folder)
  const startMs = clock.nowMs
  const contents = { [diskId('one')]: [one], [versionId('1.0.0')]: [one] }

  async function live(run: string, call: number): Promise<readonly string[]> {
    const time = { nowMs: startMs }
    const death = { call, when: 'after' } as const
    const dying = await openEngine(run, { clock: time, death })
    await dying.quiet().catch((error: unknown) => {
      if (!(error instanceof Died)) throw error
    })
    const names = [...dying.life.names()]
    await dying.close()
    engine = await openEngine(run, { clock: time })
    await engine.quiet()
    expect(await engine.rows.read.health.losersIn(home, 9)).toEqual([diskId('two').toLowerCase()])
    await engine.removed(diskId('two'))
    await engine.sweep()
    await expectSoundAtRest(engine, contents)
    await engine.close()
    return names
  }

  const names = await live(await again('whole'), Number.POSITIVE_INFINITY)
  expect(names.length).toBeGreaterThan(30)
  for (let call = 1; call <= names.length; call += everyNth) {
    const what = `died after change ${call} of ${names.length}: ${names[call - 1]}`
    await live(await again(`run-${call}`), call).catch((error: unknown) => {
      throw new Error(what, { cause: error })
    })
  }
  engine = await openEngine(await again('last'), { clock })

  async function again(name: string): Promise<string> {
    const run = join(place, name)
    await beginAgain(run)
    return run
  }
})
