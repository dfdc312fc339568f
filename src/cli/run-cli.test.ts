import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openArmServer, type StubAnswer, type StubRequest } from '../../test/support/arm-server.ts'
import { openPageBlobServer } from '../../test/support/page-blob-server.ts'
import { openQuickWorld } from '../../test/support/quick-world.ts'
import { openTestTerminal } from '../../test/support/test-terminal.ts'
import { writeProfile } from './profile.ts'
import { runCli } from './run-cli.ts'

let homeFolder = ''
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  homeFolder = await mkdtemp(join(tmpdir(), 'vitrine-cli-'))
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await rm(homeFolder, { recursive: true })
})

const served: unknown[] = []
const local = {
  serve: async (flags: unknown) => void served.push(flags),
  migrate: async (flags: unknown) => void served.push(flags),
  backup: async (flags: unknown) => void served.push(flags),
  quickstart: async (flags: unknown) => void served.push(flags),
  checkSpace: async (flags: unknown) => {
    served.push(flags)
    return { isSound: false, packs: 1, roots: [] }
  },
  restoreSpaces: async (flags: unknown) => void served.push(flags),
}

async function run(args: readonly string[], signal = new AbortController().signal) {
  const [out, err] = [openTestTerminal(), openTestTerminal()]
  const world = openQuickWorld()
  const parts = { world, version: '1', homeFolder, out, err, signal, local }
  const code = await runCli(args, parts)
  return { code, out: out.text(), err: err.text() }
}

/** A server that is logged in to. */
async function openServer(answer: (request: StubRequest, base: string) => StubAnswer) {
  const server = await openArmServer((request, base) =>
    request.path.endsWith('/token')
      ? { body: { access_token: 'x', expires_in: 3600 } }
      : answer(request, base),
  )
  closing.push(server.close)
  await writeProfile(homeFolder, {
    base: server.base,
    tenantId: 't',
    subscriptionId: 's1',
    clientId: 'c',
    clientSecret: 'very-secret',
  })
  return server
}

test('help is exit 0, a wrong command line exit 2 with the fix', async () => {
  expect(await run(['--help'])).toMatchObject({ code: 0, err: '' })
  const help = await run(['image-version', 'create', '--help'])
  expect(help.out).toContain('--target-regions')
  expect(await run(['galery'])).toMatchObject({ code: 2, err: expect.stringContaining('gallery') })
  const missing = await run(['gallery', 'show', '-g', 'x'])
  expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('--gallery-name') })
  const number = await run(['serve', '--port', 'abc'])
  expect(number).toMatchObject({ code: 2, err: expect.stringContaining('whole number') })
})

test('serve, quickstart, migrate and backup get their flags', async () => {
  served.length = 0
  await run(['serve', '--data', 'd', '--port', '1234'])
  await run(['quickstart', 'my.vhd', '--keep'])
  await run(['migrate', '--to', 'postgres://h/d', '--data', 'd'])
  await run(['backup', '--to', '/b', '--data', 'd'])
  expect(served).toEqual([
    { data: 'd', port: 1234, host: undefined, configFile: undefined, replaceSigningKey: false },
    { file: 'my.vhd', data: undefined, keep: true },
    { to: 'postgres://h/d', caFile: undefined, data: 'd', configFile: undefined },
    { to: '/b', data: 'd', configFile: undefined },
  ])
})

test('without a login the way to one is told', async () => {
  const { code, err } = await run(['group', 'list'])
  expect(code).toBe(1)
  expect(err).toContain('vitrine login')
})

