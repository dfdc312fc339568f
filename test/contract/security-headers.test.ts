import { afterAll, beforeAll, expect, it } from 'vitest'
import { securityHeaders } from '../../src/base/security-headers.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let vitrine: TestInstallation
beforeAll(async () => {
  vitrine = await openTestInstallation()
})
afterAll(() => vitrine.close())

it.each([
  ['ARM', '/subscriptions?api-version=2022-12-01', 200],
  ['ARM without a token', '/subscriptions?api-version=2022-12-01', 401],
  ['ARM above subscriptions', '/tenants?api-version=2022-12-01', 200],
  ['what is nowhere', '/providers/nothing?api-version=2022-12-01', 404],
  ['Graph', '/graph/v1.0/users', 200],
  ['Graph without a token', '/graph/v1.0/users', 401],
  ['blobs', '/account1/container/blob', 401],
  ['a disk’s blob', '/md-disks/grant/abcd', 403],
  ['an image file', '/vm-images/grant/disk.vhd', 403],
  ['discovery', '/common/v2.0/.well-known/openid-configuration', 200],
  ['health', '/healthz', 200],
  ['readiness', '/readyz', 200],
  ['metrics', '/metrics', 200],
])('%s says the security headers', async (_what, path, status) => {
  const headers: Record<string, string> = {}
  if (status === 401 || status === 403) headers.authorization = ''
  const answer = await vitrine.call('GET', path, undefined, headers)
  expect(answer.status).toBe(status)
  for (const [name, value] of securityHeaders) expect(answer.headers.get(name), name).toBe(value)
})

it.each(['/', '/common', 'tenant'])(
  'a browser at %s is shown what this is and where people go on; programs are answered as ever',
  async (place) => {
    const { tenantId } = vitrine.config
    const at = `${vitrine.url}${place === 'tenant' ? `/${tenantId}` : place}`
    const shown = await fetch(at, { headers: { accept: 'text/html,*/*;q=0.8' } })
    const text = await shown.text()
    expect([shown.status, shown.headers.get('x-frame-options')]).toEqual([200, 'DENY'])
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'")
    for (const path of ['device', 'password']) {
      expect(text).toContain(`href="${vitrine.url}/${tenantId}/${path}"`)
    }
    expect(text).not.toContain('<script')
    const answer = await fetch(at, { headers: { accept: 'application/json' } })
    expect(answer.headers.get('content-type')).toContain('application/json')
    const nowhere = await fetch(`${vitrine.url}/nobody`, { headers: { accept: 'text/html' } })
    expect(nowhere.headers.get('content-type')).not.toContain('html')
  },
)
