import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlobServiceClient } from '@azure/storage-blob'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { backUp } from '../../src/backup.ts'
import { openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { diskOf } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-backup-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const embedded = {
  database: undefined,
  regions: [{ displayName: 'West Europe' }, { displayName: 'East US' }],
}

async function publish(installation: TestInstallation, name: string, seeds: readonly number[]) {
  const source = await uploadDisk(
    installation,
    `source-${name.replaceAll('.', '-')}`,
    diskOf(seeds),
  )
  const targetRegions = [{ name: 'westeurope' }, { name: 'eastus' }]
  return publishVersion(installation, name, { source, targetRegions })
}

it('a backup taken while versions are published and deleted is restored whole, and goes on from there', async () => {
  const before = await openTestInstallation({ config: embedded })
  await makeDefinition(before)
  await publish(before, '1.0.0', [1, 2, 3])
  await publish(before, '1.1.0', [1, 2, 4])
  const busy = Promise.allSettled([
    publish(before, '2.0.0', [5, 6, 7, 8]),
    publish(before, '2.1.0', [5, 6, 7, 9]),
    before.compute.galleryImageVersions.delete(group, gallery, definition, '1.1.0'),
  ])
  const to = join(folder, 'copy')
  const { packs, bytes, elsewhere } = await backUp(before.config, to)
  expect(packs).toBeGreaterThan(2)
  expect(bytes).toBeGreaterThan(6 * 64 * 1024)
  expect(elsewhere).toEqual([])
  await busy
  await before.close()

  const after = await openTestInstallation({ data: to, config: embedded })
  for (const region of ['westeurope', 'eastus']) {
    expect(await readVersion(after, '1.0.0', region)).toEqual(diskOf([1, 2, 3]))
  }
  expect(after.installation.owner?.created).toBe(false)
  await publish(after, '3.0.0', [1, 10])
  expect(await readVersion(after, '3.0.0', 'eastus')).toEqual(diskOf([1, 10]))
  await after.close()
})

it('a backup that lacks a pack says so, and names it', async () => {
  const installation = await openTestInstallation({ config: embedded })
  await makeDefinition(installation)
  await publish(installation, '1.0.0', [1, 2, 3])
  const packs = join(installation.data, 'spaces', 'eastus', 'Standard_LRS', '1', 'packs')
  const [some = ''] = await readdir(packs)
  await rm(join(packs, some), { recursive: true })
  await expect(backUp(installation.config, join(folder, 'copy'))).rejects.toThrow(
    /is not whole: \d+ packs .* eastus\/Standard_LRS\/1\/packs\//,
  )
  await installation.close()
})

it('blobs of storage accounts are in a backup; one whose page is missing is named', async () => {
  const before = await openTestInstallation({ config: embedded })
  const arm = openArm(before)
  await arm.put(arm.groupPath, { location: 'westeurope' })
  const account = await makeAccount(before, arm, 'kept1')
  const box = await account.container('box')
  const bytes = Buffer.from(diskOf([1, 2, 3]))
  await box.getBlockBlobClient('packed').upload(bytes, bytes.length)
  await box.getBlockBlobClient('plain').upload('hello', 5)
  const to = join(folder, 'copy')
  await backUp(before.config, to)
  const uploads = join(before.data, 'spaces', 'westeurope', 'Standard_LRS', '1', 'uploads')
  for (const name of await readdir(uploads)) await rm(join(uploads, name), { recursive: true })
  await expect(backUp(before.config, join(folder, 'torn'))).rejects.toThrow(
    /is not whole: \d+ packs or pages .* westeurope\/Standard_LRS\/1\/uploads\//,
  )
  await before.close()
  const after = await openTestInstallation({ data: to, config: embedded })
  const endpoint = `${after.url}/kept1`
  const service = new BlobServiceClient(endpoint, account.credential)
  const restored = service.getContainerClient('box')
  expect((await restored.getBlobClient('packed').downloadToBuffer()).equals(bytes)).toBe(true)
  expect((await restored.getBlobClient('plain').downloadToBuffer()).toString()).toBe('hello')
  await after.close()
})

it('a folder with anything in it, no installation, and PostgreSQL are refused', async () => {
  const installation = await openTestInstallation({ config: embedded })
  const { config, data } = installation
  await expect(backUp(config, data)).rejects.toThrow('is not empty')
  const none = { ...config, data: join(folder, 'none') }
  await expect(backUp(none, join(folder, 'copy'))).rejects.toThrow('There is no installation')
  const url = 'postgres://127.0.0.1/x'
  const grown = { ...config, database: { url, poolMax: 2 } }
  await expect(backUp(grown, join(folder, 'copy'))).rejects.toThrow('pg_dump')
  await installation.close()
})

it('a space that was lost is made anew from another region, as docs/operate.md says', async () => {
  const first = await openTestInstallation({ data: folder, config: embedded })
  await makeDefinition(first)
  await publish(first, '1.0.0', [1, 2, 3])
  await first.close()
  await rm(join(folder, 'spaces', 'eastus', 'Standard_LRS', '1'), { recursive: true })

  const installation = await openTestInstallation({ data: folder, config: embedded })
  const arm = openArm(installation)
  const path = '/providers/Vitrine.Gallery/locations/eastus/spaces/Standard_LRS-1'
  const rebuilt = await arm.ended(await arm.ask('POST', `${path}/rebuild`))
  expect(rebuilt).toMatchObject({ status: 'Succeeded' })
  expect(await readVersion(installation, '1.0.0', 'eastus')).toEqual(diskOf([1, 2, 3]))
  await installation.close()
})
