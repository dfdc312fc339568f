import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { diskId, group, versionId } from '../support/as-owner.ts'
import { type Engine, openEngine, spaceFolder } from '../support/engine.ts'
import { openTrouble, packsBelow } from '../support/faulty-blobs.ts'
import { expectSoundAtRest } from '../support/soundness.ts'
import { diskOf } from '../support/stories.ts'
import { vhdDynamic, vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024
const home = 'westeurope/Standard_LRS/1' as SpaceId
const inEast = 'eastus/Standard_LRS/1' as SpaceId
const one = diskOf(1)
const west = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const
const east = { name: 'eastus', storageAccountType: 'Standard_LRS' } as const

let trouble: ReturnType<typeof openTrouble>
let engine: Engine
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-trouble-'))
  trouble = openTrouble()
  engine = await openEngine(folder, { faulty: trouble.faulty, atOnce: 4 })
  await engine.makeDefinition()
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

type Ending = { status: string; error: { code: string; message: string } | null }

/** How the last operation of a resource ended. */
async function ending(path: string): Promise<Ending> {
  const [row] = await engine.tables.all(
    `select status, error from operations where key = '${path.toLowerCase()}'
     order by started_ms desc limit 1`,
  )
  return { status: String(row?.status), error: JSON.parse(String(row?.error ?? 'null')) }
}

const replicasOf = () =>
  engine.tables.all('select region, state, usable, reason from replicas order by region')

async function startUpload(name: string, bytes: Uint8Array): Promise<void> {
  await engine.beginUpload(name, bytes.length)
  await engine.sendPages(name, bytes)
  await engine.endUpload(name)
}

describe('a space that is full', () => {
  it('during ingest: the operation says so, nothing is half there, and it works once there is room', async () => {
    await engine.beginUpload('one', one.length)
    await engine.sendPages('one', one)
    trouble.leaveRoom(home, 1024)
    await engine.endUpload('one')
    expect(await ending(diskId('one'))).toMatchObject({
      status: 'Failed',
      error: { code: 'StorageFull', message: expect.stringContaining('no room left') },
    })
    const disk = await engine.find(diskId('one'))
    expect(disk).toMatchObject({ state: 'Succeeded', status: { diskState: 'ActiveUpload' } })
    expect(disk?.status.disks).toBeUndefined()
    await engine.sweep()
    await expectSoundAtRest(engine, {})
    expect(existsSync(join(spaceFolder(folder, home), 'packs'))).toBe(false)
    trouble.makeRoom(home)
    await engine.endUpload('one')
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one] })
  })

  it('during replication: only that region fails, says why, gives the room back, and is made good by the next PUT', async () => {
    await startUpload('one', one)
    trouble.leaveRoom(inEast, 1024)
    await engine.publish('1.0.0', 'one', [west, east])
    expect(await ending(versionId('1.0.0'))).toMatchObject({
      status: 'Failed',
      error: { code: 'ReplicationFailed', message: expect.stringContaining('no room left') },
    })
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Failed')
    expect(await replicasOf()).toMatchObject([
      { region: 'eastus', state: 'Failed', usable: 0, reason: expect.stringContaining('no room') },
      { region: 'westeurope', state: 'Completed', usable: 1, reason: null },
    ])
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
    expect(await engine.tables.all(`select key from holdings where space = '${inEast}'`)).toEqual(
      [],
    )
    trouble.makeRoom(inEast)
    await engine.publish('1.0.0', 'one', [west, east])
    expect(await ending(versionId('1.0.0'))).toMatchObject({ status: 'Succeeded', error: null })
    expect(await replicasOf()).toMatchObject([
      { region: 'eastus', state: 'Completed', usable: 1, reason: null },
      { region: 'westeurope', state: 'Completed' },
    ])
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
    expect(await packsBelow(spaceFolder(folder, inEast))).toHaveLength(1)
  })

  it('a region that failed is given up by a PUT without it', async () => {
    await startUpload('one', one)
    trouble.leaveRoom(inEast, 0)
    await engine.publish('1.0.0', 'one', [west, east])
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Failed')
    await engine.publish('1.0.0', 'one', [west])
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Succeeded')
    expect(await replicasOf()).toMatchObject([{ region: 'westeurope', state: 'Completed' }])
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
  })
})

describe('a space that is away', () => {
  it('fails its own region alone, and heals by the next PUT', async () => {
    await startUpload('one', one)
    trouble.takeAway(inEast)
    await engine.publish('1.0.0', 'one', [west, east])
    expect(await replicasOf()).toMatchObject([
      { region: 'eastus', state: 'Failed', reason: expect.stringContaining('is away') },
      { region: 'westeurope', state: 'Completed' },
    ])
    trouble.bringBack(inEast)
    await engine.publish('1.0.0', 'one', [west, east])
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Succeeded')
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
  })

  it('is waited for while it is away for a short time', async () => {
    await startUpload('one', one)
    trouble.takeAway(inEast)
    await engine.askVersion('1.0.0', 'one', [west, east])
    const failed = () => engine.logged.filter(({ event }) => event === 'step-failed').length
    await expect.poll(failed).toBeGreaterThan(1)
    trouble.bringBack(inEast)
    await engine.quiet()
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Succeeded')
  })

  it('a deletion that cannot reach it fails with the reason, keeps the bytes, and can be asked for again', async () => {
    await startUpload('one', one)
    await engine.publish('1.0.0', 'one', [west, east])
    trouble.takeAway(inEast)
    await engine.removed(versionId('1.0.0'))
    expect(await ending(versionId('1.0.0'))).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('is away') },
    })
    expect((await engine.find(versionId('1.0.0')))?.state).toBe('Failed')
    await engine.removed(group)
    expect(await ending(group)).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('versions/1.0.0') },
    })
    const rows = await engine.tables.all('select key, state from resources')
    expect(rows.map(({ state }) => state)).not.toContain('Deleting')
    trouble.bringBack(inEast)
    await engine.removed(group)
    expect(await engine.tables.all('select key from resources')).toEqual([])
    await engine.sweep()
    await expectSoundAtRest(engine, {})
  })

  it('a version whose deletion failed halfway is not brought back by a PUT', async () => {
    await startUpload('one', one)
    await engine.publish('1.0.0', 'one', [west, east])
    trouble.takeAway(inEast)
    await engine.removed(versionId('1.0.0'))
    await expect(engine.askVersion('1.0.0', 'one', [west])).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('marked for deletion'),
    })
  })
})

