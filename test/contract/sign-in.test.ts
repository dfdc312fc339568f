import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { DeviceCodeCredential } from '@azure/identity'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openBrowser, type Shown } from '../support/browser.ts'
import { assignmentAt, giving, openGraph, person } from '../support/graph.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
const password = 'correct horse battery'
const loopback = 'http://localhost:49152'

const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  id_token: z.string(),
  client_info: z.string(),
  expires_in: z.number(),
})
const Refusal = z.object({ error: z.string(), error_codes: z.array(z.number()) })

let vitrine: TestInstallation
let ann: { readonly id: string; readonly name: string }
let authority: string
let resource: string
beforeAll(async () => {
  vitrine = await openTestInstallation()
  authority = `${vitrine.url}/${vitrine.config.tenantId}`
  resource = `${vitrine.url}/`
  ann = await newPerson()
  const scope = `/subscriptions/${vitrine.subscription}`
  const given = await vitrine.call(
    'PUT',
    `${assignmentAt(scope)}?api-version=2022-04-01`,
    giving(builtInRoles.reader.id, ann.id),
  )
  expect(given.status).toBe(201)
})
afterAll(() => vitrine.close())

async function newPerson(profile: object = {}) {
  const { made } = openGraph(vitrine)
  const sent = person({ passwordProfile: { password, ...profile } })
  const { id } = await made('users', sent)
  return { id, name: sent.userPrincipalName }
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

function post(path: string, form: Record<string, string>, at = authority): Promise<Response> {
  return fetch(`${at}${path}`, { method: 'POST', body: new URLSearchParams(form) })
}

async function refusal(answer: Promise<Response> | Response) {
  const { status } = await answer
  const { error, error_codes: codes } = Refusal.parse(await (await answer).json())
  return [status, error, codes[0]]
}

const freshVerifier = () => randomBytes(32).toString('base64url')
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

/** The address that MSAL opens in a browser. */
function authorizeUrl(
  verifier: string,
  over: Record<string, string | undefined> = {},
  at = authority,
) {
  const asked = {
    client_id: azureCli,
    scope: `${resource}/.default openid profile offline_access`,
    redirect_uri: loopback,
    response_type: 'code',
    response_mode: 'query',
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    prompt: 'select_account',
    client_info: '1',
    state: 'xyz',
    nonce: 'abc',
    'x-client-SKU': 'MSAL.Python',
    ...over,
  }
  const kept = Object.entries(asked).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  return `${at}/oauth2/v2.0/authorize?${new URLSearchParams(kept)}`
}

const typed = (name: string, secret = password) => ({ name, password: secret, do: 'sign-in' })

/** Signs in and gives back the code. */
async function codeFor(verifier: string, name = ann.name, over = {}): Promise<string> {
  const browser = openBrowser(vitrine.url)
  const asked = await browser.ask(authorizeUrl(verifier, over))
  expect([asked.status, asked.text]).toEqual([200, expect.stringContaining('Azure CLI')])
  const { url } = await browser.submit(asked, typed(name))
  const back = new URL(url)
  expect(`${back.origin}|${back.searchParams.get('state')}`).toBe(`${loopback}|xyz`)
  return back.searchParams.get('code') ?? ''
}

const redeeming = (code: string, verifier: string, over = {}) => ({
  client_id: azureCli,
  grant_type: 'authorization_code',
  code,
  redirect_uri: loopback,
  code_verifier: verifier,
  scope: `${resource}/.default openid profile offline_access`,
  client_info: '1',
  ...over,
})

async function tokensOf(answer: Promise<Response>): Promise<z.infer<typeof Tokens>> {
  const body = await (await answer).json()
  expect(body).not.toHaveProperty('error')
  return Tokens.parse(body)
}

async function signedIn(): Promise<z.infer<typeof Tokens>> {
  const verifier = freshVerifier()
  return tokensOf(post('/oauth2/v2.0/token', redeeming(await codeFor(verifier), verifier)))
}

const refreshing = (refresh_token: string, scope = `${resource}/.default`) => ({
  ...{ client_id: azureCli, grant_type: 'refresh_token', refresh_token },
  scope: `${scope} openid profile offline_access`,
  client_info: '1',
})

describe('authorization code and PKCE', () => {
  it('a person signs in, and the token is what MSAL and ARM want', async () => {
    const tokens = await signedIn()
    const claims = claimsOf(tokens.access_token)
    expect(claims).toMatchObject({
      ...{ iss: `${authority}/v2.0`, aud: resource, tid: vitrine.config.tenantId },
      ...{ oid: ann.id, upn: ann.name, idtyp: 'user', scp: 'user_impersonation', appid: azureCli },
    })
    expect(claimsOf(tokens.id_token)).toMatchObject({
      ...{ aud: azureCli, oid: ann.id, tid: vitrine.config.tenantId, nonce: 'abc', ver: '2.0' },
      ...{ preferred_username: ann.name, name: 'Ann Lee', iss: `${authority}/v2.0` },
    })
    const info = JSON.parse(Buffer.from(tokens.client_info, 'base64url').toString())
    expect(info).toEqual({ uid: ann.id, utid: vitrine.config.tenantId })
    const listed = await vitrine.call('GET', '/subscriptions?api-version=2022-12-01', undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    })
    expect(listed.status).toBe(200)
    expect(await listed.json()).toMatchObject({ value: [{ subscriptionId: vitrine.subscription }] })
  })

  it('a code is good once, and what came of it ends when it is shown again', async () => {
    const verifier = freshVerifier()
    const code = await codeFor(verifier)
    const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
    const again = post('/oauth2/v2.0/token', redeeming(code, verifier))
    expect(await refusal(again)).toEqual([400, 'invalid_grant', 70008])
    const refreshed = post('/oauth2/v2.0/token', refreshing(tokens.refresh_token))
    expect(await refusal(refreshed)).toEqual([400, 'invalid_grant', 70043])
  })

  it('of many that show one code at once, at most one gets tokens', async () => {
    const verifier = freshVerifier()
    const code = await codeFor(verifier)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post('/oauth2/v2.0/token', redeeming(code, verifier))),
    )
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  })

  it.each([
    ['another verifier', { code_verifier: freshVerifier() }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect address', { redirect_uri: 'http://localhost:50000' }],
    ['another program', { client_id: '1950a258-227b-4e31-a9cf-717495945fc2' }],
  ])('a code is refused with %s', async (_what, over) => {
    const verifier = freshVerifier()
    const form = redeeming(await codeFor(verifier), verifier, over)
    const [status, error] = await refusal(post('/oauth2/v2.0/token', form))
    expect([status, error]).toEqual([400, expect.stringMatching(/invalid_(grant|request)/)])
  })

  it.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a plain challenge', { code_challenge_method: 'plain' }],
    ['a token for the front', { response_type: 'token' }],
  ])('a request with %s is sent back refused', async (_what, over) => {
    const shown = await openBrowser(vitrine.url).ask(authorizeUrl(freshVerifier(), over))
    const back = `${shown.url} ${shown.text}`
    expect(back).toMatch(/error=|PKCE|response_type/)
    expect(back).not.toMatch(/[?&]code=/)
  })

  it.each([
    'https://evil.example/',
    'http://localhost.evil.example/',
    'http://localhost@evil.example/',
    'http://127.0.0.1.evil.example:80/',
    'https://localhost:49152',
    'http://localhost:49152/other',
    'http://localhost:49152#here',
    'javascript:alert(1)',
    '//evil.example',
    'http://evil.example\\@localhost/',
  ])('nobody is sent to %s', async (redirect_uri) => {
    const shown = await openBrowser(vitrine.url).ask(
      authorizeUrl(freshVerifier(), { redirect_uri }),
    )
    expect(new URL(shown.url).origin).toBe(vitrine.url)
    expect([shown.status, shown.text]).toEqual([400, expect.stringContaining('did not work')])
    expect(shown.text).not.toContain('evil.example"')
  })

  it.each(['http://127.0.0.1:8400/', 'http://[::1]:8400/', 'http://localhost'])(
    'any port of this machine is sent to: %s',
    async (redirect_uri) => {
      const browser = openBrowser(vitrine.url)
      const asked = await browser.ask(authorizeUrl(freshVerifier(), { redirect_uri }))
      const { url } = await browser.submit(asked, typed(ann.name))
      expect(url).toMatch(/[?&]code=/)
    },
  )

  it('who has a session is asked before a program acts for him, and may choose another account', async () => {
    const browser = openBrowser(vitrine.url)
    const verifier = freshVerifier()
    await browser.submit(await browser.ask(authorizeUrl(verifier)), typed(ann.name))
    const again = await browser.ask(authorizeUrl(verifier, { prompt: undefined }))
    expect(again.text).toContain(ann.name)
    expect(again.text).toContain('Go on')
    expect((await browser.submit(again, { do: 'agree' })).url).toMatch(/[?&]code=/)
    const third = await browser.ask(authorizeUrl(verifier, { prompt: undefined }))
    const form = await browser.submit(third, { do: 'other' })
    expect(form.text).toContain('type="password"')
    const bob = await newPerson()
    const { url } = await browser.submit(form, typed(bob.name))
    const code = new URL(url).searchParams.get('code') ?? ''
    const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
    expect(claimsOf(tokens.access_token)).toMatchObject({ oid: bob.id })
    const silent = await browser.ask(authorizeUrl(verifier, { prompt: 'none' }))
    expect(silent.url).toContain('error=consent_required')
  })

  it('who declines is sent back with that', async () => {
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(authorizeUrl(freshVerifier()))
    expect((await browser.submit(asked, { do: 'decline' })).url).toContain('error=access_denied')
  })

  it('the code comes back by a form where the program wants it so', async () => {
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(authorizeUrl(freshVerifier(), { response_mode: 'form_post' }))
    const shown = await browser.submit(asked, typed(ann.name))
    expect(shown.text).toContain(`action="${loopback}"`)
    expect(shown.text).toMatch(/name="code" value="[^"]+"/)
    expect(shown.headers.get('content-security-policy')).toMatch(
      /form-action 'self' http:\/\/localhost:49152;.*script-src 'sha256-/,
    )
  })
})

