import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import {
  addVitrine,
  arrangeMigration,
  blocksOf,
  expectHolds,
  migrated,
  runBlock,
} from '../support/documents.ts'
import { startSourceServer } from '../support/source-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

describe('the commands of the documents about migration', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let host: Awaited<ReturnType<typeof startSourceServer>>
  let folder: string
  beforeAll(async () => {
    host = await startSourceServer({ bytes: vhdFixed(migrated.legacy) })
    vitrine = await openTestInstallation({ config: { imports: { hosts: [host.origin] } } })
    arm = openArm(vitrine, 'images')
    folder = await mkdtemp(join(tmpdir(), 'vitrine-migration-'))
    await addVitrine(folder)
    await shell(`vitrine login --data '${vitrine.data}'`)
    const [prerequisites = ''] = await blocksOf('migrate.md', 'vitrine')
    await shell(prerequisites)
    await arrangeMigration(arm, folder)
  })
  afterAll(async () => {
    await vitrine.close()
    await host.close()
    await rm(folder, { recursive: true, force: true })
  })

  const shell = (block: string): Promise<string> => {
    const env = {
      SUBSCRIPTION: vitrine.subscription,
      VHD_URL: `${host.origin}/legacy.vhd?sig=secret`,
      VITRINE_HOME: join(folder, 'home'),
    }
    return runBlock(block, { folder, env })
  }
  const holds = (path: string, bytes: Buffer, lun?: number) =>
    expectHolds(arm, path, { bytes, lun })

  it('R40 R41 R42 R48 R49 docs/migrate.md', { timeout: 240_000 }, async () => {
    const [, ...blocks] = await blocksOf('migrate.md', 'vitrine')
    expect(blocks.length).toBeGreaterThan(5)
    for (const block of blocks) await shell(block)
    const debian = 'galleries/corpImages/images/debian/versions/1.0.0'
    await holds(debian, migrated.debian)
    await holds('galleries/newGallery/images/debian/versions/1.0.0', migrated.debian)
    await holds('galleries/corpImages/images/legacy/versions/1.0.0', migrated.legacy)
    await holds('galleries/corpImages/images/legacy/versions/1.0.1', migrated.legacy)
    await holds('galleries/corpImages/images/appliance/versions/1.0.0', migrated.os)
    await holds('galleries/corpImages/images/appliance/versions/1.0.0', migrated.data, 3)
    const copied = await arm.get('snapshots/os1-there')
    expect(copied.body).toMatchObject({
      location: 'eastus',
      properties: { completionPercent: 100 },
    })
    expect((await arm.get('images/debian-image')).status).toBe(404)
  })

  it.each([
    ['R43 R53', 'upload-linux.md', 'debian13', migrated.upload],
    ['R43 R51', 'upload-windows.md', 'windows2025', migrated.windows],
  ])('%s docs/%s', { timeout: 240_000 }, async (_, document, definition, bytes) => {
    const blocks = await blocksOf(document, 'vitrine')
    expect(blocks.length).toBeGreaterThan(1)
    for (const block of blocks) await shell(block)
    for (const version of ['1.0.0', '1.0.1']) {
      await holds(`galleries/corpImages/images/${definition}/versions/${version}`, bytes)
    }
  })
})
