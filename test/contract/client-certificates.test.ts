import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { ClientCertificateCredential } from '@azure/identity'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ClientCertificate, clientCertificate } from '../support/client-certificate.ts'
import { openGraph } from '../support/graph.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const Refusal = z.object({ error: z.string(), error_codes: z.array(z.number()) })
const Keyed = z.object({ keyCredentials: z.array(z.looseObject({ keyId: z.string() })) })

let vitrine: TestInstallation
let held: ClientCertificate
let other: ClientCertificate
let appId: string
beforeAll(async () => {
  vitrine = await openTestInstallation()
  held = await clientCertificate()
  other = await clientCertificate()
  appId = await newApplication(held)
})
afterAll(() => vitrine.close())

async function newApplication({ base64 }: ClientCertificate): Promise<string> {
  const { made } = openGraph(vitrine)
  const key = { key: base64, type: 'AsymmetricX509Cert', usage: 'Verify' }
  const { id } = await made('applications', { displayName: 'certified', keyCredentials: [key] })
  await made('servicePrincipals', { appId: id })
  return id
}

const tokenUrl = (mount = vitrine.config.tenantId) => `${vitrine.url}/${mount}/oauth2/v2.0/token`

type Said = {
  readonly by?: ClientCertificate
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly alg?: string
}

/** As MSAL makes it. */
async function assertion({ by = held, claims = {}, header = {}, alg = 'RS256' }: Said = {}) {
  const nowS = Math.floor(Date.now() / 1000)
  const x5t = createHash('sha1').update(Buffer.from(by.base64, 'base64')).digest('base64url')
  const said = {
    aud: tokenUrl(),
    iss: appId,
    sub: appId,
    jti: randomUUID(),
    nbf: nowS,
    exp: nowS + 600,
  }
  return new SignJWT({ ...said, ...claims })
    .setProtectedHeader({ alg, typ: 'JWT', x5t, ...header })
    .sign(by.privateKey)
}

function ask(text: string, over: Record<string, string> = {}, url = tokenUrl()): Promise<Response> {
  const form = {
    client_id: appId,
    grant_type: 'client_credentials',
    scope: `${vitrine.url}/.default`,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: text,
    ...over,
  }
  return fetch(url, { method: 'POST', body: new URLSearchParams(form) })
}

async function refused(text: string, over: Record<string, string> = {}) {
  const answer = await ask(text, over)
  const { error, error_codes: codes } = Refusal.parse(await answer.json())
  return [answer.status, error, codes[0]]
}
const assertionWrong = [401, 'invalid_client', 700027]

describe('an application proves itself with a certificate', () => {
  it('as ClientCertificateCredential of @azure/identity does', async () => {
    const credential = new ClientCertificateCredential(
      vitrine.config.tenantId,
      appId,
      { certificate: held.pem },
      { authorityHost: vitrine.url, disableInstanceDiscovery: true },
    )
    const { token } = await credential.getToken(`${vitrine.url}/.default`)
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ appid: appId, idtyp: 'app' })
  })

  it('as az does below /adfs, by either thumbprint, with either padding of signatures', async () => {
    const x5tS256 = createHash('sha256')
      .update(Buffer.from(held.base64, 'base64'))
      .digest('base64url')
    const adfs = await assertion({ claims: { aud: tokenUrl('adfs') } })
    expect((await ask(adfs, {}, tokenUrl('adfs'))).status).toBe(200)
    const byS256 = await assertion({
      header: { x5t: undefined, 'x5t#S256': x5tS256 },
      alg: 'PS256',
    })
    expect((await ask(byS256)).status).toBe(200)
  })

  it('once with each assertion, however many show it at once', async () => {
    const text = await assertion()
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(text)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await refused(text)).toEqual(assertionWrong)
  })

  it.each<[string, () => Said]>([
    ['of another key', () => ({ by: other })],
    ['of another key that names ours', () => ({ by: other, header: { x5t: thumbprint(held) } })],
    ['that names another certificate', () => ({ header: { x5t: thumbprint(other) } })],
    ['for another address', () => ({ claims: { aud: 'https://elsewhere.example/token' } })],
    ['for our ARM', () => ({ claims: { aud: vitrine.url } })],
    ['of another application', () => ({ claims: { iss: randomUUID() } })],
    ['about another application', () => ({ claims: { sub: appId, iss: 'x' } })],
    ['that has expired', () => ({ claims: { exp: Math.floor(Date.now() / 1000) - 120 } })],
    ['that lasts for days', () => ({ claims: { exp: Math.floor(Date.now() / 1000) + 86_400 } })],
    ['that never ends', () => ({ claims: { exp: undefined } })],
    ['that is not good yet', () => ({ claims: { nbf: Math.floor(Date.now() / 1000) + 600 } })],
    ['without a jti', () => ({ claims: { jti: undefined } })],
    ['with an algorithm that is not taken', () => ({ alg: 'RS512' })],
  ])('an assertion %s is refused', async (_what, said) => {
    expect(await refused(await assertion(said()))).toEqual(assertionWrong)
  })

  it('an assertion without a signature, or signed with the public key as a secret, is refused', async () => {
    const [, claims] = (await assertion()).split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    expect(await refused(`${none}.${claims}.`)).toEqual(assertionWrong)
    const pem = new X509Certificate(Buffer.from(held.base64, 'base64')).publicKey.export({
      type: 'spki',
      format: 'pem',
    })
    const now = Math.floor(Date.now() / 1000)
    const confused = await new SignJWT({
      aud: tokenUrl(),
      iss: appId,
      sub: appId,
      jti: randomUUID(),
      exp: now + 60,
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(pem))
    expect(await refused(confused)).toEqual(assertionWrong)
  })

  it('one who shows a secret besides is refused', async () => {
    const [status] = await refused(await assertion(), { client_secret: 'x' })
    expect(status).toBe(400)
  })
})

