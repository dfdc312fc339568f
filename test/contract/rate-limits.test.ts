import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

describe('limits of rate', () => {
  let vitrine: TestInstallation
  let owner: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: { rateLimits: { timesAzure: 1 } } })
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  async function until429(ask: () => Promise<Answer>): Promise<Answer> {
    for (let times = 0; times < 2_000; times += 1) {
      const answer = await ask()
      if (answer.status === 429) return answer
    }
    throw new Error('nothing was refused')
  }

  it('tell what is left, as Azure does', async () => {
    const { headers } = await owner.get(`galleries/${gallery}`)
    expect(Number(headers.get('x-ms-ratelimit-remaining-subscription-reads'))).toBeLessThan(250)
    expect(headers.get('x-ms-ratelimit-remaining-resource')).toMatch(
      /^Microsoft\.Compute\/GetGallery3Min;\d+,Microsoft\.Compute\/GetGallery30Min;\d+$/,
    )
    const wrong = await owner.get('galleries/none')
    expect(wrong.status).toBe(404)
    expect(wrong.headers.has('x-ms-ratelimit-remaining-subscription-reads')).toBe(true)
    const tenant = await owner.get('/tenants')
    expect(tenant.headers.has('x-ms-ratelimit-remaining-tenant-reads')).toBe(true)
  })

  it('refuse with 429, Retry-After and Azure’s code, and what is asked later is answered', async () => {
    const refused = await until429(() => owner.get(`galleries/${gallery}`))
    expect(errorOf(refused).code).toMatch(/^(SubscriptionRequestsThrottled|OperationNotAllowed)$/)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const shared = await until429(() =>
      owner.ask('POST', `galleries/${gallery}/share`, { body: {} }),
    )
    expect(errorOf(shared)).toMatchObject({ code: 'OperationNotAllowed' })
    const list = await vitrine.call('GET', '/graph/v1.0/users?$top=1', undefined, {})
    expect(list.status).toBe(200)
  })

  it('bound the refused tokens of an address, and hold up nobody who signed in', async () => {
    const forged = { headers: { authorization: 'Bearer a.b.c' } }
    const refused = await until429(() => owner.ask('GET', '/tenants', forged))
    expect(errorOf(refused).code).toBe('TooManyRequests')
    expect((await owner.get('/tenants')).status).toBe(200)
    // One that was never seen before: just signed in, from the same address.
    const fresh = await openOtherCaller(vitrine, [])
    expect((await fresh.get('/tenants')).status).toBe(200)
  })
})
