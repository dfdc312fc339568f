import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uploadDisk } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)
const group = 'myGalleryRG'

describe('the Azure CLI, unmodified', () => {
  let vitrine: TestInstallation
  let home: string

  /** One az command; its JSON, or its text when it prints none. */
  async function az(...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run('az', [...args, '-o', 'json'], {
      env: environment(),
      maxBuffer: 1 << 26,
    })
    return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  }

  /** Nothing of the machine's own set-up takes part, and nothing can leave loopback. */
  function environment(): Record<string, string> {
    const nowhere = 'http://127.0.0.1:9'
    return {
      PATH: process.env.PATH ?? '',
      HOME: home,
      AZURE_CONFIG_DIR: join(home, 'azure'),
      REQUESTS_CA_BUNDLE: join(vitrine.data, 'tls', 'ca.pem'),
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
      AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
      AZURE_CORE_NO_COLOR: 'true',
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      NO_PROXY: '127.0.0.1,localhost',
    }
  }

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    const { url } = vitrine
    const endpoints = {
      resourceManager: url,
      management: `${url}/`,
      activeDirectory: `${url}/adfs`,
      activeDirectoryResourceId: `${url}/`,
      activeDirectoryGraphResourceId: `${url}/graph/`,
      microsoftGraphResourceId: `${url}/graph/`,
      gallery: `${url}/`,
    }
    const cloud = JSON.stringify({ profile: 'latest', endpoints })
    await az('cloud', 'register', '-n', 'Vitrine', '--cloud-config', cloud)
    await az('cloud', 'set', '-n', 'Vitrine')
    const owner = JSON.parse(await readFile(join(vitrine.data, 'owner.json'), 'utf8'))
    const signIn = ['-u', owner.clientId, '-p', owner.clientSecret, '--tenant', owner.tenantId]
    await az('login', '--service-principal', ...signIn)
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
