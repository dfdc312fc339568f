import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { dataBytes, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { type Cluster, openCluster } from '../support/cluster.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'

const peer = { port: 0 }
const limits = { galleriesPerRegion: 6, definitionsPerRegion: 7, versionsPerRegion: 5 }

/**
 * Two API processes that reach no space, a worker for each of three regions with its spaces in its own folder; from the
 * last one nobody can pull.
 */
describe('several processes', () => {
  let cluster: Cluster
  let vitrine: OwnerClients
  const west = { roles: ['worker' as const], ownRegions: ['westeurope'], peer, limits }
  const north = { roles: ['worker' as const], ownRegions: ['northeurope'], peer, limits }
  beforeAll(async () => {
    cluster = await openCluster()
    await cluster.start('api-1', { roles: ['api'], ownRegions: [], limits })
    await cluster.start('west', west)
    await cluster.start('north', north)
    await cluster.start('east', { roles: ['worker'], ownRegions: ['eastus'], limits })
    await cluster.start('api-2', { roles: ['api'], ownRegions: [], limits })
    await cluster.allHeardOfAll()
    vitrine = await cluster.clients('api-1')
    await makeDefinition(vitrine)
  })
  afterAll(() => cluster.close())

  const versionOf = (version: string) =>
    `/subscriptions/${vitrine.subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions/${version}`

  function publish(version: string, source: string, regions: readonly string[]) {
    const lrs = { storageAccountType: 'Standard_LRS' }
    const targetRegions = regions.map((name) => ({ name, ...lrs }))
    return publishVersion(vitrine, version, { source, targetRegions })
  }

  async function statesOf(version: string) {
    const { body } = await openArm(vitrine).get(`${versionOf(version)}?$expand=ReplicationStatus`)
    return body.properties
  }

  it('an upload, its ingest, the copies, polls and downloads each land where they land', async () => {
    const bytes = dataBytes(3, 6 * 1024 * 1024)
    const disk = await uploadDisk(vitrine, 'source', bytes)
    const version = await publish('1.0.0', disk, ['westeurope', 'northeurope', 'eastus'])
    expect(version.provisioningState).toBe('Succeeded')
    for (const region of ['westeurope', 'northeurope']) {
      const read = await readVersion(vitrine, '1.0.0', region)
      expect(Buffer.compare(read, bytes)).toBe(0)
    }
  })

  it('blobs are written and read through whatever process is asked, in a region of another', async () => {
    const account = await makeAccount(vitrine, openArm(vitrine), 'shared1')
    const bytes = Buffer.from(dataBytes(7, 3 * 1024 * 1024 + 5))
    const blob = (await account.container('box')).getBlockBlobClient('a')
    await blob.uploadData(bytes, { blockSize: 1024 * 1024, maxSingleShotSize: 1024 })
    expect((await blob.downloadToBuffer()).equals(bytes)).toBe(true)
    await blob.upload('hello', 5)
    expect((await blob.downloadToBuffer()).toString()).toBe('hello')
    await blob.delete()
    expect(await blob.exists()).toBe(false)
  })

  it('each region lies with its own processes alone', async () => {
    const regionsBelow = (name: string) =>
      readdir(join(cluster.folder, name, 'spaces')).catch(() => [])
    expect(await regionsBelow('west')).toEqual(['westeurope'])
    expect(await regionsBelow('north')).toEqual(['northeurope'])
    expect(await regionsBelow('east')).toEqual(['eastus'])
    expect(await regionsBelow('api-1')).toEqual([])
  })

  it('bytes of a region that lets nobody in come from another one that has them', async () => {
    const read = await readVersion(vitrine, '1.0.0', 'eastus')
    expect(Buffer.compare(read, dataBytes(3, 6 * 1024 * 1024))).toBe(0)
  })

  it('a region without a worker is shown, holds up no other, and catches up', async () => {
    await cluster.stop('north')
    const bytes = dataBytes(4, 6 * 1024 * 1024)
    const disk = await uploadDisk(vitrine, 'source-2', bytes)
    const published = publish('1.1.0', disk, ['westeurope', 'northeurope'])
    await vi.waitFor(
      async () =>
        expect(await statesOf('1.1.0')).toMatchObject({
          provisioningState: 'Creating',
          replicationStatus: {
            aggregatedState: 'InProgress',
            summary: [
              { region: 'West Europe', state: 'Completed' },
              { region: 'North Europe', state: 'Unknown', details: /out of reach/ },
            ],
          },
        }),
      { timeout: 20_000, interval: 200 },
    )
    expect(Buffer.compare(await readVersion(vitrine, '1.1.0', 'westeurope'), bytes)).toBe(0)
    await cluster.start('north', north)
    expect((await published).provisioningState).toBe('Succeeded')
    await vi.waitFor(
      async () =>
        expect(Buffer.compare(await readVersion(vitrine, '1.1.0', 'northeurope'), bytes)).toBe(0),
      { timeout: 20_000, interval: 1_000 },
    )
  })

  it('a region whose source is out of reach waits for it', async () => {
    const bytes = dataBytes(6, 6 * 1024 * 1024)
    const disk = await uploadDisk(vitrine, 'source-4', bytes)
    await cluster.stop('west')
    await cluster.allHeardOfAll()
    const published = publish('1.3.0', disk, ['westeurope', 'northeurope'])
    const isWaiting = async () => JSON.stringify(await statesOf('1.3.0'))
    await expect.poll(isWaiting).toMatch(/out of reach/)
    await cluster.start('west', west)
    expect((await published).provisioningState).toBe('Succeeded')
    expect(Buffer.compare(await readVersion(vitrine, '1.3.0', 'northeurope'), bytes)).toBe(0)
  })

  it('what one process finds damaged in another region, that region’s worker repairs', async () => {
    await cluster.allHeardOfAll()
    // No chunk of it lies anywhere else.
    const bytes = randomBytes(6 * 1024 * 1024)
    const disk = await uploadDisk(vitrine, 'source-3', bytes)
    const packs = join(cluster.folder, 'north/spaces/northeurope/Standard_LRS/1/packs')
    const before = await readdir(packs, { recursive: true })
    await publish('1.2.0', disk, ['westeurope', 'northeurope'])
    const added = (await readdir(packs, { recursive: true })).filter(
      (name) => name.includes('/') && !before.includes(name),
    )
    const files = added.map((name) => join(packs, name))
    const good = await Promise.all(files.map((file) => readFile(file)))
    for (const [at, file] of files.entries()) {
      await writeFile(file, Buffer.alloc(good[at]?.length ?? 0, 7))
    }
    expect(Buffer.compare(await readVersion(vitrine, '1.2.0', 'northeurope'), bytes)).toBe(0)
    // Only what was read was found.
    const isMended = async (): Promise<void> => {
      const now = await Promise.all(files.map((file) => readFile(file)))
      expect(now.some((found, at) => found.equals(good[at] ?? found))).toBe(true)
    }
    await vi.waitFor(isMended, { timeout: 20_000, interval: 200 })
  })

  it('what is deleted leaves every region, by the region’s own worker', async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0']) {
      await vitrine.compute.galleryImageVersions.delete(group, gallery, definition, version)
    }
    for (const [name, region] of [
      ['west', 'westeurope'],
      ['north', 'northeurope'],
      ['east', 'eastus'],
    ] as const) {
      const roots = join(cluster.folder, name, 'spaces', region, 'Standard_LRS', '1', 'roots')
      const told = await Promise.all(
        (await readdir(roots)).map((root) => readFile(join(roots, root), 'utf8')),
      )
      // Disks are resources of their own; four were uploaded in West Europe.
      expect(told.filter((root) => /\/versions\//.test(String(JSON.parse(root).keeper)))).toEqual(
        [],
      )
      expect(told.length).toBeGreaterThanOrEqual(name === 'west' ? 4 : 0)
    }
  })

  it('R80 R81 R82 of many creators through two processes at once, exactly as many as there may be get in', async () => {
    const arm = openArm(vitrine)
    const location = 'westeurope'
    const inGallery = `galleries/${gallery}/images`
    const source = { id: arm.idOf('disks/source') }
    const version = { location, properties: { storageProfile: { osDiskImage: { source } } } }
    const image = (sku: string) => {
      const identifier = { publisher: 'p', offer: 'o', sku }
      return { location, properties: { osType: 'Linux', osState: 'Generalized', identifier } }
    }
    const usages = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Compute/locations/${location}/usages`
    const race = async (count: number, put: (at: number) => ReturnType<typeof arm.put>) => {
      const answers = await Promise.all(Array.from({ length: count }, (_, at) => put(at)))
      const refused = answers.filter(({ status }) => status !== 201)
      for (const one of refused) expect(errorOf(one)).toMatchObject({ code: 'QuotaExceeded' })
      return answers.filter(({ status }) => status === 201)
    }
    const galleries = await race(20, (at) => arm.put(`galleries/q${at}`, { location }))
    const images = await race(20, (at) => arm.put(`${inGallery}/q${at}`, image(`s${at}`)))
    const path = (at: number) => `${inGallery}/${definition}/versions/2.0.${at}`
    const versions = await race(15, (at) => arm.put(path(at), version))
    // The gallery and the definition of these tests are the first.
    expect([galleries.length, images.length, versions.length]).toEqual([5, 6, 5])
    const full = [{ currentValue: 6 }, { currentValue: 7 }, { currentValue: 5 }]
    expect((await arm.get(usages)).body).toMatchObject({ value: full })
    for (const one of versions) expect(await arm.ended(one)).toMatchObject({ status: 'Succeeded' })
    await Promise.all([...versions, ...images].map(({ body }) => arm.remove(String(body.id))))
    const rest = [{ currentValue: 6 }, { currentValue: 1 }, { currentValue: 0 }]
    expect((await arm.get(usages)).body).toMatchObject({ value: rest })
  })
})
