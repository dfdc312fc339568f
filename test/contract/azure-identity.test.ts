import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClientSecretCredential } from '@azure/identity'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openCertificate } from '../../src/identity/certificates.ts'
import { openSigninWorld, requestToken, testTenantId } from '../support/signin-world.ts'

const world = {
  now: () => new Date(),
  id: () => randomUUID(),
  sleep: () => Promise.reject(new Error('nothing here waits')),
  log: () => undefined,
}
let folder: string
let server: ReturnType<typeof createServer>
let signin: Awaited<ReturnType<typeof openSigninWorld>>
let baseUrl: string
let ca: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-signin-'))
  const certificate = await openCertificate({ folder, hostNames: [], world })
  ca = certificate.caPem ?? ''
  server = createServer({ cert: certificate.certPem, key: certificate.keyPem })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  signin = await openSigninWorld({ baseUrl, world })
  server.on('request', getRequestListener(signin.app.fetch))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

function credential(secret: string) {
  return new ClientSecretCredential(testTenantId, signin.owner.clientId, secret, {
    authorityHost: baseUrl,
    disableInstanceDiscovery: true,
    tlsOptions: { ca },
    retryOptions: { maxRetries: 0 },
  })
}

test('ClientSecretCredential gets a token over real TLS that access takes', async () => {
  const { token, expiresOnTimestamp } = await credential(signin.owner.secret ?? '').getToken(
    `${baseUrl}/.default`,
  )
  expect(expiresOnTimestamp).toBeGreaterThan(Date.now())
  const caller = await signin.access.authenticate(`Bearer ${token}`)
  expect(caller).toMatchObject({ tenantId: testTenantId, name: signin.owner.clientId })
  expect(caller.visible('Microsoft.Compute/galleries/read')).toBe('all')
})

test('ClientSecretCredential with the default ARM scope gets one too', async () => {
  const scope = 'https://management.azure.com/.default'
  const { token } = await credential(signin.owner.secret ?? '').getToken(scope)
  await expect(signin.access.authenticate(`Bearer ${token}`)).resolves.toBeDefined()
})

test('ClientSecretCredential with a wrong secret is told AADSTS7000215', async () => {
  await expect(credential('wrong').getToken(`${baseUrl}/.default`)).rejects.toThrow(/AADSTS7000215/)
})

const FirstAnswer = z.record(z.string(), z.string())

test('the endpoint before v2.0 takes a resource, and answers in texts, as ADAL and autorest want it', async () => {
  const path = `/${testTenantId}/oauth2/token?api-version=1.0`
  const resource = `${baseUrl}/`
  const asked = {
    grant_type: 'client_credentials',
    client_id: signin.owner.clientId,
    client_secret: signin.owner.secret ?? '',
    resource,
  }
  const answer = FirstAnswer.parse(await (await requestToken(signin.app, asked, path)).json())
  expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: '3600', resource })
  expect(Number(answer.expires_on) - Number(answer.not_before)).toBe(3600)
  const bearer = `Bearer ${answer.access_token}`
  expect(await signin.access.authenticate(bearer)).toMatchObject({ tenantId: testTenantId })
  const refused = await requestToken(signin.app, { ...asked, client_secret: 'wrong' }, path)
  expect([refused.status, await refused.json()]).toMatchObject([401, { error: 'invalid_client' }])
  const elsewhere = await requestToken(
    signin.app,
    { ...asked, resource: 'https://evil.test/' },
    path,
  )
  expect([elsewhere.status, await elsewhere.json()]).toMatchObject([
    400,
    { error: 'invalid_resource' },
  ])
})
