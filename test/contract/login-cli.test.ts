import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
import { openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { tokenOfPerson } from '../support/person-token.ts'
import { password, refusal, useSignIn } from '../support/sign-in.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const world = openMovingWorld()
const { vitrine, ann, confirm, post } = useSignIn(world)
const Kept = z.looseObject({
  clientId: z.string(),
  tenantId: z.string(),
  signedIn: z.object({
    refreshToken: z.string(),
    accessToken: z.string(),
    renewAtMs: z.number(),
  }),
})
const Owner = z.object({ clientId: z.string(), clientSecret: z.string(), tenantId: z.string() })
let home: string
let profile: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'vitrine-login-'))
  profile = join(home, 'profile.json')
})
afterAll(() => rm(home, { recursive: true, force: true }))
const kept = async () => Kept.parse(JSON.parse(await readFile(profile, 'utf8')))

const local = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

/** One command; a code that it shows is confirmed by Ann. */
const run = (...line: readonly string[]) => runIn(home, ...line)

async function runIn(homeFolder: string, ...line: readonly string[]) {
  const out = openTestTerminal()
  const err = openTestTerminal()
  let confirmed: Promise<unknown> = Promise.resolve()
  const watched = {
    ...err,
    write(text: string): void {
      err.write(text)
      const [, address = '', code] = /open the page (\S+) and enter the code (\S+)/.exec(text) ?? []
      if (code === undefined) return
      confirmed = confirm({ user_code: code, verification_uri: address })
    },
  }
  const { signal } = new AbortController()
  const parts = { version: '1', homeFolder, out, err: watched, signal, local }
  const code = await runCli(line, { world: openWorld('error'), ...parts })
  await confirmed
  return { code, out: out.text(), err: err.text() }
}

const login = () =>
  run(
    ...['login', '--device', '--base', vitrine().url],
    ...['--ca', join(vitrine().data, 'tls', 'ca.pem')],
  )

it('a person logs in by a code, and what is kept is for nobody else to read', async () => {
  const done = await login()
  expect(done).toMatchObject({ code: 0, out: expect.stringContaining(vitrine().subscription) })
  const { signedIn, tenantId } = await kept()
  expect(tenantId).toBe(vitrine().config.tenantId)
  expect((await stat(profile)).mode & 0o777).toBe(0o600)
  expect(done.out + done.err).not.toContain(signedIn.refreshToken)
  const shown = await run('user', 'list', '-o', 'json')
  expect(JSON.parse(shown.out)).toMatchObject([{ id: ann().id }])
})

it('commands that run at once renew the login once, and it lives on', async () => {
  const before = await kept()
  await writeFile(profile, JSON.stringify({ ...before, ...renewedAt(before, 0) }))
  const all = await Promise.all(Array.from({ length: 4 }, () => run('group', 'list', '-o', 'json')))
  for (const one of all) expect(one).toMatchObject({ code: 0, err: '' })
  const after = await kept()
  expect(after.signedIn.refreshToken).not.toBe(before.signedIn.refreshToken)
  await writeFile(profile, JSON.stringify({ ...after, ...renewedAt(after, 0) }))
  expect(await run('group', 'list')).toMatchObject({ code: 0 })
  expect(await readdir(home)).toEqual(['profile.json'])
})

function renewedAt({ signedIn }: z.infer<typeof Kept>, renewAtMs: number) {
  return { signedIn: { ...signedIn, renewAtMs } }
}

it('a login that was stolen and used ends, and the command says what to do', async () => {
  const { clientId, signedIn } = await kept()
  const grant = { client_id: clientId, grant_type: 'refresh_token' }
  const used = { ...grant, refresh_token: signedIn.refreshToken }
  expect((await post('/oauth2/v2.0/token', used)).status).toBe(200)
  world.move(31_000)
  await writeFile(profile, JSON.stringify({ ...(await kept()), ...renewedAt(await kept(), 0) }))
  const refused = await run('group', 'list')
  expect(refused.err).toContain('AuthenticationFailed')
  expect(refused.err).toContain('vitrine login')
})

it('R88 R90 who may read one image alone logs in, and has a subscription', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-reader-'))
  const owner = openArm(vitrine())
  await makeDefinition(vitrine())
  const id = owner.idOf(`galleries/${gallery}/images/${definition}`)
  const reader = await openOtherCaller(vitrine(), [
    { roleId: builtInRoles.computeGalleryImageReader.id, scope: id },
  ])
  const at = ['--base', vitrine().url, '--ca', join(vitrine().data, 'tls', 'ca.pem')]
  const who = [
    '--tenant',
    vitrine().config.tenantId,
    '-u',
    reader.clientId,
    '-p',
    reader.clientSecret,
  ]
  expect(await runIn(folder, 'login', ...at, ...who)).toMatchObject({ code: 0, err: '' })
  const listed = await runIn(folder, 'account', 'list', '-o', 'json')
  expect(JSON.parse(listed.out)).toMatchObject([
    { subscriptionId: vitrine().subscription, isDefault: true },
  ])
  const kept = ['account', 'set', '--subscription']
  expect(await runIn(folder, ...kept, 'Vitrine')).toMatchObject({ code: 0 })
  expect(await runIn(folder, ...kept, 'other')).toMatchObject({ code: 3 })
  expect((await runIn(folder, 'account', 'show')).out).toContain(vitrine().subscription)
  await rm(folder, { recursive: true })
})

