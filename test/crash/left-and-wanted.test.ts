import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { diskId, versionId } from '../support/as-owner.ts'
import { type Engine, openEngine } from '../support/engine.ts'
import { openHold, openTrouble } from '../support/faulty-blobs.ts'
import { expectSoundAtRest } from '../support/soundness.ts'
import { diskOf } from '../support/stories.ts'

const one = diskOf(1)
const west = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const
const east = { name: 'eastus', storageAccountType: 'Standard_LRS' } as const
const home = 'westeurope/Standard_LRS/1'
const inEast = 'eastus/Standard_LRS/1'
const version = versionId('1.0.0')

let folder: string
let engine: Engine

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-left-'))
})
afterEach(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

it('a region that is wanted again while it leaves is not usable until it is whole', async () => {
  const trouble = openTrouble()
  const hold = openHold('delete', { space: inEast, prefix: 'roots/' })
  engine = await openEngine(folder, {
    atOnce: 2,
    faulty: (blobs, address) => hold.faulty(trouble.faulty(blobs, address), address),
  })
  await engine.makeDefinition()
  await engine.upload('one', one)
  await engine.publish('1.0.0', 'one', [west, east])
  await engine.askVersion('1.0.0', 'one', [west])
  await hold.reached
  await engine.askVersion('1.0.0', 'one', [west, east])
  const publishing = () => engine.tables.all(`select id from work where kind = 'Publish'`)
  await expect.poll(publishing).toEqual([])
  trouble.leaveRoom(inEast, 0)
  hold.letGo()
  await engine.quiet()
  expect(
    await engine.tables.all(`select state, usable from replicas where region = 'eastus'`),
  ).toEqual([{ state: 'Failed', usable: 0 }])
  const galleryImageReference = { id: version }
  const creationData = { createOption: 'FromImage', galleryImageReference }
  await expect(
    engine.put(diskId('two'), { location: 'eastus', properties: { creationData } }),
  ).rejects.toMatchObject({ code: 'GalleryImageNotFound' })
  await engine.sweep()
  await expectSoundAtRest(engine, { [version]: [one], [diskId('one')]: [one] })
})

it('an empty disk that could not be made is made by the next PUT', async () => {
  const trouble = openTrouble()
  engine = await openEngine(folder, { faulty: trouble.faulty })
  await engine.makeDefinition()
  const creationData = { createOption: 'Empty' }
  const body = { location: 'westeurope', properties: { creationData, diskSizeGB: 1 } }
  trouble.leaveRoom(home, 0)
  await engine.put(diskId('empty'), body)
  await engine.quiet()
  expect((await engine.find(diskId('empty')))?.state).toBe('Failed')
  trouble.makeRoom(home)
  await engine.put(diskId('empty'), body)
  await engine.put(diskId('empty'), body)
  await engine.quiet()
  const disk = await engine.find(diskId('empty'))
  expect(disk?.state).toBe('Succeeded')
  expect(disk?.status.disks).toHaveLength(1)
  expect(await engine.tables.all(`select id from operations where status = 'InProgress'`)).toEqual(
    [],
  )
})
