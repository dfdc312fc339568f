import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Digest } from '../../src/domain/digest.ts'
import { parseResourceId } from '../../src/domain/resource-id.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { countsOf } from '../../src/providers/counts.ts'
import { readImage, readManifest } from '../../src/regions/read-image.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { contentOf } from '../../src/resources/content.ts'
import type { ArmDocument } from '../../src/resources/declaration.ts'
import { findType } from '../../src/resources/types.ts'
import { type Engine, spaceFolder } from './engine.ts'
import type { Tables } from './engine-database.ts'
import { expectLedger } from './ledger-soundness.ts'

/** The disks of a resource by its id, the OS disk first. */
export type Contents = Readonly<Record<string, readonly Uint8Array[]>>

/** What an installation comes to, without ids, times and the numbers of attempts: two that end alike are equal. */
export async function outcomeOf({ tables }: Engine) {
  const resources = await tables.all('select key, state, doc, status from resources order by key')
  return {
    resources: resources.map(shown),
    replicas: await tables.all(
      `select version_key, region, state, usable, phase, reason, bytes_done = bytes_total as whole
       from replicas order by version_key, region`,
    ),
    placements: await tables.all(
      `select keeper, space, image, root is not null as rooted
       from placements join owners on owners.id = owner_id order by keeper, space, image`,
    ),
    claims: await tables.all('select name, holder from claims order by name'),
    counters: await tables.all(
      'select scope, name, value from counters where value <> 0 order by 1, 2',
    ),
    // A request that was asked again after a death may have preempted itself: cancelled ones are not compared.
    failures: await tables.all(
      `select distinct error from operations where status = 'Failed' order by 1`,
    ),
    grants: await tables.all('select key, access from sas order by key, access'),
  }
}

function shown({ key, state, doc, status }: Readonly<Record<string, unknown>>) {
  const { disks, diskState, strayRoots } = JSON.parse(String(status))
  return { key, state, doc: JSON.parse(String(doc)), disks, diskState, strayRoots }
}

/**
 * What holds at every instant, also between death and restart: what is not final has work, and rows name only what is
 * durable.
 */
export async function expectSoundAtDeath({ folder, tables }: Engine): Promise<void> {
  expect(await unserved(tables)).toEqual([])
  await expectLedger(tables)
  for (const { space, key, size_bytes } of await liveHoldings(tables)) {
    const { size } = await stat(join(spaceFolder(folder, space as SpaceId), String(key)))
    expect(size).toBe(size_bytes)
  }
  for (const { state, space, root } of await recordedRoots(tables)) {
    const found = await stat(join(spaceFolder(folder, space as SpaceId), String(root))).catch(
      () => undefined,
    )
    // A root goes before its row: only of what is on its way out or being changed.
    if (isFinal(state)) expect(found, `the root ${root} of ${space}`).toBeDefined()
  }
}

/** What holds when all is done and swept: nothing waits, nothing is lost, nothing is left over, all of it reads. */
export async function expectSoundAtRest(engine: Engine, contents: Contents): Promise<void> {
  const { tables } = engine
  expect(await tables.all('select kind, subject, step from work')).toEqual([])
  expect(await tables.all('select id, key from operations where ended_ms is null')).toEqual([])
  const states = await tables.all('select key, state from resources')
  expect(states.filter((row) => !isFinal(row.state))).toEqual([])
  await expectExactCounters(engine)
  await expectLedger(tables)
  expect(await tables.all('select reader, upload from blob_readers')).toEqual([])
  expect(await tables.all('select name from owners where image is null')).toEqual([])
  const unreferenced = `select space, key, state from holdings
    where state <> 'live' or id not in (select holding_id from refs)`
  expect(await tables.all(unreferenced)).toEqual([])
  expect(await blobsOnDisk(engine.folder)).toEqual(await blobsByRows(tables))
  await expectReadable(engine, contents)
}

async function unserved(tables: Tables): Promise<unknown[]> {
  const work = (await tables.all('select key from work')).map(({ key }) => String(key))
  const isServed = (key: unknown) =>
    work.some((served) => served === key || String(key).startsWith(`${served}/`))
  const resources = await tables.all('select key, state from resources where deleted_ms is null')
  const operations = await tables.all('select id, key from operations where ended_ms is null')
  return [
    ...resources.filter(({ key, state }) => !isFinal(state) && !isServed(key)),
    ...operations.filter(({ key }) => !isServed(key)),
  ]
}

