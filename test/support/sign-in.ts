import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect } from 'vitest'
import { z } from 'zod'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { World } from '../../src/base/world.ts'
import { openBrowser, type Shown } from './browser.ts'
import { assignmentAt, giving, openGraph, person } from './graph.ts'
import { openTestInstallation, type TestInstallation } from './test-installation.ts'

export const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
export const password = 'correct horse battery'
export const loopback = 'http://localhost:49152'

const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  id_token: z.string(),
  client_info: z.string(),
  expires_in: z.number(),
})
const Refusal = z.object({ error: z.string(), error_codes: z.array(z.number()) })

export const Device = z.object({
  device_code: z.string(),
  user_code: z.string().regex(/^[B-Z]{4}-[B-Z]{4}$/),
  verification_uri: z.string(),
  expires_in: z.literal(900),
  interval: z.literal(5),
  message: z.string(),
})
/** What a person enters, and where. */
export type Code = Pick<z.infer<typeof Device>, 'user_code' | 'verification_uri'>
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

export const freshVerifier = () => randomBytes(32).toString('base64url')
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

export const polling = (device_code: string, grant_type = deviceGrant) => ({
  ...{ client_id: azureCli, grant_type, device_code, client_info: '1' },
})
export const typed = (name: string, secret = password) => ({
  name,
  password: secret,
  do: 'sign-in',
})

/** Status, error and number of a refusal. */
export async function refusal(answer: Promise<Response> | Response) {
  const { status } = await answer
  const { error, error_codes: codes } = Refusal.parse(await (await answer).json())
  return [status, error, codes[0]]
}

export async function tokensOf(answer: Promise<Response>): Promise<z.infer<typeof Tokens>> {
  const body = await (await answer).json()
  expect(body).not.toHaveProperty('error')
  return Tokens.parse(body)
}

/** An installation with a person, Ann, who may read all; and what programs and she do to sign in. */
export function useSignIn(world?: World) {
  let vitrine: TestInstallation
  let ann: { readonly id: string; readonly name: string }
  let authority: string
  let resource: string
  beforeAll(async () => {
    vitrine = await openTestInstallation(world === undefined ? {} : { world })
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

  /** Types a password that is right; where the browser is sent on, which it does not go yet. */
  async function accepted(browser: ReturnType<typeof openBrowser>, page: Shown, name = ann.name) {
    const cookie = [...browser.cookies.values()].map((one) => `${one.name}=${one.value}`).join('; ')
    const body = new URLSearchParams(typed(name))
    const sent = { method: 'POST', body, headers: { cookie }, redirect: 'manual' } as const
    const answer = await fetch(page.url, sent)
    expect(answer.status).toBe(303)
    return answer.headers.get('location') ?? ''
  }

  function post(path: string, form: Record<string, string>, at = authority): Promise<Response> {
    return fetch(`${at}${path}`, { method: 'POST', body: new URLSearchParams(form) })
  }

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

  async function signedIn(): Promise<z.infer<typeof Tokens>> {
    const verifier = freshVerifier()
    return tokensOf(post('/oauth2/v2.0/token', redeeming(await codeFor(verifier), verifier)))
  }

  const refreshing = (refresh_token: string, scope = `${resource}/.default`) => ({
    ...{ client_id: azureCli, grant_type: 'refresh_token', refresh_token },
    scope: `${scope} openid profile offline_access`,
    client_info: '1',
  })

  async function deviceCode(at = authority): Promise<z.infer<typeof Device>> {
    const form = {
      client_id: azureCli,
      scope: `${resource}/.default openid profile offline_access`,
    }
    return Device.parse(await (await post('/oauth2/v2.0/devicecode', form, at)).json())
  }
  /** Enters the code, agrees to it, signs in. */
  async function confirm(told: Code, name = ann.name): Promise<Shown> {
    const browser = openBrowser(vitrine.url)
    const entered = await browser.submit(await browser.ask(told.verification_uri), {
      user_code: told.user_code.toLowerCase(),
    })
    expect(entered.text).toContain(told.user_code)
    expect(entered.text).toMatch(/Azure CLI|Vitrine command line/)
    const form = await browser.submit(entered, { confirm: 'yes' })
    expect(form.text).toContain('type="password"')
    return browser.submit(form, typed(name))
  }

  return {
    vitrine: () => vitrine,
    ann: () => ann,
    authority: () => authority,
    resource: () => resource,
    newPerson,
    accepted,
    post,
    authorizeUrl,
    codeFor,
    redeeming,
    signedIn,
    refreshing,
    deviceCode,
    confirm,
  }
}
