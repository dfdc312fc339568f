import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { openBlobs } from '../../src/blobs/open-blobs.ts'
import { openChunkIndex } from '../../src/chunks/chunk-index.ts'
import { openLanes } from '../../src/chunks/lanes.ts'
import { readConfig, settingsOf } from '../../src/config.ts'
import type { Digest } from '../../src/domain/digest.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { openPlane, type Plane } from '../../src/regions/plane.ts'
import { readImage } from '../../src/regions/read-image.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { contentOf } from '../../src/resources/content.ts'
import { spaceAddress } from '../../src/space-address.ts'
import { openPostgresStore } from '../../src/store/postgres.ts'
import type { Store } from '../../src/store/store.ts'
import { openWorld } from '../../src/world.ts'
import { openPostgresTables, type Tables } from '../support/engine-database.ts'
import { recurringWork } from '../support/recurring-work.ts'
import { blobsByRows, expectExactCounters } from '../support/soundness.ts'
import { type Actor, gallery, group, type Known } from './actor.ts'
import { diskContent } from './disk-content.ts'
import type { Site } from './site.ts'

const signal = new AbortController().signal
/** Until work that waits a minute for its next try has ended. */
const settledMs = 240_000
const sweptMs = 120_000

/**
 * After the last fault: all that was asked is done, all that anybody was told is there and nothing else, every replica reads
 * by itself and from its region, byte for byte, counters are exact, and every blob has its row.
 */
export async function expectWhole(site: Site, actors: readonly Actor[]): Promise<void> {
  const tables = openPostgresTables(site.direct.databaseUrl)
  const config = await readConfig(undefined, site.direct.config)
  const world = openWorld('error')
  const store = await openPostgresStore({ url: site.direct.databaseUrl, poolMax: 4, world })
  const lanes = openLanes({ count: 1 })
  const index = openChunkIndex(':memory:')
  try {
    await expectSettled(tables)
    await expectNothingOfOurs(tables)
    const known = actors.map((actor) => actor.known())
    await expectResources(tables, known)
    await expectReplicas(tables, known)
    await expectExactCounters({ tables, settings: settingsOf(config) })
    const addressOf = (space: SpaceId) => spaceAddress(config, space)
    const plane = openPlane({
      rows: store.holdings,
      uploads: store.uploads,
      addressOf,
      openBlobs,
      lanes,
      index,
      world,
      askRepair: async () => false,
    })
    await expectBytes(plane, store, { tables, known })
    await Promise.all(actors.map(expectDownloads))
    await expectSettled(tables)
    await expectSwept(plane, store, tables)
  } finally {
    await lanes.close()
    index.close()
    await store.close()
    await tables.close()
  }
}

/** No work but the duties, which never end, and no operation that goes on. */
async function expectSettled(tables: Tables): Promise<void> {
  const unfinished = () =>
    tables.all(
      `select kind, subject, step, attempts from work where kind not in (${recurringWork})`,
    )
  await expect.poll(unfinished, { timeout: settledMs, interval: 500 }).toEqual([])
  expect(await tables.all('select id, key from operations where ended_ms is null')).toEqual([])
}

/** What failed failed by the world, and was told so. */
async function expectNothingOfOurs(tables: Tables): Promise<void> {
  const ours = `select key, error from operations where error like '%InternalServerError%'`
  expect(await tables.all(ours)).toEqual([])
}