test('a login is kept for its owner alone, and its secret is never shown', async () => {
  await openServer(() => ({ body: {} }))
  const file = join(homeFolder, 'profile.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const shown = await run(['account', 'show', '-o', 'json'])
  expect(JSON.parse(shown.out)).toMatchObject({ subscriptionId: 's1', clientId: 'c' })
  expect(shown.out + shown.err).not.toContain('very-secret')
})

test('a local login leaves the secret in its own file and follows the server to another port', async () => {
  const server = await openServer(() => ({ body: { value: [] } }))
  const owner = { tenantId: 't', clientId: 'c', clientSecret: 'very-secret' }
  await writeFile(join(homeFolder, 'owner.json'), JSON.stringify(owner))
  const place = { base: server.base, subscriptionId: 's1' }
  await writeFile(join(homeFolder, 'server.json'), JSON.stringify(place))
  expect(await run(['login', '--data', homeFolder])).toMatchObject({ code: 0 })
  expect(await readFile(join(homeFolder, 'profile.json'), 'utf8')).not.toContain('very-secret')
  const moved = { ...place, base: 'https://127.0.0.1:7' }
  await writeFile(join(homeFolder, 'server.json'), JSON.stringify(moved))
  expect((await run(['account', 'show'])).out).toContain('https://127.0.0.1:7')
})

test('rows come as a table, as JSON or tab-separated', async () => {
  await openServer(() => ({
    body: { value: [{ name: 'g1', location: 'eastus', properties: { provisioningState: 'Ok' } }] },
  }))
  expect((await run(['group', 'list'])).out).toBe('Name  Location  State\ng1    eastus    Ok\n')
  expect((await run(['group', 'list', '-o', 'tsv'])).out).toBe('g1\teastus\tOk\n')
  expect(JSON.parse((await run(['group', 'list', '-o', 'json'])).out)).toEqual([
    { name: 'g1', location: 'eastus', provisioningState: 'Ok' },
  ])
})

test('what does not exist is exit 3, any other refusal exit 1, each with the next step', async () => {
  const error = (status: number, code: string) => ({
    status,
    body: { error: { code, message: 'm.', target: 'a.b' } },
  })
  await openServer((request) =>
    request.path.includes('gone') ? error(404, 'ResourceNotFound') : error(409, 'Conflict'),
  )
  const gone = await run(['group', 'show', '-n', 'gone'])
  expect(gone).toMatchObject({ code: 3, err: expect.stringContaining('Next:') })
  const refused = await run(['group', 'show', '-n', 'busy'])
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('at a.b') })
})

test('what is wrong is said once, then what else is', async () => {
  const said = { code: 'NotFound', message: 'Source os is not found.' }
  const other = { code: 'InvalidParameter', message: 'Too many replicas.' }
  await openServer(({ method }) =>
    method === 'PUT'
      ? { status: 404, body: { error: { ...said, details: [said, said, other, other] } } }
      : { body: { location: 'westeurope' } },
  )
  const id = '/subscriptions/s1/resourceGroups/g/providers/Microsoft.Compute/disks/os'
  const names = ['-g', 'g', '-r', 'r', '-i', 'i', '-e', '1.0.0']
  const { err } = await run(['image-version', 'create', ...names, '--os-snapshot', id])
  expect(err.split('Source os is not found.')).toHaveLength(2)
  expect(err.split('Too many replicas.')).toHaveLength(2)
})

test('a source that is neither a disk nor a snapshot is told so, and nothing is asked of it', async () => {
  const server = await openServer(({ path }) =>
    path.endsWith('/resourceGroups/g')
      ? { body: { location: 'westeurope' } }
      : { status: 404, body: { error: { code: 'ResourceNotFound', message: 'none' } } },
  )
  for (const args of [
    ['snapshot', 'create', '-g', 'g', '-n', 'n', '--source', 's-os', '--copy-start', 'true'],
    [
      'image-version',
      'create',
      '-g',
      'g',
      '-r',
      'r',
      '-i',
      'i',
      '-e',
      '1.0.0',
      '--os-snapshot',
      's-os',
    ],
  ]) {
    const { code, err } = await run(args)
    expect([code, err.split('\n')[0]]).toEqual([
      3,
      "Error (ResourceNotFound): No disk and no snapshot 's-os' was found in the resource group 'g'.",
    ])
  }
  expect(server.seen.filter(({ method }) => method === 'PUT')).toEqual([])
})

test('a stop by the person is exit 130', async () => {
  const stop = new AbortController()
  await openServer((_request, base) => {
    queueMicrotask(() => stop.abort())
    return { status: 202, headers: { 'azure-asyncoperation': `${base}/op` }, body: {} }
  })
  expect(await run(['operation', 'watch', '/op?api-version=x'], stop.signal)).toMatchObject({
    code: 130,
  })
})

