import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const Application = z.object({
  appId: z.string(),
  tenant: z.string(),
  fileWithCertAndPrivateKey: z.string(),
})

let vitrine: TestInstallation
let home: string
let az: AzureCli['az']
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-certificate-'))
  ;({ az } = await openAzureCli(vitrine, home))
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

const made = async (name: string) =>
  Application.parse(await az('ad', 'sp', 'create-for-rbac', '-n', name, '--create-cert'))

it('az login signs in with a certificate that az made, and with no other', async () => {
  const [own, other] = [await made('signed'), await made('another')]
  const { az: asApp } = await openAzureCli(vitrine, join(home, 'app'))
  const login = (file: string) => {
    const as = ['-u', own.appId, '-p', file, '--tenant', own.tenant]
    return asApp('login', '--service-principal', ...as, '--allow-no-subscriptions')
  }
  await expect(login(other.fileWithCertAndPrivateKey)).rejects.toMatchObject({
    stderr: expect.stringContaining('AADSTS'),
  })
  await login(own.fileWithCertAndPrivateKey)
  expect(await asApp('account', 'show')).toMatchObject({ user: { name: own.appId } })
  const url = `${vitrine.url}/subscriptions?api-version=2022-12-01`
  expect(await asApp('rest', '--url', url)).toMatchObject({ value: [] })
})
