import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
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

/** What does not compress: each disk takes its own size in every space. */
function noise(lengthBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  let state = seed
  for (let at = 0; at < lengthBytes; at++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    bytes[at] = state >> 16
  }
  return bytes
}

/** A file system of that size, in memory; needs root. */
function mountSmall(sizeMib: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-small-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'vitrine-test', folder])
  mounted.push(folder)
  return folder
}

const mounted: string[] = []
let vitrine: TestInstallation | undefined
afterEach(async () => {
  await vitrine?.close()
  vitrine = undefined
  for (const folder of mounted.splice(0)) {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
})

async function usedBytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder)
  return (blocks - bfree) * bsize
}

/** A version, whatever comes of it. */
async function tryVersion({ compute }: TestInstallation, source: string, regions: string[]) {
  const targetRegions = regions.map((name) => ({ name, storageAccountType: 'Standard_LRS' }))
  const made = compute.galleryImageVersions.createOrUpdate(group, gallery, definition, '1.0.0', {
    location: 'westeurope',
    publishingProfile: { targetRegions },
    storageProfile: { osDiskImage: { source: { id: source } } },
  })
  return await made.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('a real file system that is full', () => {
  it('during replication: the region fails and says why, the room comes back, and the next PUT fills it', async () => {
    const small = mountSmall(8)
    const spaces = { 'eastus/Standard_LRS/1': join(small, 'space') }
    vitrine = await openTestInstallation({ config: { spaces, sweepHoldSeconds: 0 } })
    await makeDefinition(vitrine)
    const bytes = noise(6 * mib, 1)
    const source = await uploadDisk(vitrine, 'source', bytes)
    const ballast = join(small, 'ballast')
    await writeFile(ballast, noise(4 * mib, 2))
    expect(await tryVersion(vitrine, source, ['westeurope', 'eastus'])).toMatchObject({
      message: expect.stringMatching(/ReplicationFailed.*eastus.*no room left/),
    })
    const shown = await vitrine.compute.galleryImageVersions.get(
      group,
      gallery,
      definition,
      '1.0.0',
      { expand: 'ReplicationStatus' },
    )
    expect(shown.replicationStatus?.summary).toMatchObject([
      { region: 'West Europe', state: 'Completed' },
      { region: 'East US', state: 'Failed', details: expect.stringContaining('no room left') },
    ])
    await expect.poll(() => usedBytes(small), { timeout: 10_000 }).toBeLessThan(4.5 * mib)
    await rm(ballast)
    expect(await tryVersion(vitrine, source, ['westeurope', 'eastus'])).toBeUndefined()
    expect(Buffer.compare(await readVersion(vitrine, '1.0.0', 'eastus'), bytes)).toBe(0)
  })

  it('during ingest: the upload fails and says why, shows nothing, and is closed again once there is room', async () => {
    const small = mountSmall(16)
    const spaces = { 'westeurope/Standard_LRS/1': join(small, 'space') }
    vitrine = await openTestInstallation({ config: { spaces, sweepHoldSeconds: 0 } })
    await makeDefinition(vitrine)
    const ballast = join(small, 'ballast')
    const bytes = noise(6 * mib, 1)
    // The pages fit, the packs beside them do not.
    await writeFile(ballast, noise(5 * mib, 2))
    await expect(uploadDisk(vitrine, 'source', bytes)).rejects.toMatchObject({
      message: expect.stringMatching(/StorageFull.*no room left/),
    })
    const disk = await vitrine.compute.disks.get(group, 'source')
    expect(disk).toMatchObject({ provisioningState: 'Succeeded', diskState: 'ActiveUpload' })
    await rm(ballast)
    await vitrine.compute.disks.revokeAccess(group, 'source')
    expect(await tryVersion(vitrine, disk.id ?? '', ['westeurope'])).toBeUndefined()
    expect(Buffer.compare(await readVersion(vitrine, '1.0.0', 'westeurope'), bytes)).toBe(0)
  })

  it('under the database: requests are refused for the time, and go on once there is room', async () => {
    const small = mountSmall(24)
    const data = join(small, 'data')
    await mkdir(data)
    vitrine = await openTestInstallation({ data })
    await makeDefinition(vitrine)
    const ballast = join(small, 'ballast')
    await fill(ballast)
    const group = (name: string) => `/subscriptions/${vitrine?.subscription}/resourcegroups/${name}`
    const put = async (name: string): Promise<number> => {
      const path = `${group(name)}?api-version=2021-04-01`
      const body = { location: 'westeurope', tags: { long: 'x'.repeat(200) } }
      return (await vitrine?.call('PUT', path, body))?.status ?? 0
    }
    const statuses: number[] = []
    for (let at = 0; at < 400 && statuses.at(-1) !== 507; at++) statuses.push(await put(`g${at}`))
    expect(statuses.at(-1)).toBe(507)
    expect(new Set(statuses)).toEqual(new Set(statuses.length > 1 ? [201, 507] : [507]))
    await rm(ballast)
    await expect.poll(() => put('later')).toBe(201)
    const source = await uploadDisk(vitrine, 'source', noise(mib, 3))
    expect(await tryVersion(vitrine, source, ['westeurope'])).toBeUndefined()
    const listed = await readdir(join(data, 'spaces'))
    expect(listed).toContain('westeurope')
  })
})

/** Until not a page is left. */
async function fill(file: string): Promise<void> {
  const page = noise(4096, 5)
  try {
    for (let at = 0; at < 10_000; at++) await writeFile(file, page, { flag: 'a' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
