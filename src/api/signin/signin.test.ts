import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openMemoryDirectory } from '../../../test/support/memory-directory.ts'
import { openSigninWorld, requestToken, testTenantId } from '../../../test/support/signin-world.ts'
import type { World } from '../../base/world.ts'
import { Unavailable } from '../../domain/errors.ts'

const baseUrl = 'https://127.0.0.1:8443'
const TokenAnswer = z.object({
  token_type: z.literal('Bearer'),
  expires_in: z.number(),
  access_token: z.string(),
})
const ErrorAnswer = z.object({
  error: z.string(),
  error_description: z.string(),
  error_codes: z.array(z.number()),
})

const logged: unknown[] = []
const world: World = {
  now: () => new Date(),
  id: () => randomUUID(),
  sleep: () => Promise.reject(new Error('nothing here waits')),
  log: (event) => logged.push(event),
}

let signin: Awaited<ReturnType<typeof openSigninWorld>>
beforeAll(async () => {
  signin = await openSigninWorld({ baseUrl, world })
})

/** The form exactly as MSAL for Python sends it for az; see az-client. */
function azForm(over: Record<string, string> = {}) {
  return {
    client_id: signin.owner.clientId,
    client_secret: signin.owner.secret ?? '',
    grant_type: 'client_credentials',
    scope: `${baseUrl}//.default`,
    client_info: '1',
    claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}',
    ...over,
  }
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

async function refusal(form: Record<string, string>, path?: string) {
  const answer = await requestToken(signin.app, form, path)
  expect(answer.headers.get('retry-after')).toBeNull()
  return { status: answer.status, ...ErrorAnswer.parse(await answer.json()) }
}

describe('discovery', () => {
  test.each([
    ['/adfs/.well-known/openid-configuration', '/adfs'],
    [`/${testTenantId}/v2.0/.well-known/openid-configuration`, `/${testTenantId}`],
    [`/${testTenantId}/.well-known/openid-configuration`, `/${testTenantId}`],
  ])('%s names endpoints below its own mount and one issuer', async (path, mount) => {
    const answer = await signin.app.request(path)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({
      issuer: `${baseUrl}/${testTenantId}/v2.0`,
      authorization_endpoint: `${baseUrl}${mount}/oauth2/v2.0/authorize`,
      token_endpoint: `${baseUrl}${mount}/oauth2/v2.0/token`,
      jwks_uri: `${baseUrl}${mount}/discovery/v2.0/keys`,
    })
  })

  test('addresses come from the configured base, not from Host or forwarding headers', async () => {
    const answer = await signin.app.request('/adfs/.well-known/openid-configuration', {
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    })
    expect(await answer.text()).not.toContain('evil')
  })

  test('the key set holds the public half only', async () => {
    const answer = await signin.app.request(`/${testTenantId}/discovery/v2.0/keys`)
    const { keys } = z
      .object({ keys: z.array(z.looseObject({})).min(1) })
      .parse(await answer.json())
    for (const key of keys) {
      expect(key).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' })
      expect(Object.keys(key)).not.toEqual(expect.arrayContaining(['d']))
    }
  })

  test('an unknown tenant is told as Entra tells it', async () => {
    const answer = await signin.app.request(
      `/${randomUUID()}/v2.0/.well-known/openid-configuration`,
    )
    expect(answer.status).toBe(400)
    const body = ErrorAnswer.parse(await answer.json())
    expect(body).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] })
  })
})

