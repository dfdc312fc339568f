import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LogEvent, World } from './base/world.ts'
import { type PackId, workOwner } from './domain/holdings.ts'
import type { SpaceId } from './domain/spaces.ts'
import { makerOf } from './space-making.ts'
import { openSpacePreparation } from './spaces.ts'
import { openSqliteStore } from './store/sqlite.ts'
import { openWorld } from './world.ts'

const space = 'westeurope/Standard_LRS/1' as SpaceId

const alone = { among: undefined }

describe('spaces at the start', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spaces-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('a space that has packs is rid of what a killed process left there, and never made anew', async () => {
    const world = openWorld('error')
    const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
    const place = join(folder, 'space')
    const addressOf = () => ({ kind: 'disk', folder: place }) as const
    const start = async () => {
      const spaces = openSpacePreparation({ ...alone, store, installation: 'i', world, addressOf })
      await spaces.prepareAtStart([space], [])
    }
    await start()
    const pack = { space, pack: 'ab' as PackId, key: 'packs/ab/1', sizeBytes: 1 }
    await store.holdings.intend(workOwner('1'), [pack])
    const left = join(place, 'tmp', '1-0-1-0')
    await writeFile(left, 'half a pack')
    const yesterday = new Date(Date.now() - 24 * 3_600_000)
    await utimes(left, yesterday, yesterday)
    await start()
    expect(await readdir(join(place, 'tmp'))).toEqual([])
    await rm(place, { recursive: true })
    await start()
    expect(existsSync(place)).toBe(false)
    await store.close()
  })

  test('a process that finds a space of another one at another place is refused', async () => {
    const world = openWorld('error')
    const hasty = { ...world, log: () => undefined, sleep: async () => undefined }
    const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
    const start = (folderId: string, place: string, isWorker = true) => {
      const addressOf = () => ({ kind: 'disk', folder: join(folder, place) }) as const
      const among = { folderId, isWorker }
      const parts = { store, installation: 'i', world: hasty, among, addressOf }
      return openSpacePreparation(parts).prepareAtStart([space], [])
    }
    await start('api', 'elsewhere', false)
    await start('one', 'space')
    await start('two', 'space')
    await expect(start('two', 'elsewhere')).rejects.toThrow(/made by another process .*one/)
    expect(existsSync(join(folder, 'elsewhere'))).toBe(false)
    await rm(join(folder, 'space'), { recursive: true })
    await start('one', 'space')
    expect(existsSync(join(folder, 'space'))).toBe(true)
    await store.close()
  })

  test('a space with packs that is another installation’s by now stops the start', async () => {
    const world = openWorld('error')
    const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
    const addressOf = (id: SpaceId) => ({ kind: 'disk', folder: join(folder, id) }) as const
    const start = (installation: string) =>
      openSpacePreparation({ ...alone, store, installation, world, addressOf }).prepareAtStart(
        [space],
        [],
      )
    await start('i')
    const zone = 'westeurope/Standard_ZRS/1/2' as SpaceId
    await store.holdings.intend(workOwner('1'), [
      { space: zone, pack: 'ab' as PackId, key: 'packs/ab/1', sizeBytes: 1 },
    ])
    await start('i')
    await mkdir(join(folder, zone), { recursive: true })
    const another = { format: 1, installation: 'another', space: zone }
    await writeFile(join(folder, zone, 'store.json'), JSON.stringify(another))
    await expect(start('i')).rejects.toThrow(/of installation 'another'.*place of its own/)
    await store.close()
  })

  test('a space that is away does not stop the start, and is made when it comes', async () => {
    const blocked = join(folder, 'blocked')
    await writeFile(blocked, 'not a folder')
    const logged: LogEvent[] = []
    const sleep: World['sleep'] = async (_ms, signal) => {
      signal.throwIfAborted()
      if (logged.length > 2) await rm(blocked, { force: true })
    }
    const world = { ...openWorld('error'), sleep, log: (event: LogEvent) => logged.push(event) }
    const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
    const addressOf = () => ({ kind: 'disk', folder: join(blocked, 'space') }) as const
    const spaces = openSpacePreparation({ ...alone, store, installation: 'i', world, addressOf })
    await spaces.prepareAtStart([space], [])
    await spaces.prepareRest(new AbortController().signal)
    expect(await readFile(join(blocked, 'space', 'store.json'), 'utf8')).toContain(space)
    expect(logged.map(({ event, space }) => [event, space])).toEqual(
      Array.from({ length: 3 }, () => ['space-away', space]),
    )
    await store.close()
  })
})

