import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { limits } from '../../src/domain/limits.ts'
import { openBrowser } from '../support/browser.ts'
import { openGraph } from '../support/graph.ts'
import {
  freshVerifier,
  password,
  polling,
  refusal,
  tokensOf,
  typed,
  useSignIn,
} from '../support/sign-in.ts'

const {
  vitrine,
  authority,
  newPerson,
  accepted,
  post,
  authorizeUrl,
  codeFor,
  redeeming,
  refreshing,
  deviceCode,
} = useSignIn()
const other = 'another horse battery'

async function signInPage() {
  const browser = openBrowser(vitrine().url)
  return { browser, page: await browser.ask(authorizeUrl(freshVerifier())) }
}

/** Whether somebody gets in with it. */
async function gets(name: string, secret: string): Promise<boolean> {
  const { browser, page } = await signInPage()
  return (await browser.submit(page, typed(name, secret))).url.includes('code=')
}

describe('a password', () => {
  it('that is wrong, of nobody, or of one who is disabled, is refused in one way', async () => {
    const bob = await newPerson()
    const gone = await newPerson()
    await openGraph(vitrine()).graph('PATCH', `users/${gone.id}`, { accountEnabled: false })
    const { browser, page } = await signInPage()
    const tries = [
      await browser.submit(page, typed(bob.name, 'wrong')),
      await browser.submit(page, typed('nobody@example.test', 'wrong')),
      await browser.submit(page, typed(gone.name)),
      await browser.submit(page, typed(bob.name, '')),
    ]
    const shown = tries.map(({ status, text }) => [status, text.replace(/value="[^"]*"/, '')])
    for (const one of shown) expect(one).toEqual(shown[0])
    expect(shown[0]?.[0]).toBe(401)
    expect(shown[0]?.[1]).toContain('role="alert"')
    expect(await gets(bob.name.toUpperCase(), password)).toBe(true)
  })

  it('cannot be guessed: after some tries nobody gets in, with the right one neither, and another user does', async () => {
    const bob = await newPerson()
    const { browser, page } = await signInPage()
    const guesses = await Promise.all(
      Array.from({ length: limits.signinTriesOfUserMax + 2 }, (_, at) =>
        browser.submit(page, typed(bob.name, `guess ${at}`)),
      ),
    )
    const statuses = guesses.map(({ status }) => status).sort()
    expect(statuses).toEqual([...Array(limits.signinTriesOfUserMax).fill(401), 429, 429])
    const locked = await browser.submit(page, typed(bob.name))
    expect([locked.status, locked.text]).toEqual([429, expect.stringContaining('Try again in')])
    expect(await gets((await newPerson()).name, password)).toBe(true)
  })

  it('nobody exists, but is locked like somebody', async () => {
    const { browser, page } = await signInPage()
    const statuses = []
    for (let at = 0; at <= limits.signinTriesOfUserMax; at++) {
      statuses.push((await browser.submit(page, typed('ghost@example.test'))).status)
    }
    expect(statuses.at(-2)).toBe(401)
    expect(statuses.at(-1)).toBe(429)
  })

  it('is changed by who has it, and ends what was had with the old one', async () => {
    const bob = await newPerson()
    const verifier = freshVerifier()
    const code = await codeFor(verifier, bob.name)
    const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
    const browser = openBrowser(vitrine().url)
    const page = await browser.ask(`${authority()}/password`)
    const form = { name: bob.name, password, do: 'change' }
    for (const [fresh, again, why] of [
      ['short', 'short', 'at least 12'],
      [other, 'not the same', 'at least 12'],
      [password, password, 'must differ'],
      [bob.name, bob.name, 'must not be your name'],
    ] as const) {
      const refused = await browser.submit(page, { ...form, fresh, again })
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(why)])
    }
    const wrong = { ...form, password: 'wrong', fresh: other, again: other }
    expect((await browser.submit(page, wrong)).status).toBe(400)
    const changed = await browser.submit(page, { ...form, fresh: other, again: other })
    expect(changed.text).toContain('is changed')
    expect(await gets(bob.name, password)).toBe(false)
    expect(await gets(bob.name, other)).toBe(true)
    const refreshed = post('/oauth2/v2.0/token', refreshing(tokens.refresh_token))
    expect(await refusal(refreshed)).toEqual([400, 'invalid_grant', 70043])
  })

  it('that was accepted just before it was changed lets nobody in', async () => {
    const bob = await newPerson()
    const { browser, page } = await signInPage()
    const next = await accepted(browser, page, bob.name)
    const profile = { password: other, forceChangePasswordNextSignIn: false }
    const { graph } = openGraph(vitrine())
    expect((await graph('PATCH', `users/${bob.id}`, { passwordProfile: profile })).status).toBe(204)
    const shown = await browser.ask(next)
    expect(shown.url).not.toContain('code=')
    expect(shown.text).toMatch(/ended|expired|did not work/)
  })

  it('that is changed ends what another process writes at the same instant', async () => {
    const bob = await newPerson()
    const verifier = freshVerifier()
    const code = await codeFor(verifier, bob.name)
    const { refresh_token: token } = await tokensOf(
      post('/oauth2/v2.0/token', redeeming(code, verifier)),
    )
    const { signin } = vitrine().installation.store
    const name = [vitrine().config.tenantId, 'RefreshToken', token].join('\n')
    const key = createHash('sha256').update(name).digest('base64url')
    const kept = await signin.find('key', key, Date.now())
    const grant = await signin.find('key', kept?.grant ?? '', Date.now())
    const profile = { password: other, forceChangePasswordNextSignIn: false }
    await openGraph(vitrine()).graph('PATCH', `users/${bob.id}`, { passwordProfile: profile })
    for (const late of [kept, grant]) if (late) await signin.put(late)
    expect(await signin.find('key', key, Date.now())).toBeDefined()
    const refreshed = post('/oauth2/v2.0/token', refreshing(token))
    expect(await refusal(refreshed)).toEqual([400, 'invalid_grant', 70043])
  })

  it('of an administrator must be changed before anything else, and ends sign-ins too', async () => {
    const bob = await newPerson()
    const verifier = freshVerifier()
    const code = await codeFor(verifier, bob.name)
    const tokens = await tokensOf(post('/oauth2/v2.0/token', redeeming(code, verifier)))
    const temporary = 'a temporary password'
    const profile = { password: temporary, forceChangePasswordNextSignIn: true }
    const { graph } = openGraph(vitrine())
    expect((await graph('PATCH', `users/${bob.id}`, { passwordProfile: profile })).status).toBe(204)
    const refreshed = post('/oauth2/v2.0/token', refreshing(tokens.refresh_token))
    expect(await refusal(refreshed)).toEqual([400, 'invalid_grant', 70043])
    const { browser, page } = await signInPage()
    const choose = await browser.submit(page, typed(bob.name, temporary))
    expect(choose.text).toContain('temporary')
    const form = { name: bob.name, password: temporary, do: 'change', fresh: other, again: other }
    const done = await browser.submit(choose, form)
    expect(done.url).toContain('code=')
    expect(await gets(bob.name, temporary)).toBe(false)
    expect(await gets(bob.name, other)).toBe(true)
  })

  it('and all codes are in rows by their hashes alone', async () => {
    const { device_code: device, user_code: typedCode } = await deviceCode()
    await refusal(post('/oauth2/v2.0/token', polling(device)))
    const bob = await newPerson()
    const verifier = freshVerifier()
    const code = await codeFor(verifier, bob.name)
    const { store } = vitrine().installation
    for (const opener of [code, device, typedCode, typedCode.replace('-', '')]) {
      expect(await store.signin.find('key', opener, Date.now())).toBeUndefined()
      expect(await store.signin.find('alias', opener, Date.now())).toBeUndefined()
    }
  })
})

