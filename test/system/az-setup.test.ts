import { execFile, spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endDeviceLogin } from '../support/device-login.ts'
import { useSignIn } from '../support/sign-in.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

describe('vitrine az-setup', () => {
  const { vitrine, ann, confirm } = useSignIn()
  let home: string
  let env: Readonly<Record<string, string>>
  let fromOwner: readonly string[]
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-setup-'))
    const nowhere = 'http://127.0.0.1:9'
    env = {
      PATH: process.env.PATH ?? '',
      HOME: home,
      VITRINE_HOME: join(home, 'vitrine'),
      AZURE_CORE_COLLECT_TELEMETRY: 'no',
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      NO_PROXY: '127.0.0.1,localhost',
    }
    fromOwner = ['az-setup', '--data', vitrine().data]
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  const command = (...args: readonly string[]) => run(process.execPath, [main, ...args], { env })
  const shell = (lines: string) => run('bash', ['-euo', 'pipefail', '-c', lines], { env })
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    )
  const folderOf = (name: string) => join(home, name)

  it('prints lines without a secret; pasted into a shell, again and again, az works', async () => {
    const folder = folderOf('printed')
    const { stdout: lines } = await command(...fromOwner, '--config-dir', folder, '--debian')
    const { clientSecret } = JSON.parse(await readFile(join(vitrine().data, 'owner.json'), 'utf8'))
    expect(lines).not.toContain(clientSecret)
    expect(await isThere(folder)).toBe(false)
    // What only the mended az of Debian does, too.
    const use =
      'az image list -o tsv; az role assignment list --all --query "[].roleDefinitionName" -o tsv'
    const { stdout } = await shell(`${lines}\n${lines}\n${use}`)
    expect(stdout).toContain('Owner')
  })

  it('does it all with --apply, prints the exports, and takes all of it away with --remove', async () => {
    await command(...fromOwner, '--apply')
    const { stdout: exports, stderr } = await command(...fromOwner, '--apply')
    const folder = join(folderOf('vitrine'), 'azure')
    expect(exports).toBe(
      `export AZURE_CONFIG_DIR=${folder}\nexport REQUESTS_CA_BUNDLE=${join(folder, 'vitrine-ca.pem')}\n`,
    )
    expect(stderr).toContain(`. ${join(folder, 'vitrine-env.sh')}`)
    const asked =
      'az cloud show --query name -o tsv; az account show --query id -o tsv; az sig list'
    const { stdout } = await shell(`eval '${exports}'; ${asked}`)
    expect(stdout).toBe(`Vitrine\n${vitrine().subscription}\n[]\n`)
    const { stdout: unset } = await command('az-setup', '--remove', '--apply')
    expect(unset).toBe('unset AZURE_CONFIG_DIR\nunset REQUESTS_CA_BUNDLE\n')
    expect(await isThere(folder)).toBe(false)
    expect((await command('az-setup', '--remove', '--apply')).stdout).toBe('')
  })

  it('leaves what else lies in a folder of one’s own as it was', async () => {
    const folder = folderOf('mine')
    await mkdir(folder)
    const mine = `export AZURE_CONFIG_DIR=${folder};`
    await shell(`${mine} az cloud register -n Mine --endpoint-resource-manager ${vitrine().url} \
      --endpoint-active-directory x --endpoint-active-directory-resource-id x --endpoint-active-directory-graph-resource-id x --endpoint-management x --endpoint-gallery x`)
    await command(...fromOwner, '--config-dir', folder, '--apply', '--debian')
    const gone = await command('az-setup', '--remove', '--config-dir', folder, '--apply')
    expect(gone.stdout).toMatch(/^unset PYTHONPATH$/m)
    const { stdout } = await shell(
      `${mine} az cloud list --query "[].name" -o tsv; az account list --all -o tsv`,
    )
    expect(stdout.split('\n')).toContain('Mine')
    expect(stdout).not.toContain('Vitrine')
    expect((await readdir(folder)).filter((name) => name.startsWith('vitrine'))).toEqual([])
  })

  it('logs az in as a person with --user, by a code, at a server that is only named', async () => {
    const ca = join(vitrine().data, 'tls', 'ca.pem')
    const { tenantId } = vitrine().config
    const named = ['--base', vitrine().url, '--ca', ca, '--tenant', tenantId]
    const child = spawn(process.execPath, [main, 'az-setup', '--user', ...named, '--apply'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { out, err, exitCode } = await endDeviceLogin(child, confirm)
    expect([exitCode, err]).toEqual([0, expect.stringContaining('az is logged in')])
    const { stdout } = await shell(`${out}\naz account show --query user.name -o tsv`)
    expect(stdout).toBe(`${ann().name}\n`)
    await command('az-setup', '--remove', '--apply')
  })

  it('says what is missing: a login, az itself, the server', async () => {
    await expect(command('az-setup')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NotLoggedIn'),
    })
    const noAz = run('env', ['PATH=/nowhere', process.execPath, main, ...fromOwner, '--apply'], {
      env,
    })
    await expect(noAz).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('AzNotFound'),
    })
    const gone = ['--user', '--base', 'https://127.0.0.1:9']
    await expect(command('az-setup', ...gone)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Unreachable'),
    })
    await expect(command('az-setup', '--base', vitrine().url)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--user'),
    })
  })
})
