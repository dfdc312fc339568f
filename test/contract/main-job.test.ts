import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024

/** A disk of 24 MiB: data, a hole, data that a later version changes. */
function diskBytes(seed: number): Uint8Array {
  const bytes = new Uint8Array(24 * mib)
  for (let at = 0; at < 6 * mib; at++) bytes[at] = (at * 31 + (at >> 9)) & 0xff
  for (let at = 20 * mib; at < 21 * mib; at++) bytes[at] = (at * seed + (at >> 7)) & 0xff
  return bytes
}

describe('the main job, through Azure’s own clients', () => {
  let vitrine: TestInstallation

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  it('R61 R68 a version reaches its regions with their replicas, and the same bytes come out of each', async () => {
    const bytes = diskBytes(7)
    const disk = await uploadDisk(vitrine, 'source', bytes)
    const version = await vitrine.compute.galleryImageVersions.createOrUpdate(
      group,
      gallery,
      definition,
      '1.0.0',
      {
        location: 'westeurope',
        publishingProfile: {
          targetRegions: [
            { name: 'West Europe', regionalReplicaCount: 1, storageAccountType: 'Standard_ZRS' },
            { name: 'northeurope', regionalReplicaCount: 2 },
            { name: 'eastus' },
          ],
        },
        storageProfile: { osDiskImage: { source: { id: disk } } },
      },
    )
    expect(version.provisioningState).toBe('Succeeded')
    const shown = await vitrine.compute.galleryImageVersions.get(
      group,
      gallery,
      definition,
      '1.0.0',
      { expand: 'ReplicationStatus' },
    )
    expect(shown.replicationStatus?.aggregatedState).toBe('Completed')
    expect(
      shown.replicationStatus?.summary?.map((each) => [each.region, each.state, each.progress]),
    ).toEqual([
      ['West Europe', 'Completed', 100],
      ['North Europe', 'Completed', 100],
      ['East US', 'Completed', 100],
    ])
    for (const region of ['westeurope', 'northeurope', 'eastus']) {
      const read = await readVersion(vitrine, '1.0.0', region)
      expect(Buffer.compare(read, bytes)).toBe(0)
    }
  })
})
