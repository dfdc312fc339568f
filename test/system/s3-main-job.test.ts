import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { LogEvent } from '../../src/base/world.ts'
import type { ConfigOverrides } from '../../src/config.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { openWorld } from '../../src/world.ts'
import { openArm } from '../support/arm.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const buckets = ['zone-1', 'zone-2', 'zone-3', 'fast', 'rest']

/** A disk of 24 MiB: data, a hole, data that a later version changes. */
function diskBytes(seed: number): Uint8Array {
  const bytes = new Uint8Array(24 * mib)
  for (let at = 0; at < 6 * mib; at++) bytes[at] = (at * 31 + (at >> 9)) & 0xff
  for (let at = 20 * mib; at < 21 * mib; at++) bytes[at] = (at * seed + (at >> 7)) & 0xff
  return bytes
}

describe('the main job with all spaces in buckets', () => {
  let server: S3Server
  let vitrine: TestInstallation
  const logged: LogEvent[] = []

  beforeAll(async () => {
    server = await startS3Server()
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', server.credentialsFile)
    for (const Bucket of buckets) await server.client.createBucket({ Bucket })
    const world = { ...openWorld('error'), log: (event: LogEvent) => void logged.push(event) }
    vitrine = await openTestInstallation({ config: { spaces: spacesIn(server) }, world })
    await makeDefinition(vitrine)
  })
  afterAll(async () => {
    await vitrine?.close()
    vi.unstubAllEnvs()
    await server?.remove()
  })

  it('a version reaches three regions, one over three zones, and the same bytes come out of each', async () => {
    const bytes = diskBytes(7)
    const disk = await uploadDisk(vitrine, 'source', bytes)
    await publish('1.0.0', disk)
    await expectEverywhere('1.0.0', bytes)
    const stored = await Promise.all(buckets.map((bucket) => packsIn(bucket)))
    const [zone1 = [], zone2, zone3, fast, rest] = stored
    expect(zone1.length).toBeGreaterThan(0)
    expect([zone2?.length, zone3?.length]).toEqual([zone1.length, zone1.length])
    expect(fast?.length).toBeGreaterThan(0)
    expect(rest?.length).toBeGreaterThan(0)
  })

  it('the server goes away under a publish and comes back: work pauses, then ends well', async () => {
    const bytes = diskBytes(11)
    const disk = await uploadDisk(vitrine, 'source-2', bytes)
    await server.stop()
    const published = publish('1.1.0', disk)
    await vi.waitFor(() => expect(logged.some(isAboutTheServer)).toBe(true), { timeout: 60_000 })
    const shown = await vitrine.compute.galleryImageVersions.get(
      group,
      gallery,
      definition,
      '1.1.0',
    )
    expect(shown.provisioningState).toBe('Creating')
    const before = await server.start().then(() => packsIn('zone-1'))
    // And once more under way: how far it came by then is its own matter.
    const hasMore = async () =>
      expect((await packsIn('zone-1')).length).toBeGreaterThan(before.length)
    await vi.waitFor(hasMore, { timeout: 60_000, interval: 20 })
    await server.stop()
    await server.start()
    await published
    await expectEverywhere('1.1.0', bytes)
    await expectEverywhere('1.0.0', diskBytes(7))
  })

  it('B18 a zone whose bucket was emptied is made anew from the others by one command', async () => {
    const zone = 'westeurope/Standard_ZRS/1/2' as SpaceId
    const live = await vitrine.installation.store.holdings.liveAfter(zone, 0, 1_000)
    expect(live.length).toBeGreaterThan(0)
    const { client } = server
    const all = await client.listObjectsV2({ Bucket: 'zone-2' })
    for (const { Key } of all.Contents ?? []) {
      if (Key !== undefined) await client.deleteObject({ Bucket: 'zone-2', Key })
    }
    expect(await packsIn('zone-2')).toEqual([])
    const arm = openArm(vitrine)
    const path = '/providers/Vitrine.Gallery/locations/westeurope/spaces/Standard_ZRS-1-2'
    const asked = await arm.ask('POST', `${path}/rebuild`)
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    const keys = live.map(({ key }) => `${zone}/${key}`)
    expect((await packsIn('zone-2')).toSorted()).toEqual(keys.toSorted())
    expect((await arm.get(path)).body).toMatchObject({ properties: { state: 'here', lost: [] } })
  })

  it('a start with a bucket that is not there says so', async () => {
    const spaces: ConfigOverrides['spaces'] = { ...spacesIn(server), '*': bucketOf(server, 'none') }
    await expect(startWith(spaces)).rejects.toThrow(/no bucket 'none'/)
  })

  it('a second installation in the same buckets is refused', async () => {
    await expect(startWith(spacesIn(server))).rejects.toThrow(/of installation/)
  })

  it('no secret of a bucket is logged', () => {
    expect(logged.length).toBeGreaterThan(0)
    expect(JSON.stringify(logged)).not.toMatch(server.secret)
  })

  async function startWith(spaces: ConfigOverrides['spaces']): Promise<void> {
    const data = await mkdtemp(join(tmpdir(), 'vitrine-refused-'))
    try {
      await (await openTestInstallation({ data, config: { spaces } })).close()
    } finally {
      await rm(data, { recursive: true })
    }
  }

  async function publish(name: string, disk: string): Promise<void> {
    const { galleryImageVersions } = vitrine.compute
    await galleryImageVersions.createOrUpdate(group, gallery, definition, name, {
      location: 'westeurope',
      publishingProfile: {
        targetRegions: [
          { name: 'westeurope', storageAccountType: 'Standard_ZRS' },
          { name: 'northeurope', regionalReplicaCount: 2 },
          { name: 'eastus', storageAccountType: 'Premium_LRS' },
        ],
      },
      storageProfile: { osDiskImage: { source: { id: disk } } },
    })
  }

  async function expectEverywhere(version: string, bytes: Uint8Array): Promise<void> {
    for (const region of ['westeurope', 'northeurope', 'eastus']) {
      const read = await readVersion(vitrine, version, region)
      expect(Buffer.compare(read, bytes)).toBe(0)
    }
  }

  async function packsIn(Bucket: string): Promise<string[]> {
    const { Contents = [] } = await server.client.listObjectsV2({ Bucket })
    return Contents.flatMap(({ Key = '' }) => (Key.includes('/packs/') ? [Key] : []))
  }
})

function isAboutTheServer(event: LogEvent): boolean {
  return /ECONNREFUSED|ECONNRESET/.test(JSON.stringify(event))
}

function bucketOf({ endpoint }: S3Server, bucket: string) {
  return { bucket, endpoint, profile: 'vitrine' }
}

function spacesIn(server: S3Server): NonNullable<ConfigOverrides['spaces']> {
  return {
    '*/Standard_ZRS/*/1': bucketOf(server, 'zone-1'),
    '*/Standard_ZRS/*/2': bucketOf(server, 'zone-2'),
    '*/Standard_ZRS/*/3': bucketOf(server, 'zone-3'),
    '*/Premium_LRS/*': bucketOf(server, 'fast'),
    '*': bucketOf(server, 'rest'),
  }
}
