import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runCli } from '../../src/cli/run-cli.ts'
import { type Config, type ConfigOverrides, readConfig } from '../../src/config.ts'
import { type Serving, serve } from '../../src/serve.ts'
import { openWorld } from '../../src/world.ts'
import { type OpenidIssuer, openOpenidIssuer } from '../support/openid-issuer.ts'
import { databaseOf } from '../support/postgres-database.ts'
import { openTestTerminal } from '../support/test-terminal.ts'

const tenantId = '22222222-2222-4333-8444-555555555555'
const subscription = '00000000-0000-4000-8000-000000000001'
const discovery = '.well-known/openid-configuration'
const ann = 'aaaaaaaa-0000-4000-8000-000000000001'

const noLocalCommands = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

describe('an installation whose people sign in elsewhere alone', () => {
  let data: string
  let keycloak: OpenidIssuer
  let config: Config
  let serving: Serving
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'vitrine-elsewhere-'))
    keycloak = await openOpenidIssuer({ path: '/realms/lab', alg: 'ES256' })
    const database = inject('database') === 'postgres' ? { url: await databaseOf(data) } : undefined
    config = await readConfig(undefined, {
      ...{ data, port: 0, lanes: 1, database, plainHttp: true, tenantId, embeddedIssuer: false },
      subscriptions: [{ id: subscription, displayName: 'All' }],
      issuers: [{ issuer: keycloak.issuer, tenantId }],
      owner: { principalId: ann, principalType: 'User' },
    })
    serving = await serve(config, openWorld('error'))
  })
  afterAll(async () => {
    await serving.stop()
    await keycloak.stop()
    await rm(data, { recursive: true, force: true })
  })

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${serving.url}${path}`, { redirect: 'manual', ...init })
  const bearer = async (sub: string) => {
    const nowS = Math.floor(Date.now() / 1000)
    const claims = { sub, iat: nowS, nbf: nowS, exp: nowS + 600 }
    return { authorization: `Bearer ${await keycloak.token(serving.url, claims)}` }
  }
  const list = '/subscriptions?api-version=2022-12-01'

  it('has no owner of its own: whoever the configuration names begins, at each start', async () => {
    expect(await readdir(data)).not.toContain('owner.json')
    const mine = await ask(list, { headers: await bearer(ann) })
    expect(await mine.json()).toMatchObject({ value: [{ subscriptionId: subscription, tenantId }] })
    const others = await ask(list, { headers: await bearer('somebody else') })
    expect(await others.json()).toMatchObject({ value: [] })
    await serving.stop()
    serving = await serve(config, openWorld('error'))
    expect((await ask(list, { headers: await bearer(ann) })).status).toBe(200)
  })

  it('the command line works with a token of the other issuer until it ends, and says how', async () => {
    const homeFolder = await mkdtemp(join(tmpdir(), 'vitrine-token-'))
    const token = async (sub: string, endsInS: number, more: object = {}) => {
      const nowS = Math.floor(Date.now() / 1000)
      const claims = { sub, iat: nowS - 900, nbf: nowS - 900, exp: nowS + endsInS, ...more }
      return keycloak.token(serving.url, claims)
    }
    const run = async (...line: readonly string[]) => {
      const [out, err] = [openTestTerminal(), openTestTerminal()]
      const { signal } = new AbortController()
      const parts = { world: openWorld('error'), version: '1', homeFolder, out, err, signal }
      const code = await runCli(line, { ...parts, local: noLocalCommands })
      return { code, out: out.text(), err: err.text() }
    }
    const file = join(homeFolder, 'token')
    const login = async (text: string) => {
      await writeFile(file, text)
      return run('login', '--token-file', file, '--base', serving.url)
    }
    try {
      expect(await run('login', '--device', '--base', serving.url)).toMatchObject({
        code: 1,
        err: expect.stringContaining('--token-file'),
      })
      expect(await login('no token')).toMatchObject({
        code: 2,
        err: expect.stringContaining('holds no access token'),
      })
      expect(await login(await token(ann, -1))).toMatchObject({
        code: 1,
        err: expect.stringContaining('has run out'),
      })
      const done = await login(`${await token(ann, 600, { tid: tenantId })}\n`)
      expect(done).toMatchObject({ code: 0, out: expect.stringContaining(subscription) })
      const profile = join(homeFolder, 'profile.json')
      expect((await stat(profile)).mode & 0o777).toBe(0o600)
      expect((await run('group', 'list')).code).toBe(0)
      expect((await run('account', 'show')).out).not.toContain('eyJ')
      const kept = Object(JSON.parse(await readFile(profile, 'utf8')))
      kept.signedIn.renewAtMs = 1
      await writeFile(profile, JSON.stringify(kept))
      expect((await run('group', 'list')).err).toContain('has run out')
      expect((await run('logout')).code).toBe(0)
    } finally {
      await rm(homeFolder, { recursive: true, force: true })
    }
  })

  it('leads who looks for its issuer to the other one, and gives no token itself', async () => {
    for (const mount of [tenantId, `${tenantId}/v2.0`, 'adfs', 'common/v2.0']) {
      const answer = await ask(`/${mount}/${discovery}`)
      expect([answer.status, answer.headers.get('location')]).toEqual([
        302,
        `${keycloak.issuer}/${discovery}`,
      ])
    }
    const form = {
      grant_type: 'client_credentials',
      client_id: ann,
      client_secret: 'x',
      scope: 'x',
    }
    for (const mount of [tenantId, 'adfs']) {
      const body = new URLSearchParams(form)
      const answer = await ask(`/${mount}/oauth2/v2.0/token`, { method: 'POST', body })
      expect(answer.status).toBeOneOf([401, 404])
      expect(await answer.text()).not.toContain('access_token')
    }
  })

  it('tells clients that do not know it where to sign in, in each form of Azure’s', async () => {
    const endpoints = async (version: string) =>
      await (await ask(`/metadata/endpoints?api-version=${version}`)).json()
    const authentication = { loginEndpoint: keycloak.issuer, audiences: [`${serving.url}/`] }
    expect(await endpoints('2015-01-01')).toMatchObject({ authentication })
    const cloud = { resourceManager: serving.url, authentication }
    expect(await endpoints('2019-05-01')).toMatchObject([cloud])
    expect(await endpoints('2022-09-01')).toMatchObject(cloud)
  })

  it('names the other one in its challenges', async () => {
    const there = keycloak.issuer.replaceAll('/', '\\/')
    for (const [path, form] of [
      [list, `authorization_uri="${there}"`],
      ['/graph/v1.0/users', `authorization_uri="${there}"`],
      ['/someaccount/box?restype=container&comp=list', `authorization_uri=${there}`],
    ] as const) {
      const answer = await ask(path)
      await answer.body?.cancel()
      expect([path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        ...[path, 401, expect.stringMatching(new RegExp(form))],
      ])
    }
  })
})

it('an installation moves to an issuer elsewhere: its own tokens end, and its first owner may go', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vitrine-moves-'))
  const keycloak = await openOpenidIssuer({ path: '/realms/lab' })
  const database = inject('database') === 'postgres' ? { url: await databaseOf(data) } : undefined
  const common: ConfigOverrides = { data, lanes: 1, database, plainHttp: true, tenantId }
  const before = await serve(
    await readConfig(undefined, { ...common, port: 0 }),
    openWorld('error'),
  )
  const owner = JSON.parse(await readFile(join(data, 'owner.json'), 'utf8'))
  const form = { client_id: owner.clientId, client_secret: owner.clientSecret }
  const body = new URLSearchParams({
    ...{ ...form, grant_type: 'client_credentials', scope: `${before.url}/.default` },
  })
  const signedIn = await fetch(`${before.url}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body,
  })
  const { access_token: old } = Object(await signedIn.json())
  const list = `${before.url}/subscriptions?api-version=2022-12-01`
  const asOld = { headers: { authorization: `Bearer ${old}` } }
  expect((await fetch(list, asOld)).status).toBe(200)
  await before.stop()
  const issuers = [{ issuer: keycloak.issuer, tenantId }]
  const config = await readConfig(undefined, {
    ...{ ...common, port: before.port, embeddedIssuer: false, issuers },
    owner: { principalId: ann },
  })
  const after = await serve(config, openWorld('error'))
  try {
    expect((await fetch(list, asOld)).status).toBe(401)
    const nowS = Math.floor(Date.now() / 1000)
    const token = await keycloak.token(after.url, {
      sub: ann,
      iat: nowS,
      nbf: nowS,
      exp: nowS + 600,
    })
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(list, { headers })).status).toBe(200)
    const first = `${after.url}/graph/v1.0/applications/${owner.clientId}`
    expect((await fetch(first, { method: 'DELETE', headers })).status).toBe(204)
    expect((await fetch(list, { headers })).status).toBe(200)
  } finally {
    await after.stop()
    await keycloak.stop()
    await rm(data, { recursive: true, force: true })
  }
})

