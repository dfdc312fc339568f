import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { debianCure } from '../../src/cli/az-setup/debian-cure.ts'
import type { TestInstallation } from './test-installation.ts'

const run = promisify(execFile)

/**
 * Of the two profiles of az, `latest` is what is served by default; Debian's az 2.45 has `image` and `vm` only in the other
 * one. `mended` is `latest` with what `vitrine az-setup --debian` installs.
 */
type AzureProfile = 'latest' | 'mended' | '2020-09-01-hybrid'

export type AzureCli = Awaited<ReturnType<typeof openAzureCli>>

const Failed = z.object({ code: z.number(), stderr: z.string() })

/** The Azure CLI of this machine, unmodified, signed in as the owner; all that it keeps lies in the folder `home`. */
export async function openAzureCli(
  vitrine: Pick<TestInstallation, 'data' | 'url'>,
  home: string,
  profile: AzureProfile = 'latest',
) {
  // Nothing of the machine's own set-up takes part, and nothing can leave loopback.
  const nowhere = 'http://127.0.0.1:9'
  const python = join(home, 'python')
  const env: Readonly<Record<string, string>> = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    AZURE_CONFIG_DIR: join(home, `azure-${profile}`),
    REQUESTS_CA_BUNDLE: join(vitrine.data, 'tls', 'ca.pem'),
    AZURE_CORE_COLLECT_TELEMETRY: 'no',
    AZURE_CORE_ONLY_SHOW_ERRORS: 'true',
    AZURE_CORE_NO_COLOR: 'true',
    HTTPS_PROXY: nowhere,
    HTTP_PROXY: nowhere,
    NO_PROXY: '127.0.0.1,localhost',
    ...(profile === 'mended' && { PYTHONPATH: python }),
  }

  /** One az command; its JSON, or undefined when it prints none. */
  async function az(...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run('az', [...args, '-o', 'json'], { env, maxBuffer: 1 << 26 })
    return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  }

  /** A line of words without spaces in them, and further words as they are; its JSON. */
  const say = (line: string, ...more: readonly string[]): Promise<unknown> =>
    az(...line.split(' '), ...more)

  /** The same, which must fail: how it exits and what it says. */
  async function refused(line: string, ...more: readonly string[]): Promise<string> {
    const failed = await say(line, ...more).then(
      () => undefined,
      (error: unknown) => Failed.parse(error),
    )
    if (failed === undefined) throw new Error(`az ${line} should have been refused`)
    return `${failed.code} ${failed.stderr.replace(/^ERROR: /, '')}`
  }

  await mkdir(python, { recursive: true })
  await writeFile(join(python, 'sitecustomize.py'), debianCure)
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
  const suffixes = { storageEndpoint: 'storage.localhost', keyvaultDns: '.vault.localhost' }
  const cloud = JSON.stringify({
    profile: profile === 'mended' ? 'latest' : profile,
    endpoints,
    suffixes,
  })
  await az('cloud', 'register', '-n', 'Vitrine', '--cloud-config', cloud)
  await az('cloud', 'set', '-n', 'Vitrine')
  const owner = JSON.parse(await readFile(join(vitrine.data, 'owner.json'), 'utf8'))
  const signIn = ['-u', owner.clientId, '-p', owner.clientSecret, '--tenant', owner.tenantId]
  await az('login', '--service-principal', ...signIn)
  return { az, say, refused, env }
}
