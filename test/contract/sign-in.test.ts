import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openArm } from '../support/arm.ts'
import { openBrowser, type Shown } from '../support/browser.ts'
import { makeTenant } from '../support/made-tenant.ts'
import {
  azureCli,
  claimsOf,
  freshVerifier,
  loopback,
  polling,
  refusal,
  tokensOf,
  typed,
  useSignIn,
} from '../support/sign-in.ts'

const {
  vitrine,
  ann,
  authority,
  resource,
  newPerson,
  post,
  authorizeUrl,
  codeFor,
  redeeming,
  signedIn,
  refreshing,
  deviceCode,
  confirm,
} = useSignIn()

describe('authorization code and PKCE', () => {
  it('a person signs in, and the token is what MSAL and ARM want', async () => {
    const tokens = await signedIn()
    const claims = claimsOf(tokens.access_token)
    expect(claims).toMatchObject({
      ...{ iss: `${authority()}/v2.0`, aud: resource(), tid: vitrine().config.tenantId },
      ...{
        oid: ann().id,
        upn: ann().name,
        idtyp: 'user',
        scp: 'user_impersonation',
        appid: azureCli,
      },
    })
    expect(claimsOf(tokens.id_token)).toMatchObject({
      ...{ aud: azureCli, oid: ann().id, tid: vitrine().config.tenantId, nonce: 'abc', ver: '2.0' },
      ...{ preferred_username: ann().name, name: 'Ann Lee', iss: `${authority()}/v2.0` },
    })
    const info = JSON.parse(Buffer.from(tokens.client_info, 'base64url').toString())
    expect(info).toEqual({ uid: ann().id, utid: vitrine().config.tenantId })
    const listed = await vitrine().call('GET', '/subscriptions?api-version=2022-12-01', undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    })
    expect(listed.status).toBe(200)
    expect(await listed.json()).toMatchObject({
      value: [{ subscriptionId: vitrine().subscription }],
    })
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

  it('of many that show one code at once, exactly one gets tokens', async () => {
    const verifier = freshVerifier()
    const code = await codeFor(verifier)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post('/oauth2/v2.0/token', redeeming(code, verifier))),
    )
    expect(answers.filter(({ status }) => status === 200).length).toBe(1)
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
    const shown = await openBrowser(vitrine().url).ask(authorizeUrl(freshVerifier(), over))
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
    const shown = await openBrowser(vitrine().url).ask(
      authorizeUrl(freshVerifier(), { redirect_uri }),
    )
    expect(new URL(shown.url).origin).toBe(vitrine().url)
    expect([shown.status, shown.text]).toEqual([400, expect.stringContaining('did not work')])
    expect(shown.text).not.toContain('evil.example"')
  })

  it.each(['http://127.0.0.1:8400/', 'http://[::1]:8400/', 'http://localhost'])(
    'any port of this machine is sent to: %s',
    async (redirect_uri) => {
      const browser = openBrowser(vitrine().url)
      const asked = await browser.ask(authorizeUrl(freshVerifier(), { redirect_uri }))
      const { url } = await browser.submit(asked, typed(ann().name))
      expect(url).toMatch(/[?&]code=/)
    },
  )

  it('who has a session is asked before a program acts for him, and may choose another account', async () => {
    const browser = openBrowser(vitrine().url)
    const verifier = freshVerifier()
    await browser.submit(await browser.ask(authorizeUrl(verifier)), typed(ann().name))
    const again = await browser.ask(authorizeUrl(verifier, { prompt: undefined }))
    expect(again.text).toContain(ann().name)
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

  it('two pages of one browser let two people in, one after the other', async () => {
    const bob = await newPerson()
    const browser = openBrowser(vitrine().url)
    const verifier = freshVerifier()
    const [first, second] = [
      await browser.ask(authorizeUrl(verifier)),
      await browser.ask(authorizeUrl(verifier)),
    ]
    for (const [page, { id, name }] of [
      [first, ann()],
      [second, bob],
    ] as const) {
      const { url } = await browser.submit(page, typed(name))
      const code = new URL(url).searchParams.get('code') ?? ''
      const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
      expect(claimsOf(tokens.access_token)).toMatchObject({ oid: id })
    }
  })

  it('who declines is sent back with that', async () => {
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(authorizeUrl(freshVerifier()))
    expect((await browser.submit(asked, { do: 'decline' })).url).toContain('error=access_denied')
  })

  it('the code comes back by a form where the program wants it so', async () => {
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(authorizeUrl(freshVerifier(), { response_mode: 'form_post' }))
    const shown = await browser.submit(asked, typed(ann().name))
    expect(shown.text).toContain(`action="${loopback}"`)
    expect(shown.text).toMatch(/name="code" value="[^"]+"/)
    expect(shown.headers.get('content-security-policy')).toMatch(
      /form-action 'self' http:\/\/localhost:49152;.*script-src 'sha256-/,
    )
  })
})

describe('pages', () => {
  const pages = async (): Promise<Shown[]> => {
    const browser = openBrowser(vitrine().url)
    return [
      await browser.ask(authorizeUrl(freshVerifier())),
      await browser.ask(`${authority()}/device`),
      await browser.ask(`${authority()}/password`),
      await browser.ask(`${authority()}/signin/unknown`),
      await browser.ask(`${authority()}/redeem?ticket=unknown`),
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
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(authorizeUrl(freshVerifier(), { login_hint: '"><img src=x>' }))
    expect(asked.text).toContain('value="&quot;&gt;&lt;img src=x&gt;"')
    const shown = await browser.submit(asked, typed('"><script>alert(1)</script>'))
    expect(shown.text).not.toContain('<script>')
  })

  it('a form of another site, of another browser, or without its cookie does nothing', async () => {
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(authorizeUrl(freshVerifier()))
    const body = new URLSearchParams(typed(ann().name))
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
    const other = openBrowser(vitrine().url)
    expect((await other.ask(asked.url)).status).toBe(400)
    expect((await send({ cookie, origin: vitrine().url })).status).toBe(303)
  })
})

describe('tenants', () => {
  it('a code, a refresh token and a device code of one are none of another', async () => {
    const tenantId = randomUUID()
    await makeTenant(vitrine(), openArm(vitrine()), { tenantId, name: 'Other' })
    const other = `${vitrine().url}/${tenantId}`
    const verifier = freshVerifier()
    const code = await codeFor(verifier)
    const { refresh_token: token } = await signedIn()
    const told = await deviceCode()
    await confirm(told)
    const forms = [redeeming(code, verifier), refreshing(token), polling(told.device_code)]
    for (const form of forms) {
      const [status, error] = await refusal(post('/oauth2/v2.0/token', form, other))
      expect([status, error]).toEqual([400, expect.stringMatching(/invalid_grant|bad_verif/)])
    }
    for (const form of forms) await tokensOf(post('/oauth2/v2.0/token', form))
  })

  it('that there are not take no code', async () => {
    const other = `${vitrine().url}/${randomUUID()}`
    const answer = await post('/oauth2/v2.0/token', { grant_type: 'authorization_code' }, other)
    expect(await refusal(answer)).toEqual([400, 'invalid_tenant', 90002])
  })
})
