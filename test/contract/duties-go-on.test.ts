import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { regionName } from '../../src/domain/regions.ts'
import { diskSpace } from '../../src/domain/spaces.ts'
import { runWork } from '../../src/runner/runner.ts'
import type { Work } from '../../src/runner/work.ts'
import { compact } from '../../src/work/compact.ts'
import { dropUploads } from '../../src/work/drop-uploads.ts'
import { expireUploads } from '../../src/work/expire-uploads.ts'
import { diskId, versionId } from '../support/as-owner.ts'
import { type Engine, openEngine } from '../support/engine.ts'
import { openTrouble } from '../support/faulty-blobs.ts'
import { noise } from '../support/noise.ts'

const mib = 1024 * 1024
const westeurope = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const
const { id: space } = diskSpace(regionName('westeurope'))

let folder: string
let engine: Engine
let trouble: ReturnType<typeof openTrouble>
let running: { stop(): Promise<void> } | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-duties-'))
  trouble = openTrouble()
  engine = await openEngine(folder, { faulty: trouble.faulty })
  await engine.makeDefinition()
}, 60_000)
afterEach(async () => {
  await running?.stop()
  running = undefined
  await engine.close()
  await rm(folder, { recursive: true })
})

/** By the real runner, in a queue that the engine's own does not take from. */
async function runDuty(work: Work): Promise<void> {
  const stopping = new AbortController()
  const request = { kind: work.kind, subject: 'westeurope', queue: 'duties', key: undefined }
  const nowMs = await engine.rows.nowMs()
  await engine.rows.write((rows) => rows.work.request([{ ...request, generation: 1 }], nowMs))
  const hands = { queues: ['duties'], atOnce: 1 }
  const over = runWork(
    { store: engine.rows, world: engine.world, kinds: [work], holder: 'duties', hands },
    stopping.signal,
  )
  const stop = async () => {
    stopping.abort(new Error('the test is over'))
    await over
  }
  running = { stop }
}

const told = (event: string) => engine.logged.filter((one) => one.event === event)
const dutyRows = () => engine.tables.all("select kind, attempts from work where queue = 'duties'")

/** All chunks, in every copy there is; indexes stay. */
async function damageEverything(): Promise<void> {
  const entries = await readdir(join(folder, 'spaces'), { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile() || !entry.parentPath.includes('/packs/')) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = await readFile(path)
    for (let at = 100; at < bytes.length - 65_536; at += 4096) {
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    }
    await writeFile(path, bytes)
  }
}

it('an image that is damaged everywhere is passed over by compaction, which goes on', async () => {
  const first = noise(1, 4 * mib)
  for (const [at, bytes] of [first, first.subarray(0, mib)].entries()) {
    await engine.upload(`disk-${at}`, Uint8Array.from(bytes))
    await engine.publish(`1.0.${at}`, `disk-${at}`, [westeurope])
  }
  await engine.removed(versionId('1.0.0'))
  await engine.removed(diskId('disk-0'))
  await engine.sweep()
  await damageEverything()
  await runDuty(compact(engine.ports))
  await expect.poll(() => told('compaction-passes-over'), { timeout: 20_000 }).not.toEqual([])
  await expect.poll(dutyRows).toEqual([{ kind: 'Compact', attempts: 0 }])
  await expect.poll(() => engine.rows.holdings.thinned(space, 10)).toEqual([])
  expect(told('duty-failed')).toEqual([])
}, 60_000)

it('pages that are to go wait for a disk that is not mounted, and go when it is back', async () => {
  await engine.beginUpload('left', mib)
  await engine.sendPages('left', noise(2, mib))
  const [page] = await engine.tables.all('select upload from upload_pages')
  const upload = String(page?.upload)
  await engine.rows.write((rows) => rows.blobs.drop({ upload, space, dueMs: 0 }))
  trouble.takeAway(space)
  await runDuty(dropUploads(engine.ports))
  await expect.poll(() => told('drop-waits').length, { timeout: 20_000 }).toBeGreaterThan(0)
  await expect.poll(dutyRows).toEqual([{ kind: 'DropUploads', attempts: 0 }])
  expect(told('step-failed')).toEqual([])
  trouble.bringBack(space)
  await expect.poll(() => engine.rows.uploads.keys(upload, 10), { timeout: 20_000 }).toEqual([])
}, 60_000)

it('uploads that were given up wait for a disk that is not mounted, and are cleared when it is back', async () => {
  await engine.beginUpload('idle', mib)
  await engine.sendPages('idle', noise(3, mib))
  const key = diskId('idle').toLowerCase()
  const { status } = (await engine.rows.read.resources.get(key)) ?? {}
  const givenUp = { ...status, diskState: 'ReadyToUpload', uploadExpired: true }
  await engine.rows.write((rows) => rows.resources.setStatus(key, { status: givenUp }))
  trouble.takeAway(space)
  await runDuty(expireUploads({ ...engine.ports, uploadKeptMs: 800 }))
  await expect.poll(() => told('expiry-waits').length, { timeout: 20_000 }).toBeGreaterThan(0)
  await expect.poll(dutyRows).toEqual([{ kind: 'ExpireUploads', attempts: 0 }])
  expect(told('step-failed')).toEqual([])
  trouble.bringBack(space)
  await expect.poll(() => told('upload-expired').length, { timeout: 20_000 }).toBe(1)
}, 60_000)
