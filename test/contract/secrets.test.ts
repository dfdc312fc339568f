import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { BlobSASPermissions } from '@azure/storage-blob'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { group, makeDefinition } from '../support/main-job.ts'
import type { OwnerClients } from '../support/owner-clients.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { startServer } from '../support/server-process.ts'

const password = 'correct-horse-battery-staple'
/** Where secrets are meant to be, readable by the operator alone. */
const meant = /^(owner\.json|installation\.key|tls\/|server\.json)/

let folder = ''
let data = ''
/** What was told to clients, by name. */
let secrets: Record<string, string> = {}
/** Everything that must hold none of them, by name. */
const seen = new Map<string, string>()

const bearer = (value: unknown) => z.object({ secretText: z.string() }).parse(value).secretText

/** A user with a password, an application with a secret, a guest, each made and then tried wrongly. */
async function useDirectory({ call, url }: OwnerClients, tenantId: string) {
  const graph = async (path: string, body: object) => {
    const answer = await call('POST', `/graph/v1.0/${path}`, body, {})
    const told: unknown = await answer.json()
    expect(answer.status, JSON.stringify(told)).toBeLessThan(300)
    return told
  }
  await graph('users', {
    ...{ accountEnabled: true, displayName: 'Ann', mailNickname: 'ann' },
    ...{ userPrincipalName: 'ann@example.test', passwordProfile: { password } },
  })
  const Made = z.object({ id: z.string(), appId: z.string() })
  const { id, appId } = Made.parse(await graph('applications', { displayName: 'robot' }))
  const added = bearer(await graph(`applications/${id}/addPassword`, {}))
  await graph('servicePrincipals', { appId })
  const Invited = z.object({ inviteRedeemUrl: z.url() })
  const { inviteRedeemUrl } = Invited.parse(
    await graph('invitations', {
      invitedUserEmailAddress: 'guest@example.test',
      inviteRedirectUrl: url,
    }),
  )
  const form = { grant_type: 'client_credentials', client_id: appId, scope: `${url}/.default` }
  const signIn = async (secret: string) => {
    const body = new URLSearchParams({ ...form, client_secret: secret })
    return (await fetch(`${url}/${tenantId}/oauth2/v2.0/token`, { method: 'POST', body })).text()
  }
  const Token = z.object({ access_token: z.string() })
  const { access_token: token } = Token.parse(JSON.parse(await signIn(added)))
  seen.set('the refusal of a sign-in', await signIn('wrong-secret-of-a-stranger'))
  const ticket = inviteRedeemUrl.split(/[/=]/).at(-1) ?? ''
  return { password, added, token, ticket, wrong: 'wrong-secret-of-a-stranger' }
}

async function useBytes(clients: OwnerClients) {
  const arm = openArm(clients)
  await arm.make('disks/d', {
    location: 'westeurope',
    properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
  })
  const sas = new URL(await arm.grant('d', 'Read'))
  await fetch(sas, { headers: { range: 'bytes=0-511' } })
  const { key, container } = await makeAccount(clients, arm, 'secrets1')
  const blob = (await container('box')).getBlockBlobClient('x')
  await blob.upload('x', 1)
  const permissions = BlobSASPermissions.parse('r')
  const url = await blob.generateSasUrl({ permissions, expiresOn: new Date(Date.now() + 60_000) })
  const stale = new URL(url.replace('/x?', '/y?'))
  seen.set('the refusal of a blob', await (await fetch(stale)).text())
  const signature = new URL(url).searchParams.get('sig') ?? ''
  return { sas: sas.searchParams.get('sig') ?? '', key, signature }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-secrets-'))
  data = join(folder, 'data')
  const database = inject('database') === 'postgres' ? { url: await freshDatabase() } : undefined
  const configFile = join(folder, 'vitrine.json')
  await writeFile(configFile, JSON.stringify({ logLevel: 'debug', database }))
  const server = await startServer(data, { port: 0, configFile })
  const clients = await server.clients()
  const owner = z
    .object({ clientSecret: z.string(), tenantId: z.string() })
    .parse(JSON.parse(await readFile(join(data, 'owner.json'), 'utf8')))
  await makeDefinition(clients)
  secrets = {
    ...(await useDirectory(clients, owner.tenantId)),
    ...(await useBytes(clients)),
    owner: owner.clientSecret,
    token: clients.token,
  }
  const audit = `/providers/Vitrine.Gallery/audit?api-version=2026-11-01`
  seen.set('the audit', await (await clients.call('GET', audit)).text())
  await lookAtProcesses()
  // As a crash leaves it: what is in the log of the database only is there too.
  await server.kill()
  seen.set('the log', server.log())
  await lookAtFiles(data)
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** What anybody on the machine sees of processes that work on the folder. */
async function lookAtProcesses(): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(folder)) seen.set(`the command line of ${pid}`, line)
  }
}

async function lookAtFiles(at: string): Promise<void> {
  for (const entry of await readdir(at, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(data, path)
    if (entry.isFile() && !meant.test(name)) seen.set(name, await readFile(path, 'latin1'))
  }
}

it('no secret of a whole life is in the database, the log, the audit, an error or a command line', () => {
  expect(Object.values(secrets).filter((secret) => secret.length < 12)).toEqual([])
  expect([...seen.keys()]).toEqual(expect.arrayContaining(['the log', 'the audit']))
  expect([...seen.keys()].some((name) => name.startsWith('the command line'))).toBe(true)
  if (inject('database') !== 'postgres') {
    // It is read at all: names are in clear.
    expect([...seen.values()].join('').includes(group)).toBe(true)
    expect([...seen].some(([name, text]) => /\.db/.test(name) && text.includes(group))).toBe(true)
  }
  const told = Object.entries(secrets).flatMap(([name, secret]) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')].flatMap((form) =>
      [...seen].filter(([, text]) => text.includes(form)).map(([place]) => `${name} in ${place}`),
    ),
  )
  expect(told).toEqual([])
})
