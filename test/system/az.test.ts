import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { uploadDisk } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const group = 'myGalleryRG'

describe('the Azure CLI, unmodified', () => {
  let vitrine: TestInstallation
  let home: string
  let az: AzureCli['az']

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    ;({ az } = await openAzureCli(vitrine, home))
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  it('signs in, and publishes, updates, shows and deletes a version with az sig', async () => {
    await az('group', 'create', '-n', group, '-l', 'westeurope')
    const of = ['-g', group, '--gallery-name', 'azGallery']
    await az('sig', 'create', ...of)
    const definition = [...of, '--gallery-image-definition', 'myImage1']
    const triple = ['--publisher', 'Contoso', '--offer', 'Finance', '--sku', 'Backend']
    await az('sig', 'image-definition', 'create', ...definition, ...triple, '--os-type', 'Linux')
    const bytes = new Uint8Array(4 * 1024 * 1024).fill(7, 0, 1024 * 1024)
    const disk = await uploadDisk(vitrine, 'azSource', bytes)
    const version = [...definition, '--gallery-image-version', '1.0.0']
    const regions = ['--target-regions', 'westeurope=1=standard_zrs', 'eastus=2']
    const made = await az(
      'sig',
      'image-version',
      'create',
      ...version,
      ...regions,
      '--os-snapshot',
      disk,
    )
    expect(made).toMatchObject({ name: '1.0.0', provisioningState: 'Succeeded' })

    const removed = ['--remove', 'publishingProfile.targetRegions', '1']
    await az('sig', 'image-version', 'update', ...version, ...removed)
    const expand = ['--expand', 'ReplicationStatus']
    expect(await az('sig', 'image-version', 'show', ...version, ...expand)).toMatchObject({
      replicationStatus: { aggregatedState: 'Completed', summary: [{ region: 'West Europe' }] },
    })
    expect(await az('sig', 'list')).toHaveLength(1)
    await az('sig', 'image-version', 'delete', ...version)
    await expect(az('sig', 'image-version', 'show', ...version)).rejects.toMatchObject({ code: 3 })
    await az('group', 'delete', '-n', group, '--yes')
    expect(await az('sig', 'list')).toEqual([])
  })

  it('says Azure’s code and message when a name is refused', async () => {
    await az('group', 'create', '-n', 'refusals', '-l', 'westeurope')
    const refused = az('sig', 'create', '-g', 'refusals', '--gallery-name', 'no-dashes')
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(InvalidParameter) Gallery name is invalid.'),
    })
  })
})
