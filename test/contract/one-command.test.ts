import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { digestOf } from '../../src/domain/digest.ts'
import { limits } from '../../src/domain/limits.ts'
import { openWorld } from '../../src/world.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { startSourceServer } from '../support/source-server.ts'
import { noiseChunk } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const { chunkBytes } = limits
const mib = 1024 * 1024
const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

/** 40 MiB, of which the middle is a hole. */
function contentOf(seed: (chunk: number) => number): Buffer {
  const bytes = Buffer.alloc(40 * mib)
  for (let at = 0; at < 640; at++) {
    if (at < 280 || at > 500) noiseChunk(seed(at)).copy(bytes, at * chunkBytes)
  }
  return bytes
}

describe('one command each way', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let folder = ''
  let host: Awaited<ReturnType<typeof startSourceServer>>
  const first = contentOf((chunk) => chunk + 1)
  const second = contentOf((chunk) => (chunk === 17 ? 9999 : chunk + 1))
  const names = ['-g', 'rg', '-r', 'corp', '-i', 'debian']
  const targets = ['--target-regions', 'westeurope', 'eastus']

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-one-'))
    host = await startSourceServer({ bytes: first })
    vitrine = await openTestInstallation({ config: { imports: { hosts: [host.origin] } } })
    arm = openArm(vitrine, 'rg')
    await arm.put(arm.groupPath, { location: 'westeurope' })
    await arm.make('galleries/corp', { location: 'westeurope' })
    await writeProfile(folder, await readOwner(join(vitrine.data, 'owner.json')))
    await writeFile(join(folder, 'first.raw'), first)
    await writeFile(join(folder, 'second.raw'), second)
  })
  afterAll(async () => {
    await vitrine.close()
    await host.close()
    await rm(folder, { recursive: true })
  })

  async function run(
    args: readonly string[],
    { signal = new AbortController().signal, home = folder } = {},
  ) {
    const [out, err] = [openTestTerminal(), openTestTerminal()]
    const world = openWorld('error')
    const code = await runCli(args, {
      world,
      version: '1',
      homeFolder: home,
      out,
      err,
      signal,
      local,
    })
    return { code, out: out.text(), err: err.text() }
  }

  const create = (version: string, file: string, ...more: readonly string[]) =>
    run([
      'image-version',
      'create',
      ...names,
      '-e',
      version,
      '--from',
      join(folder, file),
      ...targets,
      ...more,
    ])

  const bytesOf = (version: string, region: string) =>
    arm.bytesOf(`galleries/corp/images/debian/versions/${version}`, region)

  /** What the commands make for themselves. */
  async function disksLeft(): Promise<readonly unknown[]> {
    const { body } = await arm.get(`${arm.groupPath}/providers/Microsoft.Compute/disks`)
    const disks = z.array(z.looseObject({ name: z.string() })).parse(body.value)
    return disks.filter(({ name }) => name.startsWith('vitrine-'))
  }

  it('B12 a file becomes a version; its definition is created only if that is asked for', async () => {
    const without = await create('1.0.0', 'first.raw')
    expect(without).toMatchObject({ code: 3, out: '' })
    const done = await create(
      '1.0.0',
      'first.raw',
      '--create-definition',
      'Contoso:Debian:13',
      '--os-type',
      'Linux',
    )
    expect(done).toMatchObject({ code: 0 })
    expect(done.err).toMatch(/40\.0 MiB of 40\.0 MiB read, 26\.2 MiB sent, the rest is holes/)
    expect(await disksLeft()).toEqual([])
    expect(digestOf(await bytesOf('1.0.0', 'eastus'))).toBe(digestOf(first))
  })

  it('the next version sends what changed, and says so', async () => {
    const done = await create('1.0.1', 'second.raw')
    expect(done).toMatchObject({ code: 0 })
    expect(done.err).toMatch(/40\.0 MiB of 40\.0 MiB read, 64\.0 KiB sent, the rest was there/)
    expect(await disksLeft()).toEqual([])
    expect(digestOf(await bytesOf('1.0.1', 'eastus'))).toBe(digestOf(second))
  })

  it('one that exists, or a file that is none, is refused before anything is sent', async () => {
    const again = await create('1.0.1', 'second.raw')
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('exists already') })
    const none = await create('1.0.2', 'none.raw')
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('there is no such file') })
    const both = await create('1.0.2', 'first.raw', '--os-snapshot', 'x')
    expect(both).toMatchObject({ code: 2 })
    const alone = await run([
      'image-version',
      'create',
      ...names,
      '-e',
      '1.0.2',
      '--parent',
      '1.0.0',
    ])
    expect(alone).toMatchObject({ code: 2, err: expect.stringContaining('go with --from') })
    expect(await disksLeft()).toEqual([])
  })

  it('a parent that was named is looked at first, and must be there', async () => {
    const named = await create('1.0.2', 'first.raw', '--parent', 'contoso:debian:13:1.0.0')
    expect(named.err).toContain('0 B sent, the rest was there')
    const missing = await create('1.0.3', 'first.raw', '--parent', '7.7.7')
    expect(missing).toMatchObject({ code: 3 })
    expect(await disksLeft()).toEqual([])
  })

  it('B12 a command that was stopped goes on where it stopped, in the same disk', async () => {
    await writeFile(
      join(folder, 'third.raw'),
      contentOf((chunk) => chunk + 20_000),
    )
    const stopping = new AbortController()
    const cut = run(
      ['image-version', 'create', ...names, '-e', '2.0.0', '--from', join(folder, 'third.raw')],
      { signal: stopping.signal },
    )
    await expect.poll(async () => JSON.stringify(await disksLeft())).toContain('ActiveUpload')
    await expect.poll(() => journalLines(), { interval: 5, timeout: 10_000 }).toBeGreaterThan(1)
    stopping.abort(new Error('Ctrl-C'))
    expect(await cut).toMatchObject({
      code: 130,
      err: expect.stringContaining('Repeat the command'),
    })
    const done = await create('2.0.0', 'third.raw')
    expect(done).toMatchObject({ code: 0 })
    expect(done.err).toMatch(/(8\.00|24\.0) MiB of 40\.0 MiB read/)
    expect(await disksLeft()).toEqual([])
    const third = await readFile(join(folder, 'third.raw'))
    expect(digestOf(await bytesOf('2.0.0', 'westeurope'))).toBe(digestOf(third))
  })

  it('a file of another host is fetched by the server', async () => {
    const args = ['image-version', 'create', ...names, ...targets, '-e', '1.9.0']
    const done = await run([...args, '--from', `${host.origin}/first.raw`])
    expect(done).toMatchObject({ code: 0 })
    expect(digestOf(await bytesOf('1.9.0', 'eastus'))).toBe(digestOf(first))
    expect(await disksLeft()).toEqual([])
  })

  it('a version is made of another one, as people say it', async () => {
    const args = ['image-version', 'create', ...names, ...targets, '-e', '1.9.1']
    expect(await run([...args, '--image-version', 'Contoso:Debian:13:1.0.1'])).toMatchObject({
      code: 0,
    })
    expect(digestOf(await bytesOf('1.9.1', 'eastus'))).toBe(digestOf(second))
  })

  it('a version is found as people say it', async () => {
    const shown = await run(['image-version', 'show', 'Contoso:Debian:13:1.0.1', '-o', 'json'])
    expect(JSON.parse(shown.out)).toMatchObject({ name: '1.0.1' })
    const latest = await run(['image-version', 'show', 'contoso:DEBIAN:13:latest', '-o', 'json'])
    expect(JSON.parse(latest.out)).toMatchObject({ name: '2.0.0' })
    const out = join(folder, 'out.raw')
    const download = ['image-version', 'download', 'Contoso:Debian:13:1.0.0', '--file', out]
    expect(await run([...download, '-l', 'eastus'])).toMatchObject({ code: 0 })
    expect(digestOf(await readFile(out))).toBe(digestOf(first))
    const disk = ['disk', 'create', '-g', 'rg', '-n', 'made', '--gallery-image-reference']
    expect(await run([...disk, 'Contoso:Debian:13:latest'])).toMatchObject({ code: 0 })
    await arm.remove('disks/made')
    const url = await run(['image-url', 'create', 'Contoso:Debian:13:1.0.0', '-o', 'tsv'])
    expect(url).toMatchObject({ code: 0, out: expect.stringContaining('https://') })
  })

  it.each([
    ['Contoso:Debian:12:latest', 3, 'No gallery that you may read has an image Contoso:Debian:12'],
    ['Contoso:Debian:13:9.9.9', 3, ''],
    ['Contoso:Debian:13:newest', 2, "'newest' in"],
    ['Contoso:Debian:13', 2, 'is not of the form publisher:offer:sku:version'],
  ])('%s is told what is wrong with it', async (image, code, says) => {
    const shown = await run(['image-version', 'show', image])
    expect(shown).toMatchObject({ code, err: expect.stringContaining(says) })
  })

  it('a version is changed, awaited and deleted as people say it; latest is not deleted', async () => {
    const named = ['Contoso:Debian:13:1.9.1']
    const regions = ['--target-regions', 'westeurope']
    const { code } = await run(['image-version', 'update', ...named, ...regions])
    expect(code).toBe(0)
    expect(await run(['image-version', 'wait', ...named, '--updated'])).toMatchObject({ code: 0 })
    const latest = await run(['image-version', 'delete', 'Contoso:Debian:13:latest'])
    expect(latest).toMatchObject({ code: 2, err: expect.stringContaining('Name the version') })
    expect(await run(['image-version', 'delete', ...named])).toMatchObject({ code: 0 })
    expect(await run(['image-version', 'show', ...named])).toMatchObject({ code: 3 })
  })

  it('one that is in two galleries is asked back, and told apart by gallery', async () => {
    await arm.make('galleries/other', { location: 'westeurope' })
    const { properties } = await arm.get('galleries/corp/images/debian').then(({ body }) => body)
    await arm.make('galleries/other/images/deb', { location: 'westeurope', properties })
    const shown = await run(['image-version', 'show', 'Contoso:Debian:13:latest'])
    expect(shown).toMatchObject({ code: 1, err: expect.stringContaining('-g rg -r other') })
    const told = await run(['image-version', 'show', 'Contoso:Debian:13:latest', '-r', 'corp'])
    expect(told).toMatchObject({ code: 0 })
  })

  it('a version that the caller may not read is no parent, and is not told from one that is not there', async () => {
    const theirs = openArm(vitrine, 'theirs')
    await theirs.put(theirs.groupPath, { location: 'westeurope' })
    await theirs.make('galleries/their', { location: 'westeurope' })
    const right = { roleId: builtInRoles.contributor.id, scope: theirs.groupPath }
    const { clientId, clientSecret } = await openOtherCaller(vitrine, [right], 'theirs')
    const { base, tenantId, subscriptionId, caFile } = await readOwner(
      join(vitrine.data, 'owner.json'),
    )
    const home = join(folder, 'theirs')
    await mkdir(home)
    const profile = { base, tenantId, subscriptionId, clientId, clientSecret }
    await writeProfile(home, { ...profile, ...(caFile !== undefined && { caFile }) })
    const mine = ['-g', 'theirs', '-r', 'their', '-i', 'debian', '-e', '1.0.0', '-l', 'westeurope']
    const made = ['--create-definition', 'Contoso:Debian:13', '--os-type', 'Linux']
    const args = ['image-version', 'create', ...mine, ...made, '--from', join(folder, 'first.raw')]
    const idOf = (version: string) => arm.idOf(`galleries/corp/images/debian/versions/${version}`)
    const hidden = await run([...args, '--parent', idOf('1.0.0')], { home })
    const missing = await run([...args, '--parent', idOf('8.8.8')], { home })
    expect(hidden).toMatchObject({ code: 1, err: expect.stringContaining('AuthorizationFailed') })
    expect(missing.err.replaceAll('8.8.8', '1.0.0')).toBe(hidden.err)
    const done = await run(args, { home })
    expect(done).toMatchObject({ code: 0, err: expect.stringContaining('26.2 MiB sent') })
  })

  async function journalLines(): Promise<number> {
    const journals = await readdir(join(folder, 'transfers'))
    const texts = await Promise.all(
      journals.map((name) => readFile(join(folder, 'transfers', name), 'utf8')),
    )
    return texts.join('').split('\n').length - 1
  }
})
