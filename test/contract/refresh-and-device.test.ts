import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { DeviceCodeCredential } from '@azure/identity'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openBrowser } from '../support/browser.ts'
import { openGraph } from '../support/graph.ts'
import { openMovingWorld } from '../support/moving-world.ts'
import {
  claimsOf,
  deviceGrant,
  freshVerifier,
  polling,
  refusal,
  tokensOf,
  typed,
  useSignIn,
} from '../support/sign-in.ts'

const Answer = z.looseObject({ error: z.string().optional() })

const world = openMovingWorld()
const {
  vitrine,
  ann,
  authority,
  newPerson,
  post,
  authorizeUrl,
  codeFor,
  redeeming,
  signedIn,
  refreshing,
  deviceCode,
  confirm,
} = useSignIn(world)

describe('refresh tokens', () => {
  it('turn with each use, and one that is shown again later ends its family', async () => {
    const first = await signedIn()
    const second = await tokensOf(post('/oauth2/v2.0/token', refreshing(first.refresh_token)))
    expect(second.refresh_token).not.toBe(first.refresh_token)
    world.move(31_000)
    const replayed = post('/oauth2/v2.0/token', refreshing(first.refresh_token))
    expect(await refusal(replayed)).toEqual([400, 'invalid_grant', 70043])
    const family = post('/oauth2/v2.0/token', refreshing(second.refresh_token))
    expect(await refusal(family)).toEqual([400, 'invalid_grant', 70043])
  })

  it('shown by several commands at once get tokens for each, and the sign-in goes on', async () => {
    const { refresh_token: token } = await signedIn()
    const asked = Array.from({ length: 4 }, () =>
      tokensOf(post('/oauth2/v2.0/token', refreshing(token))),
    )
    const all = await Promise.all(asked)
    expect(new Set(all.map((each) => each.refresh_token)).size).toBe(4)
    for (const { refresh_token: next } of all) {
      await tokensOf(post('/oauth2/v2.0/token', refreshing(next)))
    }
  })

  it('one of ARM gets tokens for Graph, as az asks it', async () => {
    const { refresh_token: token } = await signedIn()
    const graph = `${vitrine().url}/graph/`
    const tokens = await tokensOf(
      post('/oauth2/v2.0/token', refreshing(token, `${graph}/.default`)),
    )
    expect(claimsOf(tokens.access_token).aud).toBe(graph)
    const me = await vitrine().call('GET', '/graph/v1.0/me', undefined, {
      authorization: `Bearer ${tokens.access_token}`,
    })
    expect(await me.json()).toMatchObject({ id: ann().id, userPrincipalName: ann().name })
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
    await openGraph(vitrine()).graph('PATCH', `users/${bob.id}`, { accountEnabled: false })
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

describe('device code', () => {
  it.each([
    ['as OAuth names it', deviceGrant],
    ['as MSAL for JavaScript names it', 'device_code'],
  ])('a device waits, and gets tokens once its user has agreed: %s', async (_how, grant) => {
    const told = await deviceCode(`${vitrine().url}/adfs`)
    expect(told.message).toContain(told.user_code)
    const waiting = post('/oauth2/v2.0/token', polling(told.device_code, grant))
    expect(await refusal(waiting)).toEqual([400, 'authorization_pending', 70016])
    const poll = async () => refusal(post('/oauth2/v2.0/token', polling(told.device_code, grant)))
    const hasty = await Promise.all([poll(), poll(), poll()])
    expect(hasty).toContainEqual([400, 'slow_down', 70011])
    expect((await confirm(told)).text).toContain('You are signed in to Azure CLI')
    // Too early or done: any other answer is told as it is.
    const answer = async () =>
      Answer.parse(
        await (await post('/oauth2/v2.0/token', polling(told.device_code, grant))).json(),
      )
    let last = await answer()
    for (let tries = 0; tries < 40 && last.error === 'slow_down'; tries++) {
      await wait(1000)
      last = await answer()
    }
    expect(last).toHaveProperty('access_token')
    const again = post('/oauth2/v2.0/token', polling(told.device_code, grant))
    expect((await refusal(again))[0]).toBe(400)
  })

  it('a user who stops it is told to the device', async () => {
    const told = await deviceCode()
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(`${told.verification_uri}?code=${told.user_code}`)
    expect(asked.text).toContain(`value="${told.user_code}"`)
    const entered = await browser.submit(asked, { user_code: told.user_code })
    expect((await browser.submit(entered, { abort: 'yes' })).text).toContain('stopped')
    const polled = post('/oauth2/v2.0/token', polling(told.device_code))
    expect(await refusal(polled)).toEqual([400, 'authorization_declined', 70018])
  })

  it('a code that nobody was given, or that was used, is refused', async () => {
    const browser = openBrowser(vitrine().url)
    const asked = await browser.ask(`${authority()}/device`)
    const shown = await browser.submit(asked, { user_code: 'BBBB-BBBB' })
    expect(shown.text).toContain('no such code')
    const told = await deviceCode()
    await confirm(told)
    const again = await browser.submit(await browser.ask(`${authority()}/device`), {
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

  it('a form of another site enters no code, also not in the name of who is signed in', async () => {
    const told = await deviceCode()
    const browser = openBrowser(vitrine().url)
    await browser.submit(await browser.ask(authorizeUrl(freshVerifier())), typed(ann().name))
    const good = [...browser.cookies.values()].map(({ name, value }) => `${name}=${value}`)
    const made = `__Host-vitrine-${vitrine().config.tenantId}=made-up`
    const enter = async (form: Record<string, string>, headers: Record<string, string>) => {
      const body = new URLSearchParams({ user_code: told.user_code, ...form })
      const init = { method: 'POST', body, headers, redirect: 'manual' } as const
      return (await fetch(`${authority()}/device`, init)).text()
    }
    const cookie = good.join('; ')
    // A wrong one is good for nothing from then on, so each begins anew.
    const fresh = async () => {
      const { text } = await browser.ask(`${authority()}/device`)
      return /name="xsrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
    }
    for (const [form, headers] of [
      [{}, { cookie }],
      [{ xsrf: 'made-up' }, { cookie }],
      [{ xsrf: await fresh() }, { cookie: made }],
      [{ xsrf: await fresh() }, {}],
    ] as const) {
      await fresh()
      expect(await enter({ confirm: 'yes', ...form }, headers)).toContain('That did not work')
    }
    const foreign = { cookie, origin: 'https://evil.example' }
    expect(await enter({ confirm: 'yes', xsrf: await fresh() }, foreign)).not.toContain('Azure CLI')
    const polled = post('/oauth2/v2.0/token', polling(told.device_code))
    expect(await refusal(polled)).toEqual([400, 'authorization_pending', 70016])
    expect(await enter({ xsrf: await fresh() }, { cookie })).toContain('Azure CLI')
  })

  it('DeviceCodeCredential of @azure/identity signs in', async () => {
    let done: Promise<unknown> = Promise.resolve()
    const credential = new DeviceCodeCredential({
      tenantId: vitrine().config.tenantId,
      authorityHost: vitrine().url,
      disableInstanceDiscovery: true,
      userPromptCallback: ({ userCode, verificationUri }) => {
        done = confirm({ user_code: userCode, verification_uri: verificationUri })
      },
    })
    const { token } = await credential.getToken(`${vitrine().url}/.default`)
    await done
    expect(claimsOf(token)).toMatchObject({ oid: ann().id, idtyp: 'user' })
    const again = await credential.getToken(`${vitrine().url}/graph/.default`)
    expect(claimsOf(again.token).aud).toBe(`${vitrine().url}/graph`)
  })
})