const isFinal = (state: unknown): boolean =>
  state === 'Succeeded' || state === 'Failed' || state === 'Canceled'

function liveHoldings(tables: Tables) {
  return tables.all(`select space, key, size_bytes from holdings where state = 'live'`)
}

function recordedRoots(tables: Tables) {
  return tables.all(
    `select state, space, root from placements join owners on owners.id = owner_id
     join resources on resources.key = keeper where root is not null`,
  )
}

type Counts = Readonly<Record<string, number>>

type Counted = Pick<Engine, 'tables' | 'settings'>

/** Each quota's counter is what a count of the resources gives. */
export async function expectExactCounters(counted: Counted): Promise<void> {
  expect(await countersOf(counted)).toEqual(await recount(counted))
}

async function countersOf({ tables }: Counted): Promise<Counts> {
  // Who may what counts its changes there as well.
  const rows = await tables.all(
    `select scope, name, value from counters where value <> 0 and scope <> 'directory'`,
  )
  return Object.fromEntries(
    rows.map(({ scope, name, value }) => [`${scope} ${name}`, Number(value)]),
  )
}

/** The counters as the resources that exist make them. */
async function recount({ tables, settings }: Counted): Promise<Counts> {
  const counts: Record<string, number> = {}
  for (const { id, type, doc } of await tables.all('select id, type, doc from resources')) {
    const known = findType(String(type))
    const parsed = parseResourceId(String(id))
    if (!known || !parsed) continue
    const next: ArmDocument = JSON.parse(String(doc))
    for (const { scope, name, by } of countsOf(known, parsed, undefined, next, settings)) {
      counts[`${scope} ${name}`] = (counts[`${scope} ${name}`] ?? 0) + by
    }
  }
  return counts
}

/** Every blob that a row names, as a path below `spaces`. */
export async function blobsByRows(tables: Tables): Promise<ReadonlySet<string>> {
  const packs = await tables.all('select space, key from holdings')
  const roots = (await recordedRoots(tables)).map(({ space, root }) => ({ space, key: root }))
  const pages = await tables.all('select key from upload_pages where key is not null')
  return new Set([
    ...[...packs, ...roots].map(({ space, key }) => `${space}/${key}`),
    ...pages.map(({ key }) => `westeurope/Standard_LRS/1/${key}`),
  ])
}

export async function blobsOnDisk(folder: string): Promise<ReadonlySet<string>> {
  const spaces = join(folder, 'spaces')
  const entries = await readdir(spaces, { recursive: true, withFileTypes: true })
  const blobs = entries
    .filter((entry) => entry.isFile() && entry.name !== 'store.json')
    .map((entry) => join(entry.parentPath, entry.name).slice(spaces.length + 1))
  return new Set(blobs.filter((path) => !path.includes('/tmp/')))
}

const pieceBytes = 8 * 1024 * 1024

/** Every image in every space by itself, and its bytes are those that went in. */
async function expectReadable({ tables, plane, rows }: Engine, contents: Contents): Promise<void> {
  const signal = new AbortController().signal
  const placed = await tables.all(
    'select distinct space, image from owners where image is not null',
  )
  for (const { space, image } of placed) {
    const verified = await verifyImage(plane, {
      image: image as Digest,
      space: space as SpaceId,
      signal,
    })
    expect(verified.damaged).toEqual([])
  }
  for (const [path, disks] of Object.entries(contents)) {
    const key = path.toLowerCase()
    const resource = await rows.read.resources.get(key)
    const kept = await rows.read.placements.ofKeepers([key])
    const held = contentOf(resource?.status ?? {})
    expect(held.length, `the disks of ${path}`).toBe(disks.length)
    for (const [at, { image }] of held.entries()) {
      const bytes = disks[at] ?? new Uint8Array()
      const spaces = kept.filter((place) => place.image === image).map(({ space }) => space)
      expect(spaces, `the places of ${path}`).not.toEqual([])
      const place = { image, spaces, signal }
      const { virtualSizeBytes } = await readManifest(plane, place)
      expect(virtualSizeBytes).toBe(bytes.length)
      for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += pieceBytes) {
        const piece = bytes.subarray(offsetBytes, offsetBytes + pieceBytes)
        const read = await readImage(plane, { ...place, offsetBytes, lengthBytes: piece.length })
        expect(Buffer.compare(read, piece)).toBe(0)
      }
    }
  }
}