describe('settings that do not fit together are refused with their fix', () => {
  const issuer = { issuer: 'https://id.example.com/realms/lab', tenantId }
  const other = '33333333-2222-4333-8444-555555555555'
  it.each<[string, ConfigOverrides, RegExp]>([
    ['no issuer for the tenant', { embeddedIssuer: false }, /nobody could sign in/],
    ['two for the tenant', { tenantId, issuers: [issuer] }, /set embeddedIssuer to false/],
    ['one twice', { issuers: [issuer, { ...issuer, tenantId: other }] }, /twice/],
    [
      'two that name people of one tenant by sub',
      {
        embeddedIssuer: false,
        tenantId,
        issuers: [issuer, { issuer: 'https://id.example.com/realms/two', tenantId }],
      },
      /not name people by oid/,
    ],
    ['an owner of nowhere', { owner: { principalId: 'ann' } }, /none of issuers serves/],
    ['no TLS', { issuers: [{ ...issuer, issuer: 'http://id.example.com/' }] }, /https address/],
    ['no address', { issuers: [{ ...issuer, issuer: 'lab' }] }, /https address/],
    ['a password', { issuers: [{ ...issuer, issuer: 'https://a:b@x/' }] }, /https address/],
    ['a query', { issuers: [{ ...issuer, issuer: 'https://x/?a' }] }, /no query/],
  ])('%s', async (_, config, why) => {
    await expect(readConfig(undefined, config)).rejects.toThrow(why)
  })
})
