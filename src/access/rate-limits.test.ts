import { beforeEach, describe, expect, it } from 'vitest'
import { ArmError } from '../domain/errors.ts'
import { type Charge, openRateLimits } from './rate-limits.ts'

let nowMs = 0
let limits: ReturnType<typeof openRateLimits>
beforeEach(() => {
  nowMs = 1_000_000
  limits = openRateLimits({ timesAzure: 1, world: { now: () => new Date(nowMs) } })
})

const read: Charge = {
  ...{ principalId: 'p', subscription: 's', kind: 'reads', operation: undefined },
}
const left = 'x-ms-ratelimit-remaining-subscription-reads'

/** How many of these are taken before the first that is not. */
function takenOf(charge: Charge): number {
  for (let taken = 0; taken < 99_999; taken += 1) {
    try {
      limits.charge(charge)
    } catch {
      return taken
    }
  }
  return Infinity
}

describe('what a principal may ask', () => {
  it('is a burst, then what comes back a second, and the header tells what is left', () => {
    expect(limits.charge(read)).toEqual([left, '249'])
    expect(takenOf(read)).toBe(249)
    expect(() => limits.charge(read)).toThrow(/'read' requests for subscription 's' actor 'p'/)
    expect(() => limits.charge(read)).toThrow(expect.objectContaining({ retryAfterS: 1 }))
    nowMs += 1_000
    expect(takenOf(read)).toBe(25)
    nowMs += 3_600_000
    expect(takenOf(read)).toBe(250)
    nowMs -= 9_999
    expect(takenOf(read)).toBe(0)
  })

  it('is counted by kind, subscription and principal', () => {
    expect(takenOf(read)).toBe(250)
    expect(takenOf({ ...read, kind: 'writes' })).toBe(200)
    expect(takenOf({ ...read, kind: 'deletes' })).toBe(200)
    expect(takenOf({ ...read, subscription: 's2' })).toBe(250)
    expect(takenOf({ ...read, principalId: 'p2' })).toBe(250)
    const tenant = { ...read, subscription: undefined }
    expect(limits.charge(tenant)).toEqual(['x-ms-ratelimit-remaining-tenant-reads', '249'])
    expect(takenOf(tenant)).toBe(249)
    expect(() => limits.charge(tenant)).toThrow(
      expect.objectContaining({ code: 'TenantRequestsThrottled', status: 429 }),
    )
  })

  it('has a bound for each operation on galleries, in 3 and in 30 minutes', () => {
    const share: Charge = { ...read, kind: 'writes', operation: 'PostShareGallery' }
    expect(limits.charge(share)).toEqual([
      ...['x-ms-ratelimit-remaining-subscription-writes', '199'],
      'x-ms-ratelimit-remaining-resource',
      'Microsoft.Compute/PostShareGallery3Min;9,Microsoft.Compute/PostShareGallery30Min;59',
    ])
    expect(takenOf(share)).toBe(9)
    expect(() => limits.charge(share)).toThrow(
      expect.objectContaining({
        ...{ code: 'OperationNotAllowed', status: 429, retryAfterS: 18 },
        details: [
          expect.objectContaining({ code: 'TooManyRequests', target: 'PostShareGallery3Min' }),
        ],
      }),
    )
    let taken = 10
    for (let minutes = 0; minutes < 30; minutes += 3) {
      nowMs += 180_000
      taken += takenOf(share)
    }
    // 60 at once and 60 that came back, less what is on its way.
    expect(taken).toBeLessThanOrEqual(120)
    expect(taken).toBeGreaterThan(100)
  })

  it('is forgotten of those who asked longest ago, so memory is bounded', () => {
    expect(takenOf(read)).toBe(250)
    for (let other = 0; other < 8_192; other += 1)
      limits.charge({ ...read, principalId: `${other}` })
    expect(takenOf(read)).toBe(250)
  })
})

describe('tokens that are refused', () => {
  const refuse = async () => {
    throw new ArmError('AuthenticationFailed', 'no')
  }
  const codeOf = (asked: Promise<unknown>) =>
    asked.then(
      () => 'accepted',
      (error: unknown) => (error instanceof ArmError ? error.code : 'other'),
    )

  it('are bounded by network, whatever rates are set; good ones are taken nevertheless', async () => {
    for (let times = 0; times < 600; times += 1) {
      const address = `2001:db8::${times.toString(16)}`
      expect(await codeOf(limits.guarded(address, refuse))).toBe('AuthenticationFailed')
    }
    expect(await codeOf(limits.guarded('2001:db8::1:1', refuse))).toBe('TooManyRequests')
    expect(await codeOf(limits.guarded('2001:db8::1', async () => undefined))).toBe('accepted')
    expect(await codeOf(limits.guarded('2001:db8:0:1::1', refuse))).toBe('AuthenticationFailed')
    nowMs += 1_000
    for (let times = 0; times < 10; times += 1) {
      expect(await codeOf(limits.guarded('2001:db8::1', refuse))).toBe('AuthenticationFailed')
    }
    expect(await codeOf(limits.guarded('2001:db8::1', refuse))).toBe('TooManyRequests')
  })

  it('are counted, and nothing else that goes wrong', async () => {
    const broken = async () => {
      throw new Error('broken')
    }
    for (let times = 0; times < 700; times += 1) {
      expect(await codeOf(limits.guarded('192.0.2.1', broken))).toBe('other')
    }
  })
})
