import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { openAzureCli } from '../support/azure-cli.ts'
import {
  addProgram,
  arrangeMigration,
  blocksOf,
  expectHolds,
  migrated,
  runBlock,
} from '../support/documents.ts'
import { startSourceServer } from '../support/source-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

describe('what the documents about migration say of the Azure CLI', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let host: Awaited<ReturnType<typeof startSourceServer>>
  let folder: string
  let shell: (block: string) => Promise<string>
  beforeAll(async () => {
    host = await startSourceServer({ bytes: vhdFixed(migrated.legacy) })
    vitrine = await openTestInstallation({ config: { imports: { hosts: [host.origin] } } })
    arm = openArm(vitrine, 'images')
    folder = await mkdtemp(join(tmpdir(), 'vitrine-migration-'))
    const { env } = await openAzureCli(vitrine, folder)
    const hybrid = await openAzureCli(vitrine, folder, '2020-09-01-hybrid')
    // As the document says, `az image` of Debian's package is run with the other profile.
    await addProgram(
      folder,
      'az',
      `[ "$1" = image ] && export AZURE_CONFIG_DIR='${hybrid.env.AZURE_CONFIG_DIR}'\nexec /usr/bin/az "$@"`,
    )
    const given = { SUBSCRIPTION: vitrine.subscription, VHD_URL: `${host.origin}/legacy.vhd` }
    shell = (block) => runBlock(block, { folder, env: { ...env, ...given } })
    const [prerequisites = ''] = await blocksOf('migrate.md', 'az')
    await shell(prerequisites)
    await arrangeMigration(arm, folder)
  })
  afterAll(async () => {
    await vitrine.close()
    await host.close()
    await rm(folder, { recursive: true, force: true })
  })

  const holds = (path: string, bytes: Buffer, lun?: number) =>
    expectHolds(arm, path, { bytes, lun })

  it('R40 R41 R42 R48 R49 docs/migrate.md, with az', async () => {
    const [, ...blocks] = await blocksOf('migrate.md', 'az')
    expect(blocks.length).toBeGreaterThan(4)
    for (const block of blocks) await shell(block)
    await holds('galleries/newGallery/images/debian/versions/1.0.0', migrated.debian)
    await holds('galleries/corpImages/images/legacy/versions/1.0.0', migrated.legacy)
    await holds('galleries/corpImages/images/appliance/versions/1.0.0', migrated.os)
    await holds('galleries/corpImages/images/appliance/versions/1.0.0', migrated.data, 3)
  })
  it.each([
    ['R43 R53', 'upload-linux.md', 'debian13', migrated.upload],
    ['R43 R51', 'upload-windows.md', 'windows2025', migrated.windows],
  ])('%s docs/%s, with az', async (_, document, definition, bytes) => {
    const blocks = await blocksOf(document, 'az')
    expect(blocks.length).toBeGreaterThan(1)
    for (const block of blocks) await shell(block)
    await holds(`galleries/corpImages/images/${definition}/versions/1.0.0`, bytes)
  })
})