function thumbprint({ base64 }: ClientCertificate): string {
  return createHash('sha1').update(Buffer.from(base64, 'base64')).digest('base64url')
}

describe('certificates of an application', () => {
  it('are shown, replaced and taken away as az does it, and count at once', async () => {
    const { graph } = openGraph(vitrine)
    const id = await newApplication(held)
    const shown = Keyed.parse((await graph('GET', `applications/${id}`)).body).keyCredentials
    const hex = Buffer.from(thumbprint(held), 'base64url').toString('hex').toUpperCase()
    expect(shown).toMatchObject([
      { type: 'AsymmetricX509Cert', customKeyIdentifier: hex, key: null },
    ])
    const added = [...shown, { key: other.base64, displayName: 'next' }]
    expect((await graph('PATCH', `applications/${id}`, { keyCredentials: added })).status).toBe(204)
    const of = { client_id: id }
    const by = (one: ClientCertificate) => assertion({ by: one, claims: { iss: id, sub: id } })
    expect((await ask(await by(held), of)).status).toBe(200)
    expect((await ask(await by(other), of)).status).toBe(200)
    const [, kept] = Keyed.parse((await graph('GET', `applications/${id}`)).body).keyCredentials
    const named = { keyCredentials: [kept] }
    const { keyCredentials } = Keyed.parse((await graph('GET', `applications/${id}`)).body)
    expect(keyCredentials).toHaveLength(2)
    await graph('PATCH', `applications/${id}`, named)
    const [left] = Keyed.parse((await graph('GET', `applications/${id}`)).body).keyCredentials
    const [gone, stays] = left?.displayName === 'next' ? [held, other] : [other, held]
    expect(await refused(await by(gone), of)).toEqual(assertionWrong)
    expect((await ask(await by(stays), of)).status).toBe(200)
    await graph('PATCH', `applications/${id}`, { keyCredentials: [] })
    expect(await refused(await by(stays), of)).toEqual(assertionWrong)
  })

  it.each([
    ['no certificate', { key: 'AAAA' }],
    ['no key, and no name of one', { keyId: randomUUID() }],
    ['an end before its start', () => ({ key: held.base64, endDateTime: '2000-01-01T00:00:00Z' })],
  ])('with %s are refused', async (_what, key) => {
    const { refused } = openGraph(vitrine)
    const keyCredentials = [typeof key === 'function' ? key() : key]
    expect((await refused('PATCH', `applications/${appId}`, { keyCredentials }))[0]).toBe(400)
    const displayName = 'never made'
    expect((await refused('POST', 'applications', { displayName, keyCredentials }))[0]).toBe(400)
    const { names } = openGraph(vitrine)
    expect(await names("applications?$filter=displayName eq 'never made'")).toEqual([])
  })

  it('with a short key are refused', async () => {
    const { base64 } = await clientCertificate({ bits: 1024 })
    const { refused } = openGraph(vitrine)
    const keyCredentials = [{ key: base64 }]
    expect((await refused('PATCH', `applications/${appId}`, { keyCredentials }))[0]).toBe(400)
  })
})