async function expectResources(tables: Tables, known: readonly Known[]): Promise<void> {
  const names = known.flatMap(({ definition, versions, disks }) => [
    definition,
    ...[...versions.keys()].map((version) => `${definition}/versions/${version}`),
    ...disks.keys(),
  ])
  const rows = await tables.all('select key, state from resources')
  expect(rows.filter(({ state }) => state !== 'Succeeded')).toEqual([])
  const there = rows.map(({ key }) =>
    String(key)
      .split(/\/(?:disks|images|galleries)\//)
      .at(-1),
  )
  const expected = [...names, gallery].map((name) => name.toLowerCase())
  const isGroup = (name: string | undefined) => name?.endsWith(`/resourcegroups/${group}`)
  expect(there.filter((name) => !isGroup(name)).sort()).toEqual(expected.sort())
}

/** Each version in the regions that were asked for last, whole; and no other replica. */
async function expectReplicas(tables: Tables, known: readonly Known[]): Promise<void> {
  const rows = await tables.all('select version_key, region, state, usable from replicas')
  const found = rows.map(({ version_key, region, state, usable }) =>
    [String(version_key).split('/images/').at(-1), region, state, usable].join(' '),
  )
  const wanted = known.flatMap(({ definition, versions }) =>
    [...versions].flatMap(([version, { regions }]) =>
      regions.map(({ name }) => `${definition}/versions/${version} ${name} Completed 1`),
    ),
  )
  expect(found.sort()).toEqual(wanted.sort())
}

type Asked = { readonly tables: Tables; readonly known: readonly Known[] }

/** Every image in each of its spaces by itself, chunk by chunk, and the bytes of every version as they were uploaded. */
async function expectBytes(plane: Plane, store: Store, { tables, known }: Asked): Promise<void> {
  const placed = await tables.all(
    'select distinct space, image from owners where image is not null',
  )
  for (const { space, image } of placed) {
    const where = { image: image as Digest, space: space as SpaceId }
    expect((await verifyImage(plane, { ...where, signal })).damaged).toEqual([])
  }
  const rows = await tables.all(`select key from resources where key like '%/versions/%'`)
  const keys = rows.map(({ key }) => String(key))
  for (const { definition, versions } of known) {
    for (const [version, { content, regions }] of versions) {
      const end = `/images/${definition}/versions/${version}`.toLowerCase()
      const key = keys.find((each) => each.endsWith(end)) ?? ''
      const [held] = contentOf((await store.read.resources.get(key))?.status ?? {})
      const image = held?.image as Digest
      const places = (await store.read.placements.ofKeepers([key])).map(({ space }) => space)
      expect(places, end).toHaveLength(spacesOf(regions))
      const bytes = diskContent(content)
      for (const space of places) {
        const where = { image, spaces: [space], offsetBytes: 0, lengthBytes: bytes.length }
        const read = await readImage(plane, { ...where, signal })
        expect(Buffer.compare(read, bytes), `${end} in ${space}`).toBe(0)
      }
    }
  }
}

/** Three zones a zone redundant replica. */
function spacesOf(
  regions: readonly { storageAccountType: string; regionalReplicaCount: number }[],
): number {
  const counts = regions.map(({ storageAccountType, regionalReplicaCount }) =>
    storageAccountType === 'Standard_ZRS' ? 3 * regionalReplicaCount : regionalReplicaCount,
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** As a client gets them, from every region. */
async function expectDownloads(actor: Actor): Promise<void> {
  for (const [version, { content, regions }] of actor.known().versions) {
    for (const { name } of regions) await actor.readFrom(version, content, name)
  }
}

/** Once the sweeps have passed there is no pack without owners, and no blob that no row names. */
async function expectSwept(plane: Plane, store: Store, tables: Tables): Promise<void> {
  const unreferenced = `select space, key, state from holdings
    where state <> 'live' or id not in (select holding_id from refs)`
  const look = () => tables.all(unreferenced)
  await expect.poll(look, { timeout: sweptMs, interval: 1_000 }).toEqual([])
  expect(await tables.all('select name from owners where image is null')).toEqual([])
  // What was deleted a moment ago may be on its way.
  for (let looks = 0; looks < 20; looks++) {
    if ((await strayBlobs(plane, store, tables)).length === 0) return
    await sleep(1_000)
  }
  expect(await strayBlobs(plane, store, tables)).toEqual([])
}

/** Those that only a space has, or only the rows. */
async function strayBlobs(plane: Plane, store: Store, tables: Tables): Promise<string[]> {
  const there = new Set<string>()
  for (const space of await store.holdings.spaces()) {
    for await (const key of plane.blobsOf(space).list('', signal)) there.add(`${space}/${key}`)
  }
  return [...there.symmetricDifference(await blobsByRows(tables))]
}