describe('pages', () => {
  const pages = async (): Promise<Shown[]> => {
    const browser = openBrowser(vitrine.url)
    return [
      await browser.ask(authorizeUrl(freshVerifier())),
      await browser.ask(`${authority}/device`),
      await browser.ask(`${authority}/password`),
      await browser.ask(`${authority}/signin/unknown`),
      await browser.ask(`${authority}/redeem?ticket=unknown`),
    ]
  }

  it('run no script, stand in no frame, are kept nowhere, and have a strict policy', async () => {
    for (const { text, headers } of await pages()) {
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'[^;]*; base-uri 'none'; frame-ancestors 'none'$/,
      )
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toContain('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(text).toMatch(/^<!doctype html>\n<html lang="en">/)
      expect(text).not.toMatch(/<script| on[a-z]+=|style=/i)
    }
  })

  it('cookies are for this host alone, over TLS, never for scripts or other sites', async () => {
    const answer = await fetch(authorizeUrl(freshVerifier()), { redirect: 'manual' })
    const set = answer.headers.getSetCookie()
    expect(set.length).toBeGreaterThan(1)
    for (const one of set)
      expect(one).toMatch(/; secure; httponly; samesite=lax|samesite=lax; secure; httponly/i)
  })

  it('what somebody types is shown as text', async () => {
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(authorizeUrl(freshVerifier(), { login_hint: '"><img src=x>' }))
    expect(asked.text).toContain('value="&quot;&gt;&lt;img src=x&gt;"')
    const shown = await browser.submit(asked, typed('"><script>alert(1)</script>'))
    expect(shown.text).not.toContain('<script>')
  })

  it('a form of another site, of another browser, or without its cookie does nothing', async () => {
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(authorizeUrl(freshVerifier()))
    const body = new URLSearchParams(typed(ann.name))
    const cookie = [...browser.cookies.values()]
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const send = (headers: Record<string, string>) =>
      fetch(asked.url, { method: 'POST', body, headers, redirect: 'manual' })
    for (const foreign of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ]) {
      expect((await send({ cookie, ...foreign })).status).toBe(403)
    }
    expect((await send({})).status).toBe(400)
    const other = openBrowser(vitrine.url)
    expect((await other.ask(asked.url)).status).toBe(400)
    expect((await send({ cookie, origin: vitrine.url })).status).toBe(303)
  })
})