describe('tokens', () => {
  test('az gets one below /adfs with its double slash scope, and access takes it', async () => {
    const answer = await requestToken(signin.app, azForm())
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toContain('no-store')
    const token = TokenAnswer.parse(await answer.json())
    expect(token.expires_in).toBe(3600)
    const claims = claimsOf(token.access_token)
    expect(claims).toMatchObject({
      iss: `${baseUrl}/${testTenantId}/v2.0`,
      aud: `${baseUrl}/`,
      tid: testTenantId,
      appid: signin.owner.clientId,
      idtyp: 'app',
      ver: '1.0',
    })
    expect(claims.sub).toBe(claims.oid)
    const caller = await signin.access.authenticate(`Bearer ${token.access_token}`)
    expect(caller).toMatchObject({
      principalId: claims.oid,
      tenantId: testTenantId,
      name: signin.owner.clientId,
      kind: 'Application',
    })
    expect(caller.may('Microsoft.Compute/galleries/write', '/subscriptions/x')).toBe(true)
    expect(caller.visible('Microsoft.Compute/galleries/read')).toBe('all')
  })

  test.each([
    [`${baseUrl}/.default`, baseUrl],
    ['https://localhost:8443/.default', 'https://localhost:8443'],
    ['https://management.azure.com/.default', 'https://management.azure.com'],
    ['https://management.core.windows.net//.default', 'https://management.core.windows.net/'],
  ])('scope %s gives a token that access takes', async (scope, audience) => {
    const answer = await requestToken(signin.app, azForm({ scope }))
    const { access_token: token } = TokenAnswer.parse(await answer.json())
    expect(claimsOf(token).aud).toBe(audience)
    await expect(signin.access.authenticate(`Bearer ${token}`)).resolves.toBeDefined()
  })

  test('a Graph token is given, and refused by the ARM API', async () => {
    const answer = await requestToken(signin.app, azForm({ scope: `${baseUrl}/graph//.default` }))
    const { access_token: token } = TokenAnswer.parse(await answer.json())
    expect(claimsOf(token).aud).toBe(`${baseUrl}/graph/`)
    await expect(signin.access.authenticate(`Bearer ${token}`)).rejects.toMatchObject({
      code: 'AuthenticationFailed',
    })
  })

  test('the secret may come as Basic credentials', async () => {
    const { client_id: id, client_secret: secret, ...form } = azForm()
    const answer = await signin.app.request('/adfs/oauth2/v2.0/token', {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams(form),
    })
    expect(answer.status).toBe(200)
  })

  test('the client id is taken in any case', async () => {
    const form = azForm({ client_id: signin.owner.clientId.toUpperCase() })
    expect((await requestToken(signin.app, form)).status).toBe(200)
  })

  test('a restart on the same rows accepts old tokens and the same secret', async () => {
    const answer = await requestToken(signin.app, azForm())
    const { access_token: token } = TokenAnswer.parse(await answer.json())
    const again = await openSigninWorld({ baseUrl, world, directory: signin.directory })
    expect(again.owner).toEqual({
      clientId: signin.owner.clientId,
      tenantId: testTenantId,
      created: false,
    })
    await expect(again.access.authenticate(`Bearer ${token}`)).resolves.toBeDefined()
    expect((await requestToken(again.app, azForm())).status).toBe(200)
  })
})

describe('refusals', () => {
  test('a wrong secret is 401 invalid_client with AADSTS7000215 and no Retry-After', async () => {
    const told = await refusal(azForm({ client_secret: 'wrong' }))
    expect(told).toMatchObject({ status: 401, error: 'invalid_client', error_codes: [7000215] })
    expect(told.error_description).toMatch(/^AADSTS7000215: Invalid client secret provided\./)
    expect(told.error_description).toContain(signin.owner.clientId)
  })

  test('no secret, and an empty one, is 401', async () => {
    const { client_secret: _, ...form } = azForm()
    expect(await refusal(form)).toMatchObject({ status: 401, error_codes: [7000216] })
    expect(await refusal(azForm({ client_secret: '' }))).toMatchObject({ status: 401 })
  })

  test('an application of another tenant is unknown here', async () => {
    const [stored] = signin.directory.applicationsById.values()
    if (!stored) throw new Error('the owner is stored')
    await signin.directory.applications.putIfAbsent({
      ...stored,
      clientId: 'foreign',
      tenantId: randomUUID(),
    })
    const told = await refusal(azForm({ client_id: 'foreign' }))
    expect(told).toMatchObject({ status: 401, error: 'invalid_client', error_codes: [700016] })
  })

  test('an unknown application, resource, scope or grant is told apart', async () => {
    expect(await refusal(azForm({ client_id: randomUUID() }))).toMatchObject({
      status: 401,
      error_codes: [700016],
    })
    expect(await refusal(azForm({ scope: 'https://elsewhere.example/.default' }))).toMatchObject({
      status: 400,
      error_codes: [500011],
    })
    expect(await refusal(azForm({ scope: 'https://management.azure.com' }))).toMatchObject({
      status: 400,
      error_codes: [1002012],
    })
    expect(await refusal(azForm({ grant_type: 'password' }))).toMatchObject({
      status: 400,
      error: 'unsupported_grant_type',
    })
  })

  test('what is no token request is 400, what is too large is refused unread', async () => {
    const json = await signin.app.request('/adfs/oauth2/v2.0/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(json.status).toBe(400)
    expect(await refusal(azForm({ claims: 'x'.repeat(40_000) }))).toMatchObject({ status: 400 })
    const get = await signin.app.request('/adfs/oauth2/v2.0/token')
    expect(get.status).toBe(404)
  })

  test('HEAD and a CORS preflight are answered without a body', async () => {
    const path = '/adfs/.well-known/openid-configuration'
    const head = await signin.app.request(path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const preflight = await signin.app.request(path, {
      method: 'OPTIONS',
      headers: { origin: 'https://portal.example', 'access-control-request-method': 'GET' },
    })
    expect([preflight.status, await preflight.text()]).toEqual([204, ''])
  })

  test('rows that are away give 503 in words, not a stack', async () => {
    const directory = openMemoryDirectory()
    const away = await openSigninWorld({ baseUrl, world, directory })
    directory.applications.get = () => Promise.reject(new Unavailable('the database is away'))
    const answer = await requestToken(away.app, azForm())
    expect(answer.status).toBe(503)
    expect(ErrorAnswer.parse(await answer.json()).error_codes).toEqual([90033])
  })

  test('nothing in all this was logged as broken', () => {
    expect(logged).toEqual([])
  })
})
