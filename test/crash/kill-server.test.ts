import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, inject, it } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import { openTables, type Tables } from '../support/engine-database.ts'
import { openKilledOften, patiently } from '../support/kill-often.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  pageBlob,
  readVersion,
} from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'
import { databaseOf } from '../support/postgres-database.ts'
import { recurringWork } from '../support/recurring-work.ts'
import { blobsByRows, blobsOnDisk } from '../support/soundness.ts'

const mib = 1024 * 1024
const onPostgres = inject('database') === 'postgres'
const diskBytes = 64 * mib
const pageBytes = 4 * mib

/** 20 MiB that do not compress well, in two places, the second one as `seed` says. */
function diskOf(seed: number): Uint8Array {
  const bytes = new Uint8Array(diskBytes)
  let noise = 11
  for (let at = 0; at < 16 * mib; at++) {
    noise = (Math.imul(noise, 1103515245) + 12345) & 0x7fffffff
    bytes[at] = noise >> 16
  }
  noise = seed
  for (let at = 48 * mib; at < 52 * mib; at++) {
    noise = (Math.imul(noise, 1103515245) + 12345) & 0x7fffffff
    bytes[at] = noise >> 16
  }
  return bytes
}

/** A disk through its write SAS, page by page; every request is sent until it is answered. */
async function upload({ compute }: OwnerClients, name: string, bytes: Uint8Array): Promise<string> {
  const disk = await patiently(() =>
    compute.disks.createOrUpdate(group, name, {
      location: 'westeurope',
      osType: 'Linux',
      hyperVGeneration: 'V1',
      creationData: { createOption: 'Upload', uploadSizeBytes: bytes.length },
    }),
  )
  const access = { access: 'Write', durationInSeconds: 3600 }
  const { accessSAS } = await patiently(() => compute.disks.grantAccess(group, name, access))
  const blob = pageBlob(accessSAS ?? '')
  for (let at = 0; at < bytes.length; at += pageBytes) {
    const page = Buffer.from(bytes.subarray(at, at + pageBytes))
    if (page.every((byte) => byte === 0)) continue
    await patiently(() => blob.uploadPages(page, at, page.length))
  }
  await patiently(() => compute.disks.revokeAccess(group, name))
  return disk.id ?? ''
}

type Regions = NonNullable<
  Parameters<OwnerClients['compute']['galleryImageVersions']['createOrUpdate']>[4]
>['publishingProfile']

async function publish(
  { compute }: OwnerClients,
  { version, disk }: { version: string; disk: string },
  targetRegions: NonNullable<NonNullable<Regions>['targetRegions']>,
): Promise<void> {
  const made = await patiently(() =>
    compute.galleryImageVersions.createOrUpdate(group, gallery, definition, version, {
      location: 'westeurope',
      publishingProfile: { targetRegions },
      storageProfile: { osDiskImage: { source: { id: disk } } },
    }),
  )
  expect(made.provisioningState).toBe('Succeeded')
}

const zrs = { name: 'West Europe', storageAccountType: 'Standard_ZRS' }
const lrs = (name: string, regionalReplicaCount = 1) => ({
  name,
  regionalReplicaCount,
  storageAccountType: 'Standard_LRS',
})

async function remove({ compute }: OwnerClients, version: string): Promise<void> {
  await patiently(() => compute.galleryImageVersions.delete(group, gallery, definition, version))
}

/** Nothing waits, nothing is lost, nothing is left over, as soon as the sweep has passed. */
async function expectSettled(data: string): Promise<void> {
  const tables = await openTables(data)
  try {
    await expect
      .poll(() => tables.all(`select kind from work where kind not in (${recurringWork})`))
      .toEqual([])
    expect(await tables.all('select id from operations where ended_ms is null')).toEqual([])
    expect(await tables.all(`select error from operations where status = 'Failed'`)).toEqual([])
    expect(await tables.all(`select key from resources where state <> 'Succeeded'`)).toEqual([])
    const unreferenced = `select space from holdings
      where state <> 'live' or id not in (select holding_id from refs)`
    // The sweep of a region may be leased to a server that was killed: nobody else takes it before that ends.
    const patience = { timeout: 2 * limits.leaseMs }
    await expect.poll(() => tables.all(unreferenced), patience).toEqual([])
    await expect.poll(() => strayBlobs(data, tables), patience).toEqual([])
  } finally {
    await tables.close()
  }
}

/** Those that only the folder has, or only the rows. */
async function strayBlobs(data: string, tables: Tables): Promise<string[]> {
  return [...(await blobsOnDisk(data)).symmetricDifference(await blobsByRows(tables))]
}

async function expectReads(
  clients: OwnerClients,
  version: string,
  { bytes, regions }: { bytes: Uint8Array; regions: readonly string[] },
): Promise<void> {
  for (const region of regions) {
    const read = await readVersion(clients, version, region)
    expect(Buffer.compare(read, bytes), `${version} in ${region}`).toBe(0)
  }
}

it('a server that is killed again and again loses nothing and leaves nothing undone', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vitrine-killed-'))
  const configFile = join(data, 'config.json')
  const database = onPostgres ? { url: await databaseOf(data) } : undefined
  await writeFile(configFile, JSON.stringify({ sweepHoldSeconds: 0, database }))
  const seed = Date.now()
  const [delaysMs = []] = fc.sample(
    fc.array(fc.integer({ min: 50, max: 1_500 }), { minLength: 8, maxLength: 8 }),
    { seed, numRuns: 1 },
  )
  const servers = await openKilledOften(data, { configFile, delaysMs })
  try {
    const clients = await patiently(() => servers.server().clients())
    const [one, two] = [diskOf(1), diskOf(2)]
    await patiently(() => makeDefinition(clients))
    const first = { version: '1.0.0', disk: await upload(clients, 'one', one) }
    await publish(clients, first, [zrs, lrs('northeurope', 2), lrs('eastus')])
    await publish(clients, first, [zrs, lrs('northeurope', 3), lrs('westus')])
    const second = { version: '1.0.1', disk: await upload(clients, 'two', two) }
    await publish(clients, second, [zrs, lrs('eastus')])
    await remove(clients, '1.0.0')
    await publish(clients, { ...first, version: '1.0.2' }, [zrs, lrs('westus')])

    const server = await servers.calm()
    expect(servers.kills()).toBeGreaterThan(3)
    await expectSettled(data)
    await expectReads(clients, '1.0.1', { bytes: two, regions: ['westeurope', 'eastus'] })
    await expectReads(clients, '1.0.2', { bytes: one, regions: ['westeurope', 'westus'] })

    // An operator's stop is clean in the midst of work, and the next start goes on with it.
    const regions = ['northeurope', 'southeastasia', 'eastus2'].map((name) => lrs(name))
    const asked = publish(clients, { ...second, version: '1.0.3' }, [zrs, ...regions])
    await wait(150)
    expect(await server.stop()).toBe(0)
    await servers.restart()
    await asked
    await expectReads(clients, '1.0.3', { bytes: two, regions: ['southeastasia'] })
    await expectSettled(data)
    expect(await servers.server().stop()).toBe(0)
  } catch (error) {
    throw new Error(`killed by seed ${seed}, ${servers.kills()} times\n${servers.server().log()}`, {
      cause: error,
    })
  } finally {
    await servers.calm().catch(() => undefined)
    await servers.server().kill()
    await rm(data, { recursive: true, force: true })
  }
})
