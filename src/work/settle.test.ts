import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { inserting, operationRow, replicaRow, topRow } from '../../test/support/store-rows.ts'
import { openRegions, type RegionName } from '../domain/regions.ts'
import type { ReplicaRow, ResourceRow } from '../domain/rows.ts'
import type { Settings } from '../resources/declaration.ts'
import { openPostgresStore } from '../store/postgres.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { Store } from '../store/store.ts'
import { settleVersion } from './settle.ts'

const names = ['westeurope', 'eastus', 'westus'] as const
const settings: Settings = {
  regions: openRegions(
    names.map((name) => ({ name: name as RegionName, displayName: name, zones: [] })),
  ),
  quotas: {
    galleriesPerRegion: 1,
    definitionsPerRegion: 1,
    versionsPerRegion: 1,
    replicasPerRegion: 10,
    diskBytesMax: 1024,
  },
  compatibility: { galleryNames: 'strict', endOfLife: 'enforce' },
  imports: { hosts: [] },
}
const world = {
  now: () => new Date(1_000_000),
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

const opened: Store[] = []
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

async function open(kind: 'SQLite' | 'PostgreSQL'): Promise<Store> {
  const store =
    kind === 'SQLite'
      ? await openSqliteStore({ path: ':memory:', world })
      : await openPostgresStore({ url: await freshDatabase(), poolMax: 10, world })
  opened.push(store)
  return store
}

/** A version of generation 2 that is being updated, and wants these regions. */
function versionIn(regions: readonly string[], name = 'v'): ResourceRow {
  const targetRegions = regions.map((region) => ({ name: region }))
  return topRow(name, {
    state: 'Updating',
    generation: 2,
    doc: { location: 'westeurope', properties: { publishingProfile: { targetRegions } } },
  })
}

type Replica = Partial<ReplicaRow> & { readonly region: string }

async function make(store: Store, version: ResourceRow, replicas: readonly Replica[]) {
  const operation = operationRow({ id: `o-${version.name}`, key: version.key, generation: 2 })
  await store.commit(inserting(version, { operation }))
  await store.write(async (rows) => {
    for (const { region, ...rest } of replicas) {
      await rows.replicas.put(replicaRow(version.key, region, { generation: 2, ...rest }))
    }
  })
}

/** What `settleVersion` makes of it: state, and how its operation ended. */
async function settled(store: Store, regions: readonly string[], replicas: readonly Replica[]) {
  const version = versionIn(regions)
  await make(store, version, replicas)
  await store.write((rows) => settleVersion(rows, version.key, settings, 5))
  return await ending(store, version)
}

async function ending(store: Store, { key, name }: ResourceRow) {
  const { state } = (await store.read.resources.get(key)) ?? {}
  const { status, error } = (await store.read.operations.get(`o-${name}`)) ?? {}
  return { state, status, message: error?.message }
}

const done = { state: 'Completed' } as const

describe('a version is settled', () => {
  it('when every region has reached its generation', async () => {
    const replicas = [
      { region: 'westeurope', ...done },
      { region: 'eastus', ...done },
    ]
    const store = await open('SQLite')
    expect(await settled(store, ['westeurope', 'eastus'], replicas)).toMatchObject({
      state: 'Succeeded',
      status: 'Succeeded',
    })
  })

  it.each<[string, readonly Replica[]]>([
    ['one region is still replicating', [{ region: 'westeurope', ...done }, { region: 'eastus' }]],
    ['one region has no row yet', [{ region: 'westeurope', ...done }]],
    [
      'one region has reached an older generation only',
      [
        { region: 'westeurope', ...done },
        { region: 'eastus', ...done, generation: 1 },
      ],
    ],
    [
      'one region is still on its way out',
      [
        { region: 'westeurope', ...done },
        { region: 'eastus', ...done },
        { region: 'westus', ...done },
      ],
    ],
  ])('not while %s', async (_why, replicas) => {
    const store = await open('SQLite')
    expect(await settled(store, ['westeurope', 'eastus'], replicas)).toMatchObject({
      state: 'Updating',
      status: 'InProgress',
    })
  })

  it('as failed when all have ended and some of them badly, each with its reason', async () => {
    const replicas = [
      { region: 'westeurope', ...done },
      { region: 'eastus', state: 'Failed', reason: 'no room' } as const,
    ]
    const store = await open('SQLite')
    expect(await settled(store, ['westeurope', 'eastus'], replicas)).toEqual({
      state: 'Failed',
      status: 'Failed',
      message: expect.stringContaining('{region:eastus, detail:no room}'),
    })
  })

  it('never once it is being deleted', async () => {
    const store = await open('SQLite')
    const version = { ...versionIn(['westeurope']), state: 'Deleting' } as const
    await make(store, version, [{ region: 'westeurope', ...done }])
    await store.write((rows) => settleVersion(rows, version.key, settings, 5))
    expect((await ending(store, version)).state).toBe('Deleting')
  })
})

/** Invariant: `settleVersion` locks the version's row before it looks at the regions. */
it.each(['SQLite', 'PostgreSQL'] as const)(
  'regions that finish at the same time never leave a version in Updating (%s)',
  async (kind) => {
    const store = await open(kind)
    const versions = Array.from({ length: 30 }, (_, index) => versionIn(names, `v${index}`))
    for (const version of versions) {
      await make(
        store,
        version,
        names.map((region) => ({ region })),
      )
      // SQLite has one writer at a time; elsewhere each has written its own end before any of them looks.
      const meet = kind === 'SQLite' ? async () => undefined : meeting(names.length)
      await Promise.all(
        names.map((region) =>
          store.write(async (rows) => {
            await rows.replicas.put(replicaRow(version.key, region, { ...done, generation: 2 }))
            await meet()
            await settleVersion(rows, version.key, settings, 5)
          }),
        ),
      )
    }
    const endings = await Promise.all(versions.map((version) => ending(store, version)))
    expect(endings.filter(({ state }) => state !== 'Succeeded')).toEqual([])
  },
)

/** Lets nobody on until that many have come. */
function meeting(count: number): () => Promise<void> {
  const complete = Promise.withResolvers<void>()
  let come = 0
  return async () => {
    come += 1
    if (come >= count) complete.resolve()
    await complete.promise
  }
}