const Invited = z.object({ inviteRedeemUrl: z.url(), invitedUser: z.object({ id: z.string() }) })

describe('an invitation', () => {
  let link: string
  let mail: string
  let guestId: string

  async function invite(): Promise<void> {
    mail = `guest${Math.floor(Math.random() * 1e9)}@elsewhere.test`
    const sent = { invitedUserEmailAddress: mail, inviteRedirectUrl: 'https://portal.example/' }
    const { status, body } = await openGraph(vitrine()).graph('POST', 'invitations', sent)
    expect(status).toBe(201)
    const invited = Invited.parse(body)
    link = invited.inviteRedeemUrl
    guestId = invited.invitedUser.id
  }

  it('is accepted with a password, once, and the guest signs in with it', async () => {
    await invite()
    expect(await gets(mail, password)).toBe(false)
    const browser = openBrowser(vitrine().url)
    const page = await browser.ask(link)
    expect([page.status, page.text]).toEqual([200, expect.stringContaining(mail)])
    const weak = await browser.submit(page, { do: 'password', fresh: 'short', again: 'short' })
    expect(weak.status).toBe(400)
    const form = { do: 'password', fresh: password, again: password }
    const shown = await Promise.all([browser.submit(page, form), browser.submit(page, form)])
    expect(shown.map(({ status }) => status).sort()).toEqual([200, 410])
    expect(shown.map(({ text }) => text).join()).toContain('https://portal.example/')
    expect((await browser.ask(link)).status).toBe(410)
    expect(await gets(mail, password)).toBe(true)
    const verifier = freshVerifier()
    const code = await codeFor(verifier, mail)
    const { access_token: token } = await tokensOf(
      post('/oauth2/v2.0/token', redeeming(code, verifier)),
    )
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ oid: guestId, tid: vitrine().config.tenantId })
  })

  it('with a made-up ticket, a foreign form, or a wrong account is nothing', async () => {
    await invite()
    const browser = openBrowser(vitrine().url)
    expect((await browser.ask(`${authority()}/redeem?ticket=made-up`)).status).toBe(410)
    const body = new URLSearchParams({ do: 'password', fresh: password, again: password })
    const headers = { origin: 'https://evil.example' }
    expect((await fetch(link, { method: 'POST', body, headers })).status).toBe(403)
    const page = await browser.ask(link)
    const wrong = await browser.submit(page, { do: 'home', name: 'nobody@x.test', password: 'x' })
    expect(wrong.status).toBe(401)
    const own = await newPerson()
    const same = await browser.submit(page, { do: 'home', name: own.name, password })
    expect(same.status).toBe(401)
    expect((await browser.ask(link)).status).toBe(200)
  })
})