test('a group is deleted only with --yes; the region of a group serves what names none', async () => {
  const server = await openServer((request) =>
    request.method === 'GET' ? { body: { location: 'eastus2' } } : { body: { name: 'g' } },
  )
  expect(await run(['group', 'delete', '-n', 'g'])).toMatchObject({ code: 2 })
  expect(server.seen).toEqual([])
  await run(['gallery', 'create', '-g', 'g', '-r', 'x', '--tags', 'a=b=c', 'd', 'e=1'])
  const put = server.seen.find((request) => request.method === 'PUT')
  expect(JSON.parse(put?.body ?? '')).toEqual({
    location: 'eastus2',
    tags: { a: 'b=c', d: '', e: '1' },
    properties: {},
  })
})

test('an update writes back what was read, under its ETag, and again after a lost race', async () => {
  let etag = 0
  const server = await openServer((request) => {
    const headers = { etag: `"${++etag}"` }
    if (request.method === 'GET')
      return {
        headers,
        body: { location: 'eastus', properties: { eula: 'e', description: 'old' } },
      }
    const stale = server.seen.filter((one) => one.method === 'PUT').length === 1
    return stale
      ? { status: 412, body: { error: { code: 'PreconditionFailed', message: 'm' } } }
      : { body: {} }
  })
  const names = ['-g', 'g', '-r', 'r', '-i', 'i']
  const done = await run(['image-definition', 'update', ...names, '--description', 'new'])
  expect(done.code).toBe(0)
  const puts = server.seen.filter((request) => request.method === 'PUT')
  expect(puts.map((put) => put.headers['if-match'])).toEqual(['"1"', '"3"'])
  expect(JSON.parse(puts.at(-1)?.body ?? '')).toEqual({
    location: 'eastus',
    properties: { eula: 'e', description: 'new' },
  })
})

const versionPath =
  '/subscriptions/s1/resourceGroups/g/providers/Microsoft.Compute/galleries/r/images/i/versions/1.0.0'

test('the temporary disk of a download is deleted, also when the download fails', async () => {
  const disk = Buffer.concat([Buffer.alloc(1024, 5), Buffer.alloc(512)])
  disk.write('conectix', 1024)
  disk.writeBigUInt64BE(1024n, 1024 + 48)
  disk.writeUInt32BE(2, 1024 + 60)
  const blob = await openPageBlobServer(disk)
  closing.push(blob.close)
  const server = await openServer((request) => {
    if (request.path === versionPath)
      return { body: { id: versionPath, name: '1.0.0', location: 'eastus', properties: {} } }
    if (request.path.endsWith('/beginGetAccess')) return { body: { accessSAS: blob.sasUrl } }
    return { body: { properties: { provisioningState: 'Succeeded' } } }
  })
  const file = join(homeFolder, 'out.raw')
  const args = ['-g', 'g', '-r', 'r', '-i', 'i', '-e', '1.0.0', '--file', file]
  const asked = () =>
    server.seen.map((request) => `${request.method} ${request.path.split('/').at(-1)}`)
  expect(await run(['image-version', 'download', ...args])).toMatchObject({ code: 0 })
  expect((await readFile(file)).equals(disk.subarray(0, 1024))).toBe(true)
  expect(asked().at(-1)).toMatch(/^DELETE vitrine-download-/)
  const requests = server.seen.length
  const again = await run(['image-version', 'download', ...args])
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('exists already') })
  expect(server.seen.slice(requests).some((request) => request.method === 'PUT')).toBe(false)
  await rm(file)
  blob.faults.cutAfter = 0
  expect(await run(['image-version', 'download', ...args])).toMatchObject({ code: 1 })
  expect(asked().at(-1)).toMatch(/^DELETE vitrine-download-/)
})

test('the space of a version is a row a region, in bytes that people read', async () => {
  const bytes = { occupiedBytes: 3 * 1024 ** 3, uniqueBytes: 1024 ** 3, sharedBytes: 2 * 1024 ** 3 }
  const one = { space: 'eastus/Standard_LRS/1', plain: bytes, stored: bytes, freedBytes: 1024 ** 2 }
  const region = { region: 'eastus', displayName: 'East US', stored: bytes, freedBytes: 1024 ** 2 }
  const server = await openServer(() => ({ body: { value: [{ ...region, spaces: [one] }] } }))
  const args = ['-g', 'g', '-r', 'r', '-i', 'i', '-e', '1.0.0']
  const done = await run(['image-version', 'space', ...args, '-o', 'table'])
  expect(done.out).toMatch(/Region +Spaces +Data +Stored +Unique +Shared +A deletion frees/)
  expect(done.out).toMatch(/East US +1 +3\.00 GiB +3\.00 GiB +1\.00 GiB +2\.00 GiB +1\.00 MiB/)
  expect(server.seen.at(-1)?.path).toBe(`${versionPath}/providers/Vitrine.Gallery/space`)
})