it('who holds nothing logs in where that is allowed, and is told to name a subscription', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-nobody-'))
  const nobody = await openOtherCaller(vitrine(), [])
  const at = ['--base', vitrine().url, '--ca', join(vitrine().data, 'tls', 'ca.pem')]
  const who = [
    '--tenant',
    vitrine().config.tenantId,
    '-u',
    nobody.clientId,
    '-p',
    nobody.clientSecret,
  ]
  expect(await runIn(folder, 'login', ...at, ...who)).toMatchObject({ code: 1 })
  expect(await readdir(folder)).toEqual([])
  const login = await runIn(folder, 'login', ...at, ...who, '--allow-no-subscriptions')
  expect(login).toMatchObject({ code: 0, err: '' })
  const refused = await runIn(folder, 'gallery', 'list', '-g', 'images')
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.err).toContain('add --subscription GUID')
  expect(await runIn(folder, 'account', 'set')).toMatchObject({ code: 2 })
  expect(await runIn(folder, 'account', 'list')).toMatchObject({ code: 0 })
  await rm(folder, { recursive: true })
})

it('a temporary password that an administrator is shown once lets a person choose his own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-admin-'))
  expect(await runIn(folder, 'login', '--data', vitrine().data)).toMatchObject({ code: 0 })
  const named = ['--principal-name', 'eve@example.test', '--display-name', 'Eve']
  expect(await runIn(folder, 'user', 'create', ...named)).toMatchObject({ code: 0 })
  const given = await runIn(
    folder,
    'user',
    'reset-password',
    '-n',
    'eve@example.test',
    '-o',
    'json',
  )
  const { temporaryPassword: old, changeAt } = JSON.parse(given.out)
  expect(changeAt).toBe(`${vitrine().url}/${vitrine().config.tenantId}/password`)
  const { tenantId } = vitrine().config
  const eve = { tenantId, name: 'eve@example.test' }
  expect(await tokenOfPerson(vitrine(), { ...eve, password: old })).toBeUndefined()
  const body = new URLSearchParams({
    ...{ name: eve.name, password: old, fresh: password, again: password, do: 'change' },
  })
  expect((await fetch(changeAt, { method: 'POST', body })).status).toBe(200)
  expect(await tokenOfPerson(vitrine(), { ...eve, password })).toBeDefined()
  await rm(folder, { recursive: true })
})

it('logout forgets it, here and at the server', async () => {
  expect((await login()).code).toBe(0)
  const { clientId, signedIn } = await kept()
  expect((await run('logout')).code).toBe(0)
  expect(await readdir(home)).toEqual([])
  expect((await run('group', 'list')).err).toContain('not logged in')
  const grant = { client_id: clientId, grant_type: 'refresh_token' }
  const late = post('/oauth2/v2.0/token', { ...grant, refresh_token: signedIn.refreshToken })
  expect(await refusal(late)).toEqual([400, 'invalid_grant', 70043])
  expect((await run('logout')).code).toBe(0)
})

it('logout says when the server was not told', async () => {
  expect((await login()).code).toBe(0)
  await writeFile(profile, JSON.stringify({ ...(await kept()), tenantId: randomUUID() }))
  const { code, err } = await run('logout')
  expect([code, err]).toEqual([1, expect.stringContaining('the server was not told')])
  expect(await readdir(home)).toEqual([])
})

it('logout waits for the command that renews the login', async () => {
  expect((await login()).code).toBe(0)
  const fresh = await readFile(profile, 'utf8')
  // What it is before that command is done would not be taken by the server.
  await writeFile(profile, JSON.stringify({ ...(await kept()), tenantId: randomUUID() }))
  const lock = `${profile}.lock`
  await writeFile(lock, 'another command')
  const leaving = run('logout')
  expect(await readFile(lock, 'utf8')).toBe('another command')
  await writeFile(profile, fresh)
  await rm(lock)
  expect(await leaving).toMatchObject({ code: 0, err: '' })
  expect(await readdir(home)).toEqual([])
})

it('a secret comes from a file', async () => {
  const { clientId, clientSecret, tenantId } = Owner.parse(
    JSON.parse(await readFile(join(vitrine().data, 'owner.json'), 'utf8')),
  )
  const file = join(home, 'secret')
  const server = ['--base', vitrine().url, '--ca', join(vitrine().data, 'tls', 'ca.pem')]
  const line = ['login', ...server, '--tenant', tenantId, '-u', clientId, '-p', `@${file}`]
  expect(await run(...line)).toMatchObject({ code: 2, err: expect.stringContaining('ENOENT') })
  await writeFile(file, `${clientSecret}\n`)
  expect(await run(...line)).toMatchObject({ code: 0, err: '' })
  await rm(file)
  expect((await run('logout')).code).toBe(0)
})

it('what cannot be meant is refused', async () => {
  expect((await run('login', '--device')).code).toBe(2)
  expect((await run('login', '--device', '--base', vitrine().url, '-p', 'x')).code).toBe(2)
})
