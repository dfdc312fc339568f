import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
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

/** Runs az until it shows a code, has the code confirmed, and gives back how it ended. */
async function loginByDevice(env: AzureCli['env'], more: readonly string[]) {
  const quiet = { ...env, AZURE_CORE_ONLY_SHOW_ERRORS: 'false' }
  const child = spawn('az', ['login', '--use-device-code', ...more, '-o', 'json'], { env: quiet })
  const told = { out: '', err: '' }
  const confirmed: Promise<unknown>[] = []
  child.stdout.on('data', (text: Buffer) => {
    told.out += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    told.err += text.toString()
    const [, address = '', code] =
      /open the page (\S+) and enter the code (\S+)/.exec(told.err) ?? []
    if (code === undefined || confirmed.length > 0) return
    const shown = { user_code: code, verification_uri: address, message: '', device_code: '' }
    confirmed.push(confirm({ ...shown, expires_in: 900, interval: 5 }))
  })
  const exitCode = await new Promise((resolve) => child.on('close', resolve))
  await Promise.all(confirmed)
  return { ...told, exitCode }
}

it('az login --use-device-code signs a person in, who then works as himself', async () => {
  const person = await openAzureCli(vitrine(), join(home, 'ann'))
  await person.az('logout')
  const { tenantId } = vitrine().config
  const ended = await loginByDevice(person.env, ['--tenant', tenantId])
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
