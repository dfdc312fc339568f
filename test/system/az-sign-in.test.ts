import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { endDeviceLogin } from '../support/device-login.ts'
import { useSignIn } from '../support/sign-in.ts'

const Certified = z.object({
  appId: z.string(),
  tenant: z.string(),
  fileWithCertAndPrivateKey: z.string(),
})

const { vitrine, ann, confirm } = useSignIn()
let home: string
let az: AzureCli['az']
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
  ;({ az } = await openAzureCli(vitrine(), home))
})
afterAll(() => rm(home, { recursive: true, force: true }))

it('az login --use-device-code signs a person in, who then works as himself', async () => {
  const person = await openAzureCli(vitrine(), join(home, 'ann'))
  await person.az('logout')
  const { tenantId } = vitrine().config
  const env = { ...person.env, AZURE_CORE_ONLY_SHOW_ERRORS: 'false' }
  const login = ['login', '--use-device-code', '--tenant', tenantId, '-o', 'json']
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const ended = await endDeviceLogin(spawn('az', login, { env, stdio }), confirm)
  expect(ended).toMatchObject({ exitCode: 0, out: expect.stringContaining(ann().name) })
  expect(await person.az('account', 'show')).toMatchObject({
    tenantId,
    user: { name: ann().name, type: 'user' },
  })
  expect(await person.az('group', 'list')).toEqual([])
  expect(await person.az('ad', 'signed-in-user', 'show')).toMatchObject({ id: ann().id })
})

it('az makes an application with a certificate, signs in with it, and takes another one', async () => {
  const sp = ['ad', 'sp', 'create-for-rbac', '-n', 'certified', '--create-cert']
  const made = Certified.parse(await az(...sp))
  const other = await openAzureCli(vitrine(), join(home, 'other'))
  const as = (file: string) =>
    other.az(
      ...['login', '--service-principal', '-u', made.appId, '-p', file, '--tenant', made.tenant],
      '--allow-no-subscriptions',
    )
  await as(made.fileWithCertAndPrivateKey)
  const reset = ['ad', 'app', 'credential', 'reset', '--id', made.appId, '--create-cert']
  const next = Certified.parse(await az(...reset))
  await expect(as(made.fileWithCertAndPrivateKey)).rejects.toMatchObject({
    stderr: expect.stringContaining('AADSTS700027'),
  })
  await as(next.fileWithCertAndPrivateKey)
  const listed = await az('ad', 'app', 'credential', 'list', '--id', made.appId, '--cert')
  expect(listed).toHaveLength(1)
})
