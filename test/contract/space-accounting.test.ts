import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024
const chunkBytes = 64 * 1024

const Bytes = z.strictObject({
  occupiedBytes: z.number(),
  uniqueBytes: z.number(),
  sharedBytes: z.number(),
})
const Answer = z.strictObject({
  value: z.array(
    z.strictObject({
      region: z.string(),
      displayName: z.string(),
      stored: Bytes,
      freedBytes: z.number(),
      spaces: z.array(
        z.strictObject({ space: z.string(), plain: Bytes, stored: Bytes, freedBytes: z.number() }),
      ),
    }),
  ),
})

describe('the space of a version', () => {
  let vitrine: TestInstallation
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { sweepHoldSeconds: 0 } })
    await makeDefinition(vitrine)
    const first = noise(1, 8 * mib)
    const second = Buffer.from(first)
    // Sixteen chunks of 128, and what was in their place is the first one's alone.
    second.set(noise(2, mib), 4 * mib)
    const lrs = { storageAccountType: 'Standard_LRS' }
    const targetRegions = [
      { name: 'West Europe', storageAccountType: 'Standard_ZRS' },
      { name: 'North Europe', regionalReplicaCount: 2, ...lrs },
    ]
    for (const [version, bytes] of [
      ['1.0.0', first],
      ['1.0.1', second],
    ] as const) {
      const source = await uploadDisk(vitrine, `disk-${version.at(-1)}`, bytes)
      await publishVersion(vitrine, version, { source, targetRegions })
    }
  }, 240_000)
  afterAll(() => vitrine.close())

  const pathOf = (version: string) =>
    `/subscriptions/${vitrine.subscription}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions/${version}`
  const spacePath = (version: string) =>
    `${pathOf(version)}/providers/Vitrine.Gallery/space?api-version=2025-01-01`

  async function spaceOf(version: string) {
    const answer = await vitrine.call('GET', spacePath(version))
    expect(answer.status).toBe(200)
    return Answer.parse(await answer.json()).value
  }

  it('is told by region and space: all of it, what it needs alone, and what it shares', async () => {
    const regions = await spaceOf('1.0.1')
    expect(regions.map(({ region, displayName }) => [region, displayName])).toEqual([
      ['northeurope', 'North Europe'],
      ['westeurope', 'West Europe'],
    ])
    const spaces = regions.flatMap((region) => region.spaces)
    expect(spaces.map(({ space }) => space)).toEqual([
      'northeurope/Standard_LRS/1',
      'northeurope/Standard_LRS/2',
      'westeurope/Standard_ZRS/1/1',
      'westeurope/Standard_ZRS/1/2',
      'westeurope/Standard_ZRS/1/3',
    ])
    for (const { plain, stored } of spaces) {
      const unique = 16 * chunkBytes
      const occupied = 128 * chunkBytes
      const shared = occupied - unique
      expect(plain).toEqual({
        occupiedBytes: occupied,
        uniqueBytes: unique,
        sharedBytes: shared,
      })
      // Noise is stored as it is; its leaf (some 4 KB) and its manifest are its own.
      expect(stored.sharedBytes).toBe(shared)
      expect(stored.uniqueBytes).toBe(unique + 40 + 128 * 32 + 128)
      expect(stored.occupiedBytes).toBe(stored.uniqueBytes + stored.sharedBytes)
    }
    for (const region of regions) {
      const sum = region.spaces.reduce((bytes, { stored }) => bytes + stored.uniqueBytes, 0)
      expect(region.stored.uniqueBytes).toBe(sum)
    }
  })

  it('is all its own once the other version is gone, and a deletion frees what was said', async () => {
    const stored = async () => {
      const { installation } = vitrine
      const sums = await installation.store.watch.holdings(0, 10_000)
      const bytes = sums.sums.filter(({ space }) => space.startsWith('northeurope'))
      return bytes.reduce((sum, each) => sum + each.bytes, 0)
    }
    const before = await stored()
    const freed = (await spaceOf('1.0.1')).find(({ region }) => region === 'northeurope')
    expect(freed?.freedBytes).toBeGreaterThan(2 * mib)
    await vitrine.compute.galleryImageVersions.delete(group, gallery, definition, '1.0.1')
    await expect.poll(stored).toBe(before - (freed?.freedBytes ?? 0))
    for (const { spaces } of await spaceOf('1.0.0')) {
      for (const { plain } of spaces) expect(plain.uniqueBytes).toBe(128 * chunkBytes)
    }
  })

  it('is for versions, by GET', async () => {
    const refused = await vitrine.call('PUT', spacePath('1.0.0'), {})
    expect(refused.status).toBe(405)
    const none = await vitrine.call('GET', spacePath('9.9.9'))
    expect(none.status).toBe(404)
  })
})