describe('the id of a store', () => {
  let folder: string
  let store: Awaited<ReturnType<typeof openSqliteStore>>
  const world = { ...openWorld('error'), log: () => undefined }
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spaces-'))
    store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  const open = (place = 'space') => {
    const addressOf = () => ({ kind: 'disk', folder: join(folder, place) }) as const
    return openSpacePreparation({ ...alone, store, installation: 'i', world, addressOf })
  }
  const file = (place = 'space') => join(folder, place, 'store.json')
  const read = async (): Promise<Record<string, string>> =>
    JSON.parse(await readFile(file(), 'utf8'))
  const hasPacks = () =>
    store.holdings.intend(workOwner('1'), [
      { space, pack: 'ab' as PackId, key: 'packs/ab/1', sizeBytes: 1 },
    ])

  test('is made with it and recorded, with its place', async () => {
    await open().prepare(space)
    const { id } = await read()
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(await store.read.spaces.get(space)).toMatchObject({
      storeId: id,
      state: 'here',
      place: join(folder, 'space'),
      mount: expect.stringMatching(/^\//),
    })
    await open().prepare(space)
    expect((await read()).id).toBe(id)
  })

  test('is given to a store of before, which is adopted', async () => {
    await mkdir(join(folder, 'space'), { recursive: true })
    await writeFile(file(), JSON.stringify({ format: 1, installation: 'i', space, later: true }))
    await hasPacks()
    await open().prepare(space)
    const { id } = await read()
    expect(await store.read.spaces.get(space)).toMatchObject({ storeId: id, state: 'here' })
  })

  test('tells an older store of the same space from the one that belongs to it', async () => {
    await open().prepare(space)
    await hasPacks()
    const { id: _, ...owner } = await read()
    for (const stale of [{ ...owner, id: 'before' }, owner]) {
      await writeFile(file(), JSON.stringify(stale))
      await expect(open().prepare(space)).rejects.toThrow(/another store .* vitrine space rebuild/)
      expect(await read()).toEqual(stale)
    }
  })

  test('a space without packs that lay on another mount is not made where that is missing', async () => {
    await open().prepare(space)
    const row = await store.write((rows) => rows.spaces.lock(space))
    await store.write((rows) => rows.spaces.put({ ...row, mount: '/mnt/disk' }))
    await rm(join(folder, 'space'), { recursive: true })
    await expect(open().prepare(space)).rejects.toThrow(/lay on the mount \/mnt\/disk/)
    expect(existsSync(join(folder, 'space'))).toBe(false)
    await store.write((rows) => rows.spaces.put(row))
    await open().prepare(space)
    expect((await read()).id).toBe(row.storeId)
  })

  test('a look tells stores, blobs without one, other files and nothing apart', async () => {
    const look = async () => (await open().look(space)).is
    const place = join(folder, 'space')
    expect(await look()).toBe('empty')
    await mkdir(join(place, 'lost+found'), { recursive: true })
    expect(await look()).toBe('empty')
    await mkdir(join(place, 'packs'))
    expect(await look()).toBe('bare')
    await writeFile(join(place, 'notes.txt'), 'mine')
    expect(await look()).toBe('other')
    await writeFile(join(place, 'store.json'), '{"format": 2}')
    expect(await open().look(space)).toMatchObject({ is: 'store', isOurs: false, place })
    await rm(place, { recursive: true })
    await writeFile(place, 'no folder')
    await expect(look()).rejects.toThrow(/cannot be looked at/)
  })
})

test('of a bucket any process may be the maker, of a folder only its own', () => {
  const bucket = {
    kind: 's3',
    endpoint: 'http://s3.test',
    region: 'us-east-1',
    bucket: 'b',
  } as const
  const address = { ...bucket, prefix: 'p/', pathStyle: true, profile: undefined }
  expect(makerOf(address, 'one')).toBe(makerOf(address, 'two'))
  expect(makerOf(address, 'one')).not.toBe(makerOf({ ...address, bucket: 'c' }, 'one'))
  const disk = { kind: 'disk', folder: '/mnt/space' } as const
  expect(makerOf(disk, 'one')).not.toBe(makerOf(disk, 'two'))
})