describe('a space that is read-only', () => {
  it('fails its own region alone, says that it is tried, and heals by the next PUT', async () => {
    await startUpload('one', one)
    trouble.makeReadOnly(inEast)
    await engine.askVersion('1.0.0', 'one', [west, east])
    await expect
      .poll(replicasOf)
      .toMatchObject([
        { region: 'eastus', reason: expect.stringContaining('tried again') },
        { state: 'Completed' },
      ])
    await engine.quiet()
    expect(await replicasOf()).toMatchObject([
      { region: 'eastus', state: 'Failed', reason: expect.stringContaining('is away') },
      { region: 'westeurope', state: 'Completed' },
    ])
    trouble.makeWritable(inEast)
    await engine.publish('1.0.0', 'one', [west, east])
    await engine.sweep()
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
  })

  it('is read as before, and a deletion that cannot be durable fails, and can be asked for again', async () => {
    await startUpload('one', one)
    await engine.publish('1.0.0', 'one', [west, east])
    trouble.makeReadOnly(inEast)
    await expectSoundAtRest(engine, { [versionId('1.0.0')]: [one] })
    await engine.removed(versionId('1.0.0'))
    expect((await ending(versionId('1.0.0'))).status).toBe('Failed')
    expect(await packsBelow(spaceFolder(folder, inEast))).toHaveLength(1)
    trouble.makeWritable(inEast)
    await engine.removed(versionId('1.0.0'))
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one] })
    expect(await packsBelow(spaceFolder(folder, inEast))).toEqual([])
  })

  it('during ingest: the operation says so, the pages stay, and it works once it is writable', async () => {
    await engine.beginUpload('one', one.length)
    await engine.sendPages('one', one)
    trouble.makeReadOnly(home)
    await engine.endUpload('one')
    expect(await ending(diskId('one'))).toMatchObject({ status: 'Failed' })
    await expect(engine.sendPages('one', one)).rejects.toThrow('read-only')
    trouble.makeWritable(home)
    await engine.endUpload('one')
    await engine.sweep()
    await expectSoundAtRest(engine, { [diskId('one')]: [one] })
  })
})

describe('an upload that is no disk', () => {
  const fixed = vhdFixed(one)
  const dynamic = vhdDynamic(one)
  /** What it is, its bytes, what it is mended with, the disk in that, and why it is refused. */
  const table: readonly (readonly [string, Uint8Array, Uint8Array, Uint8Array, string])[] = [
    ['a differencing VHD', vhdFixed(one, { diskType: 4 }), fixed, one, 'differencing'],
    ['a VHD with a wrong checksum', flipped(fixed, one.length + 70), fixed, one, 'checksum'],
    ['a truncated VHD', cutOff(dynamic), dynamic, one, 'truncated'],
    ['garbage of a VHD’s length', noise(2 * mib + 512), fixed, one, 'footer is missing or damaged'],
    ['a QCOW2 file', qcow2(), one.subarray(0, mib), one.subarray(0, mib), 'QCOW2'],
  ]

  it.each(table)(
    '%s: the operation fails with the reason, and another upload mends it',
    async (...row) => {
      const [, bad, mended, disk, why] = row
      await startUpload('one', bad)
      expect(await ending(diskId('one'))).toMatchObject({
        status: 'Failed',
        error: { code: 'InvalidDisk', message: expect.stringContaining(why) },
      })
      expect(await engine.find(diskId('one'))).toMatchObject({ state: 'Succeeded' })
      await startUpload('one', mended)
      expect((await ending(diskId('one'))).status).toBe('Succeeded')
      await engine.sweep()
      await expectSoundAtRest(engine, { [diskId('one')]: [disk] })
    },
  )

  it('a small VHD of a disk of 1025 GiB: refused with its size', async () => {
    const sizeBytes = 1025 * 1024 * mib
    const blockBytes = 2 * mib
    const big = { blockBytes, spareEntries: 1025 * 512 - 1, currentSizeBytes: sizeBytes }
    await startUpload('one', vhdDynamic(new Uint8Array(mib), big))
    expect(await ending(diskId('one'))).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidParameter', message: expect.stringContaining(String(sizeBytes)) },
    })
  })
})

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

/** The second half never arrived. */
function cutOff(bytes: Uint8Array): Uint8Array {
  return Buffer.alloc(bytes.length).fill(bytes.subarray(0, (3 * mib) / 4), 0, (3 * mib) / 4)
}

function qcow2(): Uint8Array {
  return Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), noise(mib - 4)])
}

/** Without a run of zeros, which would not be sent. */
function noise(lengthBytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: lengthBytes }, (_, at) => ((at * 167) & 0xfe) + 1))
}
