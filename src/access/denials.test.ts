import { expect, it } from 'vitest'
import type { LogEvent } from '../base/world.ts'
import type { AuditEntry } from '../domain/audit.ts'
import { Unavailable } from '../domain/errors.ts'
import { openDenials } from './denials.ts'

const denial = {
  ...{ tenantId: 't1', principalId: 'p1', name: 'n', correlationId: 'c1' },
  ...{ action: 'a/read', scope: '/subscriptions/s', code: 'AuthorizationFailed', address: '::1' },
}

function opened(add?: (entries: readonly AuditEntry[]) => Promise<void>) {
  const kept: AuditEntry[] = []
  const logged: LogEvent[] = []
  const windows: (() => void)[] = []
  const clock = { nowMs: 5 }
  let ids = 0
  const denials = openDenials({
    add: add ?? (async (entries) => void kept.push(...entries)),
    tenantId: 'home',
    world: {
      now: () => new Date(clock.nowMs),
      id: () => {
        ids += 1
        return `i${ids}`
      },
      log: (event) => void logged.push(event),
      sleep: (_ms, signal) =>
        new Promise((resolve, reject) => {
          windows.push(resolve)
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    },
  })
  return { clock, denials, kept, logged, windows }
}

it('equal denials of one window are one entry that counts them', async () => {
  const { denials, kept, windows } = opened()
  denials.denied(denial)
  denials.denied({ ...denial, correlationId: 'c2' })
  denials.denied({ ...denial, action: 'a/write' })
  expect(windows).toHaveLength(1)
  windows[0]?.()
  await denials.flush()
  expect(kept.map(({ action, about }) => [action, about])).toEqual([
    ['a/read', { code: 'AuthorizationFailed', address: '::1', times: 2 }],
    ['a/write', { code: 'AuthorizationFailed', address: '::1' }],
  ])
  expect(kept[0]).toMatchObject({ outcome: 'denied', correlationId: 'c1', atMs: 5 })
  denials.denied(denial)
  await denials.close()
  expect(kept).toHaveLength(3)
})

it('one asker fills no more than his part, and what went untold is counted', async () => {
  const { denials, kept } = opened()
  for (let at = 0; at < 500; at += 1) denials.denied({ ...denial, scope: `/${at}` })
  denials.denied({ ...denial, principalId: 'p2' })
  await denials.flush()
  expect(kept.filter(({ principalId }) => principalId === 'p1')).toHaveLength(16)
  expect(kept.filter(({ principalId }) => principalId === 'p2')).toHaveLength(1)
  expect(kept.at(-1)).toMatchObject({ tenantId: 't1', about: { untold: 484 } })
  for (let at = 0; at < 500; at += 1) denials.denied({ ...denial, principalId: `p${at}` })
  await denials.close()
  expect(kept).toHaveLength(18 + 129)
})

it('those of one tenant, and of nobody, hide no other tenant’s and nobody who signed in', async () => {
  const { denials, kept } = opened()
  for (let at = 0; at < 500; at += 1) denials.denied({ ...denial, principalId: `p${at}` })
  for (let at = 0; at < 500; at += 1) {
    const nobody = { ...denial, tenantId: 't2', principalId: '' }
    denials.denied({ ...nobody, address: `2001:db8:0:${at.toString(16)}::1` })
  }
  denials.denied({ ...denial, tenantId: 't2', principalId: 'ann' })
  denials.denied({ ...denial, tenantId: 't3' })
  await denials.close()
  const of = (tenantId: string) => kept.filter((one) => one.tenantId === tenantId)
  expect(['t1', 't2', 't3'].map((tenantId) => of(tenantId).length)).toEqual([129, 66, 1])
  expect(of('t2').map(({ principalId }) => principalId)).toContain('ann')
  expect(of('t1').at(-1)?.about).toEqual({ untold: 372 })
  expect(of('t2').at(-1)?.about).toEqual({ untold: 436 })
})

it('one network is one asker, whose password ever is tried', async () => {
  const { denials, kept } = opened()
  for (let at = 0; at < 40; at += 1) {
    const address = `2001:db8::${at.toString(16)}`
    const about = { userId: `u${at}` }
    denials.denied({ ...denial, principalId: '', name: '', address, about })
  }
  await denials.close()
  expect(kept).toHaveLength(17)
  expect(kept[0]?.about).toMatchObject({ userId: 'u0', code: denial.code })
})

it('a flood of a day is told by a bounded number of rows, and the next day anew', async () => {
  const { clock, denials, kept } = opened()
  for (let day = 1; day <= 2; day += 1) {
    kept.splice(0)
    for (let at = 0; at < 5_760; at += 1) {
      clock.nowMs = day * 86_400_000 + at * 15_000
      for (const scope of [`/${at}`, `/${at}/x`]) denials.denied({ ...denial, scope })
      await denials.flush()
    }
    expect(kept.filter(({ about }) => about.untold === undefined)).toHaveLength(256)
    expect(kept.length).toBeLessThanOrEqual(256 + 97)
  }
  await denials.close()
})

it('texts of a request are cut and cleaned before they are kept', async () => {
  const { denials, kept } = opened()
  denials.denied({ ...denial, scope: `/\0\u001b${'x'.repeat(9_999)}`, name: '\ud800' })
  await denials.close()
  expect(kept[0]?.scope).toHaveLength(512)
  expect(kept[0]?.scope.startsWith('/\u{fffd}\u{fffd}x')).toBe(true)
  expect(kept[0]?.name).toBe('\u{fffd}')
})

it('what was allowed and failed is told each by itself, within bounds of its own', async () => {
  const { denials, kept } = opened()
  const failure = {
    ...{ tenantId: 't1', principalId: 'p1', name: 'n', correlationId: 'c1', action: 'a/delete' },
    ...{ scope: '/subscriptions/s', code: 'ScopeLocked', statusMessage: '{"error":{}}' },
  }
  denials.failed(failure)
  denials.failed({ ...failure, correlationId: 'c2' })
  // One request, tried again by a deployment.
  denials.failed(failure)
  denials.denied(denial)
  await denials.flush()
  const { code, statusMessage } = failure
  expect(kept.map(({ outcome, correlationId, about }) => [outcome, correlationId, about])).toEqual([
    ['failed', 'c1', { code, statusMessage, times: 2 }],
    ['failed', 'c2', { code, statusMessage }],
    ['denied', 'c1', { code: denial.code, address: '::1' }],
  ])
  kept.splice(0)
  for (let at = 0; at < 500; at += 1) denials.failed({ ...failure, correlationId: `c${at}` })
  denials.denied(denial)
  await denials.close()
  expect(kept.filter(({ outcome }) => outcome === 'failed')).toHaveLength(64)
  expect(kept.at(-2)).toMatchObject({ outcome: 'denied', action: denial.action })
  expect(kept.at(-1)?.about).toEqual({ untold: 436 })
})

it('a database that is away costs denials, and no request', async () => {
  const { denials, logged } = opened(async () => {
    throw new Unavailable('away')
  })
  denials.denied(denial)
  await denials.flush()
  expect(logged).toEqual([{ level: 'warn', event: 'denials-not-kept', denials: 1 }])
})
