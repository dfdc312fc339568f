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
  let ids = 0
  const denials = openDenials({
    add: add ?? (async (entries) => void kept.push(...entries)),
    tenantId: 'home',
    world: {
      now: () => new Date(5),
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
  return { denials, kept, logged, windows }
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
  expect(kept.at(-1)).toMatchObject({ tenantId: 'home', about: { untold: 484 } })
  for (let at = 0; at < 500; at += 1) denials.denied({ ...denial, principalId: `p${at}` })
  await denials.close()
  expect(kept).toHaveLength(18 + 129)
})

it('texts of a request are cut and cleaned before they are kept', async () => {
  const { denials, kept } = opened()
  denials.denied({ ...denial, scope: `/\0\u001b${'x'.repeat(9_999)}`, name: '\ud800' })
  await denials.close()
  expect(kept[0]?.scope).toHaveLength(512)
  expect(kept[0]?.scope.startsWith('/\u{fffd}\u{fffd}x')).toBe(true)
  expect(kept[0]?.name).toBe('\u{fffd}')
})

it('a database that is away costs denials, and no request', async () => {
  const { denials, logged } = opened(async () => {
    throw new Unavailable('away')
  })
  denials.denied(denial)
  await denials.flush()
  expect(logged).toEqual([{ level: 'warn', event: 'denials-not-kept', denials: 1 }])
})
