import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSas } from '../../src/access/sas.ts'
import { storageApp } from '../../src/api/storage/disk-blob.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { LeaseLost } from '../../src/runner/work.ts'
import { convergeRegion } from '../../src/work/converge-region.ts'
import { releaseRegion } from '../../src/work/release-region.ts'
import { diskId, versionId } from '../support/as-owner.ts'
import { type Engine, openClock, openEngine } from '../support/engine.ts'
import { openHold } from '../support/faulty-blobs.ts'
import { expectSoundAtRest } from '../support/soundness.ts'
import { diskOf } from '../support/stories.ts'
import { untold } from '../support/untold.ts'

const one = diskOf(1)
const west = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const
const east = { name: 'eastus', storageAccountType: 'Standard_LRS' } as const
const inEast = 'eastus/Standard_LRS/1'
const version = versionId('1.0.0')
const clock = openClock()

let folder: string
let engine: Engine

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-overtaken-'))
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

/** An engine in which the version lies in these regions, and blobs are held from then on. */
async function openWith(regions: (typeof west | typeof east)[], hold: ReturnType<typeof openHold>) {
  engine = await openEngine(folder, { clock })
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.publish('1.0.0', 'one', regions)
  await engine.close()
  engine = await openEngine(folder, { clock, atOnce: 4, faulty: hold.faulty })
}

/** The new generation has been taken up: only regions are still at work. */
async function placed(): Promise<void> {
  const publishing = () => engine.tables.all(`select id from work where kind = 'Publish'`)
  await expect.poll(publishing).toEqual([])
}

async function expectIn(regions: readonly string[]): Promise<void> {
  await engine.quiet()
  await engine.sweep()
  expect((await engine.find(version))?.state).toBe('Succeeded')
  const replicas = await engine.tables.all(
    'select region, state, usable from replicas order by region',
  )
  expect(replicas).toEqual(regions.map((region) => ({ region, state: 'Completed', usable: 1 })))
  await expectSoundAtRest(engine, { [version]: [one] })
}

it('a region that is wanted again while its root is being removed comes back whole', async () => {
  const hold = openHold('delete', { space: inEast, prefix: 'roots/' })
  await openWith([west, east], hold)
  await engine.askVersion('1.0.0', 'one', [west])
  await hold.reached
  await engine.askVersion('1.0.0', 'one', [west, east])
  await placed()
  hold.letGo()
  await expectIn(['eastus', 'westeurope'])
})

it('a region that is given up while bytes are on their way to it leaves nothing there', async () => {
  const hold = openHold('put', { space: inEast, prefix: 'packs/' })
  await openWith([west], hold)
  await engine.askVersion('1.0.0', 'one', [west, east])
  await hold.reached
  await engine.askVersion('1.0.0', 'one', [west])
  await placed()
  hold.letGo()
  await expectIn(['westeurope'])
})

it('a region that is given up while its root is being written leaves nothing there', async () => {
  const hold = openHold('put', { space: inEast, prefix: 'roots/' })
  await openWith([west], hold)
  await engine.askVersion('1.0.0', 'one', [west, east])
  await hold.reached
  await engine.askVersion('1.0.0', 'one', [west])
  await placed()
  hold.letGo()
  await expectIn(['westeurope'])
})

it('a process that dies with its root written, and a region that is given up by then, leave nothing there', async () => {
  const hold = openHold('put', { space: inEast, prefix: 'roots/', when: 'after' })
  await openWith([west], hold)
  await engine.askVersion('1.0.0', 'one', [west, east])
  await hold.reached
  // The root is there; nobody hears of it.
  engine.life.end()
  hold.letGo()
  await engine.close()
  engine = await openEngine(folder, { clock, atOnce: 4 })
  await engine.askVersion('1.0.0', 'one', [west])
  await expectIn(['westeurope'])
})

it('who lost a row removes nothing that was written under the same name since', async () => {
  engine = await openEngine(folder, { clock })
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.publish('1.0.0', 'one', [west, east])
  await engine.beginUpload('again', one.length)
  await engine.sendPages('again', one)
  const lost = async () => {
    throw new LeaseLost('1')
  }
  const row = { id: '1', queue: 'control', generation: 1, step: '', fence: 1, attempts: 0 }
  const times = { wakeMs: 0, createdMs: 0, cancel: false }
  const running = (subject: string, state: JsonObject) => ({
    row: { ...row, ...times, kind: 'Any', subject, key: subject, state },
    state,
    signal: new AbortController().signal,
    write: lost,
  })
  const old = [{ space: inEast, key: 'roots/old' }]
  const retiring = running(`${version.toLowerCase()}@eastus`, { leaving: [inEast], gone: old })
  const { retire } = convergeRegion(engine.ports).steps
  await expect(retire?.(retiring)).rejects.toThrow(LeaseLost)
  const { release } = releaseRegion(engine.ports).steps
  const releasing = running(`${diskId('again').toLowerCase()}@eastus`, { roots: old, staged: [] })
  await expect(release?.(releasing)).rejects.toThrow(LeaseLost)
  await engine.endUpload('again')
  await engine.sweep()
  await expectSoundAtRest(engine, { [version]: [one], [diskId('again')]: [one] })
})

it('a deletion waits for bytes that are on their way, and leaves nothing of them', async () => {
  const hold = openHold('put', { space: inEast, prefix: 'roots/' })
  await openWith([west], hold)
  await engine.askVersion('1.0.0', 'one', [west, east])
  await hold.reached
  await engine.remove(version)
  const waiting = () => engine.tables.all(`select step from work where kind = 'Remove'`)
  await expect.poll(waiting).toEqual([{ step: 'release' }])
  hold.letGo()
  await engine.quiet()
  await engine.sweep()
  expect(await engine.find(version)).toBeUndefined()
  await expectSoundAtRest(engine, {})
})

it('a page that is on its way when its disk is deleted is refused, and leaves nothing', async () => {
  const hold = openHold('put', { space: 'westeurope/Standard_LRS/1', prefix: 'uploads/' })
  engine = await openEngine(folder, { clock, atOnce: 4, faulty: hold.faulty })
  await engine.makeDefinition()
  await engine.beginUpload('one', one.length)
  const [grant] = await engine.tables.all('select id from sas')
  const sas = openSas(Buffer.alloc(32, 7))
  const { store, plane, world, settings } = engine
  const noImage = { findLatest: async () => undefined, mayOf: async () => () => false }
  const app = storageApp({ store, plane, sas, world, settings, refusals: untold, ...noImage })
  const url = `${sas.url('https://vitrine.test', String(grant?.id))}&comp=page`
  const headers = { 'x-ms-range': 'bytes=0-511', 'x-ms-page-write': 'update' }
  const page = app.request(url, { method: 'PUT', headers, body: one.slice(0, 512) })
  await hold.reached
  await engine.removed(diskId('one'))
  hold.letGo()
  expect((await page).status).toBe(403)
  expect(await engine.tables.all('select key from upload_pages')).toEqual([])
  await expectSoundAtRest(engine, {})
})
