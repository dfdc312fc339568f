import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BlobSASPermissions } from '@azure/storage-blob'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { z } from 'zod'
import { openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { definition, gallery, group, makeDefinition, pageBlob } from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { startServer } from '../support/server-process.ts'
import { diskOf } from '../support/test-disks.ts'

const Line = z.looseObject({
  time: z.iso.datetime(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  event: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
})

let folder = ''
let log = ''
let secrets: string[] = []
const correlationId = '5eed0000-aaaa-4000-8000-00000000cafe'

/** A key, a SAS that is good and one that is not; answers what nobody may read in the log. */
async function useBlobs(clients: OwnerClients): Promise<string[]> {
  const arm = openArm(clients)
  const { key, name, container } = await makeAccount(clients, arm, 'logged1')
  const blob = (await container('box')).getBlockBlobClient('x')
  await blob.upload('x', 1)
  const permissions = BlobSASPermissions.parse('r')
  const sas = await blob.generateSasUrl({ permissions, expiresOn: new Date(Date.now() + 60_000) })
  await fetch(sas)
  await fetch(sas.replace('/x?', '/y?'))
  await fetch(blob.url, {
    headers: { authorization: `SharedKey ${name}:c2VjcmV0LW9mLWEtc3RyYW5nZXI=` },
  })
  const sig = new URL(sas).searchParams.get('sig') ?? ''
  return [key, sig, encodeURIComponent(sig), 'c2VjcmV0LW9mLWEtc3RyYW5nZXI=']
}

/** A whole life at `debug`: sign-in, an upload, a publish that fails, requests that are refused. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-log-'))
  const data = join(folder, 'data')
  const metricsTokenFile = join(folder, 'metrics-token')
  await writeFile(metricsTokenFile, 'the-token-of-the-metrics')
  const database = inject('database') === 'postgres' ? { url: await freshDatabase() } : undefined
  const configFile = join(folder, 'vitrine.json')
  await writeFile(configFile, JSON.stringify({ logLevel: 'debug', metricsTokenFile, database }))
  const server = await startServer(data, { port: 0, configFile })
  const clients = await server.clients()
  await makeDefinition(clients)
  const sas = await upload(clients)
  await failPublish(clients, data)
  await clients.call('GET', '/subscriptions?api-version=2022-12-01', undefined, {
    authorization: 'Bearer eyJhbGciOiJub25lIn0.secret-of-a-stranger.x',
    'x-ms-correlation-request-id': correlationId,
  })
  const ofBlobs = await useBlobs(clients)
  await fetch(new URL('/metrics', server.url), {
    headers: { authorization: 'Bearer the-token-of-the-metrics' },
  })
  const owner: unknown = JSON.parse(await readFile(join(data, 'owner.json'), 'utf8'))
  const { clientSecret } = z.object({ clientSecret: z.string() }).parse(owner)
  const key = await readFile(join(data, 'installation.key'))
  await server.stop()
  log = server.log()
  secrets = [
    clientSecret,
    encodeURIComponent(clientSecret),
    clients.token,
    clients.token.split('.')[2] ?? '',
    new URL(sas).searchParams.get('sig') ?? '',
    encodeURIComponent(new URL(sas).searchParams.get('sig') ?? ''),
    ...ofBlobs,
    key.toString('hex'),
    key.toString('base64'),
    key.toString('utf8').trim(),
    'secret-of-a-stranger',
    'the-token-of-the-metrics',
    ...(database ? [new URL(database.url).password] : []),
  ]
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

type Clients = Awaited<ReturnType<Awaited<ReturnType<typeof startServer>>['clients']>>

async function upload({ compute }: Clients): Promise<string> {
  const bytes = diskOf([1, 2])
  await compute.disks.createOrUpdate(group, 'source', {
    location: 'westeurope',
    osType: 'Linux',
    hyperVGeneration: 'V1',
    creationData: { createOption: 'Upload', uploadSizeBytes: bytes.byteLength },
  })
  const grant = { access: 'Write', durationInSeconds: 3600 }
  const { accessSAS = '' } = await compute.disks.grantAccess(group, 'source', grant)
  await pageBlob(accessSAS).uploadPages(bytes, 0, bytes.byteLength)
  const stale = new URL(accessSAS)
  stale.searchParams.set('sig', 'secret-of-a-stranger')
  await fetch(stale)
  await compute.disks.revokeAccess(group, 'source')
  await fetch(accessSAS)
  return accessSAS
}

/** The only copies of the source are damaged before a region reads them. */
async function failPublish({ call, subscription }: Clients, data: string): Promise<void> {
  const spaces = join(data, 'spaces', 'westeurope', 'Standard_LRS', '1', 'packs')
  await rm(spaces, { recursive: true })
  const base = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute`
  const path = `${base}/galleries/${gallery}/images/${definition}/versions/1.0.0?api-version=2023-07-03`
  const body = {
    location: 'westeurope',
    properties: { storageProfile: { osDiskImage: { source: { id: `${base}/disks/source` } } } },
  }
  const headers = { 'x-ms-correlation-request-id': correlationId }
  expect((await call('PUT', path, body, headers)).status).toBe(201)
  const read = async () => z.json().parse(await (await call('GET', path)).json())
  await vi.waitFor(
    async () => expect(JSON.stringify(await read())).toContain('"provisioningState":"Failed"'),
    { timeout: 60_000, interval: 200 },
  )
}

const lines = () => log.trim().split('\n')

it('every line is JSON with a time, a level and an event', () => {
  expect(lines().length).toBeGreaterThan(10)
  for (const line of lines()) expect(() => Line.parse(JSON.parse(line))).not.toThrow()
})

it('no secret, token, signature or password is in it', () => {
  const told = secrets.filter((secret) => secret.length < 12 || log.includes(secret))
  expect(told).toEqual([])
})

it('at debug, each request is a line with the ids that its client was told, and without its query', () => {
  const requests = lines()
    .map((line) => Line.parse(JSON.parse(line)))
    .filter(({ event }) => event === 'request')
  const put = requests.find(({ method, path }) => method === 'PUT' && /versions/.test(String(path)))
  expect(put).toMatchObject({ status: '201', correlationId, from: expect.stringContaining('127.') })
  expect(requests.some(({ path }) => String(path).startsWith('/md-disks/'))).toBe(true)
  expect(requests.filter(({ path }) => String(path).includes('?'))).toEqual([])
})

it('work that fails is told under the correlation id of the request that asked for it', () => {
  const failed = lines()
    .map((line) => Line.parse(JSON.parse(line)))
    .find(({ event }) => event === 'work-failed')
  expect(failed).toMatchObject({ kind: 'ConvergeRegion', correlationId })
})

it('a database that refuses the password is told without it', async () => {
  const url = new URL(await freshDatabase())
  url.password = 'not-the-right-password'
  const configFile = join(folder, 'wrong.json')
  await writeFile(configFile, JSON.stringify({ database: { url: url.href } }))
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const data = join(folder, 'wrong')
  const args = [main, 'serve', '--data', data, '--port', '0', '--config', configFile]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let told = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text
    })
  }
  const [code] = await once(child, 'close')
  expect(code).toBe(1)
  expect(told).toMatch(/password authentication failed|database/i)
  expect(told).not.toContain('not-the-right-password')
})