describe('refresh tokens', () => {
  it('turn with each use, and one that is used twice ends its family', async () => {
    const first = await signedIn()
    const second = await tokensOf(post('/oauth2/v2.0/token', refreshing(first.refresh_token)))
    expect(second.refresh_token).not.toBe(first.refresh_token)
    const replayed = post('/oauth2/v2.0/token', refreshing(first.refresh_token))
    expect(await refusal(replayed)).toEqual([400, 'invalid_grant', 70043])
    const family = post('/oauth2/v2.0/token', refreshing(second.refresh_token))
    expect(await refusal(family)).toEqual([400, 'invalid_grant', 70043])
  })

  it('one of ARM gets tokens for Graph, as az asks it', async () => {
    const { refresh_token: token } = await signedIn()
    const graph = `${vitrine.url}/graph/`
    const tokens = await tokensOf(
      post('/oauth2/v2.0/token', refreshing(token, `${graph}/.default`)),
    )
    expect(claimsOf(tokens.access_token).aud).toBe(graph)
    const me = await vitrine.call('GET', '/graph/v1.0/me', undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    })
    expect(await me.json()).toMatchObject({ id: ann.id, userPrincipalName: ann.name })
    const other = refreshing(tokens.refresh_token, 'https://elsewhere.example/.default')
    expect(await refusal(post('/oauth2/v2.0/token', other))).toEqual([
      400,
      'invalid_resource',
      500011,
    ])
  })

  it('end when their user is disabled', async () => {
    const bob = await newPerson()
    const verifier = freshVerifier()
    const code = await codeFor(verifier, bob.name)
    const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
    await openGraph(vitrine).graph('PATCH', `users/${bob.id}`, { accountEnabled: false })
    const refreshed = post('/oauth2/v2.0/token', refreshing(tokens.refresh_token))
    expect(await refusal(refreshed)).toEqual([400, 'invalid_grant', 70043])
  })

  it('of another program, or made up, are refused', async () => {
    const { refresh_token: token } = await signedIn()
    const foreign = { ...refreshing(token), client_id: '1950a258-227b-4e31-a9cf-717495945fc2' }
    expect(await refusal(post('/oauth2/v2.0/token', foreign))).toEqual([
      400,
      'invalid_grant',
      70043,
    ])
    const made = refreshing(randomBytes(32).toString('base64url'))
    expect(await refusal(post('/oauth2/v2.0/token', made))).toEqual([400, 'invalid_grant', 70043])
    expect((await post('/oauth2/v2.0/token', refreshing(token))).status).toBe(200)
  })
})