test('completion offers commands, flags, fixed values and names of the server', async () => {
  await openServer((request) =>
    request.path.endsWith('/images')
      ? { body: { value: [{ name: 'debian' }] } }
      : { body: { value: [{ name: 'eastus' }, { name: 'westus' }] } },
  )
  const complete = async (...words: readonly string[]) => {
    const { out } = await run(['__complete', '--words', ...words.map((word) => `=${word}`)])
    return out.trim().split('\n')
  }
  expect(await complete('image-v')).toEqual(['image-version'])
  expect(await complete('image-version', 'cr')).toEqual(['create'])
  expect(await complete('image-version', 'create', '--managed')).toEqual(['--managed-image'])
  expect(await complete('image-definition', 'create', '--os-type', '')).toEqual([
    'Linux',
    'Windows',
  ])
  const targets = ['image-version', 'create', '--target-regions', 'eastus=2', 'w']
  expect(await complete(...targets)).toEqual(['westus'])
  expect(await complete('image-version', 'show', '-g', 'g', '-r', 'r', '-i', '')).toEqual([
    'debian',
  ])
  expect((await run(['completion', 'bash'])).out).toContain('complete -o default -F')
})

test('create never changes what exists: it says how to', async () => {
  const server = await openServer((request) =>
    request.method === 'PUT'
      ? { status: 412, body: { error: { code: 'PreconditionFailed', message: 'm' } } }
      : { body: { location: 'eastus' } },
  )
  const done = await run(['gallery', 'create', '-g', 'g', '-r', 'x'])
  expect(done).toMatchObject({ code: 1, err: expect.stringContaining('vitrine gallery update') })
  const put = server.seen.find((request) => request.method === 'PUT')
  expect(put?.headers['if-none-match']).toBe('*')
})

test('deleting what is not there is exit 3', async () => {
  await openServer(() => ({ status: 204 }))
  const done = await run(['disk', 'delete', '-g', 'g', '-n', 'd'])
  expect(done).toMatchObject({ code: 3, err: expect.stringContaining("no 'd'") })
})

test('an operation of another installation is not followed', async () => {
  const server = await openServer(() => ({ body: {} }))
  const done = await run(['operation', 'watch', 'https://elsewhere.example/op?api-version=x'])
  expect(done).toMatchObject({ code: 2, err: expect.stringContaining('elsewhere.example') })
  expect(server.seen).toEqual([])
})

test('a space that is not sound is told, and the command ends with 1', async () => {
  const answer = await run(['space', 'check', '/mnt/disk1'])
  expect(answer).toMatchObject({ code: 1, out: expect.stringMatching(/^Root +Sound/) })
  expect(answer.err).toMatch(/No store.json: 1 packs.*The space at \/mnt\/disk1 is not sound/s)
  expect(served.at(-1)).toEqual({ place: '/mnt/disk1' })
  const json = await run(['space', 'check', '/mnt/disk1', '-o', 'json'])
  expect(JSON.parse(json.out)).toEqual({ isSound: false, packs: 1, roots: [] })
})

test('a rebuild is told a space, or places and a folder', async () => {
  const restored = await run(['space', 'rebuild', '/mnt/a', 's3://b/c', '--into', 'data'])
  expect(restored.code).toBe(0)
  expect(served.at(-1)).toEqual({
    places: ['/mnt/a', 's3://b/c'],
    into: 'data',
    configFile: undefined,
  })
  for (const [args, why] of [
    [['/mnt/a'], /'\/mnt\/a' is no space/],
    [['a/Standard_LRS/1', 'b/Standard_LRS/1'], /Several places and --config go with --into/],
    [['a/Standard_LRS/1', '--config', 'c.json'], /go with --into/],
  ] as const) {
    const refused = await run(['space', 'rebuild', ...args])
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(why) })
  }
  expect(await run(['space', 'show', 'disk1'])).toMatchObject({ code: 2 })
})
