import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)

let vitrine: TestInstallation
let home: string
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-metadata-'))
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

it('az finds everything by ARM_CLOUD_METADATA_URL alone', async () => {
  const ca = join(vitrine.data, 'tls', 'ca.pem')
  const nowhere = 'http://127.0.0.1:9'
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    AZURE_CONFIG_DIR: join(home, 'azure'),
    REQUESTS_CA_BUNDLE: ca,
    SSL_CERT_FILE: ca,
    ARM_CLOUD_METADATA_URL: `${vitrine.url}/metadata/endpoints?api-version=2019-05-01`,
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
    HTTPS_PROXY: nowhere,
    HTTP_PROXY: nowhere,
    NO_PROXY: '127.0.0.1,localhost',
  }
  const az = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run('az', [...args, '-o', 'json'], { env })).stdout || 'null')
  await mkdir(env.AZURE_CONFIG_DIR)
  const owner = JSON.parse(await readFile(join(vitrine.data, 'owner.json'), 'utf8'))
  const as = ['-u', owner.clientId, '-p', owner.clientSecret, '--tenant', owner.tenantId]
  await az('login', '--service-principal', ...as)
  await az('group', 'create', '-n', 'found', '-l', 'westeurope')
  expect(await az('group', 'list')).toMatchObject([{ name: 'found' }])
  expect(await az('ad', 'sp', 'list', '--all')).toHaveLength(1)
})
