import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogEvent } from '../../src/base/world.ts'
import { openWorld } from '../../src/world.ts'
import { damagePacks, packsBelow } from '../support/faulty-blobs.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  pageBlob,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { diskOf } from '../support/stories.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const bytes = diskOf(1)
const world = openWorld('error')
let logged: LogEvent[]
let vitrine: TestInstallation

beforeEach(async () => {
  logged = []
  const log = (event: LogEvent): void => void logged.push(event)
  vitrine = await openTestInstallation({
    world: { ...world, log },
    config: { sweepHoldSeconds: 0 },
  })
  await makeDefinition(vitrine)
})
afterEach(() => vitrine.close())

async function publish(
  targetRegions: { name: string; regionalReplicaCount?: number; storageAccountType?: string }[],
): Promise<void> {
  const disk = await uploadDisk(vitrine, 'source', bytes)
  await vitrine.compute.galleryImageVersions.createOrUpdate(group, gallery, definition, '1.0.0', {
    location: 'westeurope',
    publishingProfile: { targetRegions },
    storageProfile: { osDiskImage: { source: { id: disk } } },
  })
  // Nothing else keeps the bytes of the version.
  await vitrine.compute.disks.delete(group, 'source')
}

const madeDisk = 'from-1-0-0-northeurope'

/** The replica that a disk made of the version reads, and its bytes once more. */
async function makeDisk(): Promise<{ space: string; read(): Promise<Uint8Array> }> {
  await readVersion(vitrine, '1.0.0', 'northeurope')
  const id = `/subscriptions/${vitrine.subscription}/resourcegroups/${group}/providers/microsoft.compute/disks/${madeDisk}`
  const { placements } = vitrine.installation.store.read
  const [placement] = await placements.ofKeepers([id.toLowerCase()])
  async function read(): Promise<Uint8Array> {
    const access = { access: 'Read', durationInSeconds: 60 }
    const { accessSAS = '' } = await vitrine.compute.disks.grantAccess(group, madeDisk, access)
    const vhd = await pageBlob(accessSAS).downloadToBuffer()
    return vhd.subarray(0, bytes.length)
  }
  return { space: placement?.space ?? '', read }
}

const folderOf = (space: string): string => join(vitrine.data, 'spaces', space)
const events = (name: string): LogEvent[] => logged.filter(({ event }) => event === name)

/** A pack's name is the digest of its bytes. */
async function expectWhole(folder: string): Promise<void> {
  const packs = await packsBelow(folder)
  expect(packs.length).toBeGreaterThan(0)
  for (const path of packs) {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    expect(basename(path).slice(0, 64)).toBe(digest)
  }
}

const lrs = { name: 'northeurope', regionalReplicaCount: 2, storageAccountType: 'Standard_LRS' }
const [first, second] = ['northeurope/Standard_LRS/1', 'northeurope/Standard_LRS/2'] as const
const home = { name: 'westeurope', storageAccountType: 'Standard_LRS' }

describe('damaged bytes', () => {
  it('in one replica are read from another, repaired on the disk and told in the log', async () => {
    await publish([home, lrs])
    const { space, read } = await makeDisk()
    expect(await damagePacks(folderOf(space))).toBe(1)
    expect(Buffer.compare(await read(), bytes)).toBe(0)
    await expectWhole(folderOf(space))
    expect(events('pack-repaired')).toMatchObject([{ space }])
  })

  it('in every replica are an error that names the chunk and the disk, in the answer and in the log', async () => {
    await publish([home, lrs])
    for (const space of [first, second, 'westeurope/Standard_LRS/1']) {
      expect(await damagePacks(folderOf(space))).toBe(1)
    }
    const read = readVersion(vitrine, '1.0.0', 'northeurope')
    const why = /The chunk [0-9a-f]{64} at offset \d+ of disk image [0-9a-f]{64} is damaged/
    await expect(read).rejects.toMatchObject({
      statusCode: 500,
      message: expect.stringMatching(why),
    })
    expect(events('blob-request-failed')).toMatchObject([
      { code: 'ImageDamaged', message: expect.stringMatching(why) },
    ])
    // What does not need the bad chunk is still given.
    const { accessSAS = '' } = await vitrine.compute.disks.grantAccess(group, madeDisk, {
      access: 'Read',
      durationInSeconds: 60,
    })
    const tail = await pageBlob(accessSAS).downloadToBuffer(bytes.length / 2, 64 * 1024)
    expect(
      Buffer.compare(tail, bytes.subarray(bytes.length / 2, bytes.length / 2 + 64 * 1024)),
    ).toBe(0)
  })

  it('of a pack that is gone altogether are put back from another replica', async () => {
    await publish([home, lrs])
    const { space, read } = await makeDisk()
    const [pack = ''] = await packsBelow(folderOf(space))
    await rm(pack)
    expect(Buffer.compare(await read(), bytes)).toBe(0)
    await expectWhole(folderOf(space))
  })
})

it('with one zone gone, and then another, a zone redundant region reads on', async () => {
  await publish([home, { name: 'eastus', storageAccountType: 'Standard_ZRS' }])
  for (const zone of [1, 2]) {
    await rm(folderOf(`eastus/Standard_ZRS/1/${zone}`), { recursive: true })
    const read = await readVersion(vitrine, '1.0.0', 'eastus', `after-zone-${zone}`)
    expect(Buffer.compare(read, bytes)).toBe(0)
  }
})
