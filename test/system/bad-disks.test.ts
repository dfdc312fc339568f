import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  pageBlob,
  publishVersion,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const bytes = noise(1, 4 * mib)
const inWest = { name: 'westeurope', storageAccountType: 'Standard_LRS' } as const
const inEast = { name: 'eastus', storageAccountType: 'Standard_LRS' } as const

let folder = ''
let vitrine: TestInstallation | undefined
afterEach(async () => {
  await vitrine?.close()
  vitrine = undefined
  for (const place of ['place', 'disk']) {
    try {
      execFileSync('umount', [join(folder, place)], { stdio: 'ignore' })
    } catch {
      // It is not there any more.
    }
  }
  rmSync(folder, { recursive: true })
})

/** A disk of its own that a space of `region` lies on, by a mount that can be changed under it; needs root. */
async function openOn(region: 'westeurope' | 'eastus') {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-bad-disk-'))
  const [disk, place] = [join(folder, 'disk'), join(folder, 'place')]
  for (const path of [disk, place]) await mkdir(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'vitrine-test', disk])
  execFileSync('mount', ['--bind', disk, place])
  const config = {
    spaces: { [`${region}/Standard_LRS/1`]: join(place, 'space') },
    sweepHoldSeconds: 0,
  }
  vitrine = await openTestInstallation({ config })
  await makeDefinition(vitrine)
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,bind,${how}`, place])
  return {
    vitrine,
    disk,
    readOnly: () => remount('ro'),
    writable: () => remount('rw'),
    vanish: () => execFileSync('umount', ['-l', place]),
    comeBack: () => execFileSync('mount', ['--bind', disk, place]),
  }
}

const get = ({ compute }: TestInstallation) =>
  compute.galleryImageVersions.get(group, gallery, definition, '1.0.0', {
    expand: 'ReplicationStatus',
  })

/** What is said of East US while it waits. */
async function expectTold(installation: TestInstallation): Promise<void> {
  const east = async () =>
    (await get(installation)).replicationStatus?.summary?.find(({ region }) => region === 'East US')
  await expect.poll(east).toMatchObject({
    state: 'Replicating',
    details: expect.stringMatching(/tried again and again.*away.*log has it/),
  })
  const arm = `/subscriptions/${installation.subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions/1.0.0`
  const regions = await installation.call(
    'GET',
    `${arm}/providers/Vitrine.Gallery/replication?api-version=2025-01-01`,
  )
  expect(await regions.text()).toContain('tried again and again')
}

async function expectReads(installation: TestInstallation, region: string): Promise<void> {
  expect(Buffer.compare(await readVersion(installation, '1.0.0', region), bytes)).toBe(0)
}

describe('a disk that became read-only', () => {
  it('under a target: its region waits and says so, the others do not, and it goes on when it is writable', async () => {
    const { vitrine, readOnly, writable } = await openOn('eastus')
    const source = await uploadDisk(vitrine, 'source', bytes)
    readOnly()
    const published = publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest, inEast] })
    await expectTold(vitrine)
    await expectReads(vitrine, 'westeurope')
    writable()
    expect((await published).provisioningState).toBe('Succeeded')
    await expectReads(vitrine, 'eastus')
  })

  it('under versions: they are read, and a deletion waits until it can be durable', async () => {
    const { vitrine, disk, readOnly, writable } = await openOn('eastus')
    const source = await uploadDisk(vitrine, 'source', bytes)
    await publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest, inEast] })
    readOnly()
    await expectReads(vitrine, 'eastus')
    const roots = () => readdir(join(disk, 'space/roots'))
    const { compute } = vitrine
    const deleted = compute.galleryImageVersions.delete(group, gallery, definition, '1.0.0')
    await expect.poll(async () => (await get(vitrine)).provisioningState).toBe('Deleting')
    expect(await roots()).toHaveLength(1)
    writable()
    await deleted
    expect(await roots()).toEqual([])
    // The disk that was read keeps the bytes until it goes too.
    await compute.disks.delete(group, 'from-1-0-0-eastus')
    const packs = async () => await readdir(join(disk, 'space/packs'), { recursive: true })
    await expect
      .poll(async () => (await packs()).filter((name) => name.includes('/')), { timeout: 20_000 })
      .toEqual([])
  })

  it('under an upload: pages are refused for the time, and those that were taken are kept', async () => {
    const { vitrine, readOnly, writable } = await openOn('westeurope')
    const { compute } = vitrine
    await compute.disks.createOrUpdate(group, 'source', {
      location: 'westeurope',
      osType: 'Linux',
      hyperVGeneration: 'V1',
      creationData: { createOption: 'Upload', uploadSizeBytes: bytes.length },
    })
    const access = { access: 'Write', durationInSeconds: 3600 }
    const { accessSAS } = await compute.disks.grantAccess(group, 'source', access)
    const blob = pageBlob(accessSAS ?? '')
    const page = (at: number) => blob.uploadPages(bytes.subarray(at, at + mib), at, mib)
    await page(0)
    readOnly()
    await expect(page(mib)).rejects.toMatchObject({ statusCode: 503, code: 'ServerBusy' })
    writable()
    for (const at of [1, 2, 3]) await page(at * mib)
    await compute.disks.revokeAccess(group, 'source')
    const source = (await compute.disks.get(group, 'source')).id ?? ''
    await publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest] })
    await expectReads(vitrine, 'westeurope')
  })
})

describe('a disk that vanished', () => {
  it('under a target: nothing is written where it was, and the region goes on when it is back', async () => {
    const { vitrine, disk, vanish, comeBack } = await openOn('eastus')
    const source = await uploadDisk(vitrine, 'first', bytes)
    await publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest, inEast] })
    await vitrine.compute.galleryImageVersions.delete(group, gallery, definition, '1.0.0')
    vanish()
    const published = publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest, inEast] })
    await expectTold(vitrine)
    expect(await readdir(join(folder, 'place'))).toEqual([])
    comeBack()
    expect((await published).provisioningState).toBe('Succeeded')
    await expectReads(vitrine, 'eastus')
    expect((await readdir(join(disk, 'space/roots'))).length).toBe(1)
  })

  it('under a replica: it is read from another region meanwhile', async () => {
    const { vitrine, vanish, comeBack } = await openOn('eastus')
    const source = await uploadDisk(vitrine, 'source', bytes)
    await publishVersion(vitrine, '1.0.0', { source, targetRegions: [inWest, inEast] })
    vanish()
    await expectReads(vitrine, 'eastus')
    comeBack()
    await expectReads(vitrine, 'eastus')
  })
})