const Device = z.object({
  device_code: z.string(),
  user_code: z.string().regex(/^[B-Z]{4}-[B-Z]{4}$/),
  verification_uri: z.string(),
  expires_in: z.literal(900),
  interval: z.literal(5),
  message: z.string(),
})
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

async function deviceCode(at = authority): Promise<z.infer<typeof Device>> {
  const form = { client_id: azureCli, scope: `${resource}/.default openid profile offline_access` }
  return Device.parse(await (await post('/oauth2/v2.0/devicecode', form, at)).json())
}
const polling = (device_code: string, grant_type = deviceGrant) => ({
  ...{ client_id: azureCli, grant_type, device_code, client_info: '1' },
})

/** Enters the code, agrees to it, signs in. */
async function confirm(told: z.infer<typeof Device>, name = ann.name): Promise<Shown> {
  const browser = openBrowser(vitrine.url)
  const entered = await browser.submit(await browser.ask(told.verification_uri), {
    user_code: told.user_code.toLowerCase(),
  })
  expect(entered.text).toContain(told.user_code)
  expect(entered.text).toContain('Azure CLI')
  const form = await browser.submit(entered, { confirm: 'yes' })
  expect(form.text).toContain('type="password"')
  return browser.submit(form, typed(name))
}

describe('device code', () => {
  it.each([
    ['as OAuth names it', deviceGrant],
    ['as MSAL for JavaScript names it', 'device_code'],
  ])('a device waits, and gets tokens once its user has agreed: %s', async (_how, grant) => {
    const told = await deviceCode(`${vitrine.url}/adfs`)
    expect(told.message).toContain(told.user_code)
    const waiting = post('/oauth2/v2.0/token', polling(told.device_code, grant))
    expect(await refusal(waiting)).toEqual([400, 'authorization_pending', 70016])
    const hasty = post('/oauth2/v2.0/token', polling(told.device_code, grant))
    expect(await refusal(hasty)).toEqual([400, 'slow_down', 70011])
    expect((await confirm(told)).text).toContain('You are signed in to Azure CLI')
    const answer = async () =>
      (await post('/oauth2/v2.0/token', polling(told.device_code, grant))).json()
    await expect.poll(answer, { interval: 1000 }).toHaveProperty('access_token')
    const again = post('/oauth2/v2.0/token', polling(told.device_code, grant))
    expect((await refusal(again))[0]).toBe(400)
  })

  it('a user who stops it is told to the device', async () => {
    const told = await deviceCode()
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(`${told.verification_uri}?code=${told.user_code}`)
    expect(asked.text).toContain(`value="${told.user_code}"`)
    const entered = await browser.submit(asked, { user_code: told.user_code })
    expect((await browser.submit(entered, { abort: 'yes' })).text).toContain('stopped')
    const polled = post('/oauth2/v2.0/token', polling(told.device_code))
    expect(await refusal(polled)).toEqual([400, 'authorization_declined', 70018])
  })

  it('a code that nobody was given, or that was used, is refused', async () => {
    const browser = openBrowser(vitrine.url)
    const asked = await browser.ask(`${authority}/device`)
    const shown = await browser.submit(asked, { user_code: 'BBBB-BBBB' })
    expect(shown.text).toContain('no such code')
    const told = await deviceCode()
    await confirm(told)
    const again = await browser.submit(await browser.ask(`${authority}/device`), {
      user_code: told.user_code,
    })
    expect(again.text).toContain('used already')
    const made = polling(randomBytes(32).toString('base64url'))
    expect(await refusal(post('/oauth2/v2.0/token', made))).toEqual([
      400,
      'bad_verification_code',
      70019,
    ])
  })

  it('a form of another site enters no code', async () => {
    const told = await deviceCode()
    const body = new URLSearchParams({ user_code: told.user_code, confirm: 'yes' })
    const cookie = `__Host-vitrine-${vitrine.config.tenantId}=made-up`
    for (const headers of [{}, { cookie }, { cookie, origin: 'https://evil.example' }]) {
      const answer = await fetch(`${authority}/device`, { method: 'POST', body, headers })
      expect(await answer.text()).toContain('That did not work')
    }
    const polled = post('/oauth2/v2.0/token', polling(told.device_code))
    expect(await refusal(polled)).toEqual([400, 'authorization_pending', 70016])
  })

  it('DeviceCodeCredential of @azure/identity signs in', async () => {
    let done: Promise<unknown> = Promise.resolve()
    const credential = new DeviceCodeCredential({
      tenantId: vitrine.config.tenantId,
      authorityHost: vitrine.url,
      disableInstanceDiscovery: true,
      userPromptCallback: ({ userCode, verificationUri, message }) => {
        const told = { user_code: userCode, verification_uri: verificationUri, message }
        done = confirm({ ...told, device_code: '', expires_in: 900, interval: 5 })
      },
    })
    const { token } = await credential.getToken(`${vitrine.url}/.default`)
    await done
    expect(claimsOf(token)).toMatchObject({ oid: ann.id, idtyp: 'user' })
    const again = await credential.getToken(`${vitrine.url}/graph/.default`)
    expect(claimsOf(again.token).aud).toBe(`${vitrine.url}/graph`)
  })
})

describe('tenants', () => {
  it('a code of one is none of another', async () => {
    const other = `${vitrine.url}/${randomUUID()}`
    const answer = await post('/oauth2/v2.0/token', { grant_type: 'authorization_code' }, other)
    expect(await refusal(answer)).toEqual([400, 'invalid_tenant', 90002])
  })
})
