import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { ownerAsked } from '../../test/support/as-owner.ts'
import { operationRow } from '../../test/support/store-rows.ts'
import type { LogEvent } from '../base/world.ts'
import { Unavailable } from '../domain/errors.ts'
import type { EventSubscriptionRow } from '../domain/event-subscriptions.ts'
import { portOf } from '../listen.ts'
import type { Outcome } from '../runner/work.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { deliverEvents } from './deliver-events.ts'

const group = '/subscriptions/s1/resourceGroups/G'

/** One event is told to two: `lost`, of whom it cannot be said what he may read, and `good`. */
async function openDelivering(answer: (path: string) => number | undefined) {
  const logged: LogEvent[] = []
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const status = answer(request.url ?? '')
    if (status !== undefined) response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${portOf(server)}`
  const world = {
    now: () => new Date(1_000_000),
    sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
    log: (event: LogEvent) => void logged.push(event),
  }
  const store = await openSqliteStore({ path: ':memory:', world })
  onTestFinished(async () => {
    server.close()
    await store.close()
  })
  const row = (key: string): EventSubscriptionRow => ({
    ...{ key, id: key, scopeKey: '/subscriptions/s1', principal: { principalId: key } },
    doc: { endpoint: origin, sealedEndpoint: `${origin}/${key}` },
    ...{ secret: undefined, state: 'Active', reason: undefined, cursor: 0, attempts: 0 },
    ...{ deliveredMs: undefined, createdMs: 0, updatedMs: 0 },
  })
  await store.write(async (rows) => {
    for (const key of ['good', 'lost']) await rows.eventSubscriptions.put(row(key))
    const told = { action: 'Test/things/write', resourceId: group, name: 'n', tenantId: 't' }
    const ended = { status: 'Succeeded', startedMs: 5, endedMs: 5 } as const
    await rows.operations.insert(operationRow({ id: 'o', key: 'k', asked: told, ...ended }))
    await rows.events.number(9)
  })
  const { steps } = deliverEvents({
    ...{ store, world, source: 'https://here' },
    policy: {
      ...{ hosts: [{ is: 'origin', origin }], setting: 'events.hosts', stallMs: 600_000 },
      resolve: async () => [],
    },
    callerAgain: async ({ principalId }) => {
      if (principalId === 'lost') throw new Unavailable('the directory is away')
      return ownerAsked.caller
    },
    open: (_name, sealed) => sealed,
  })
  const stopping = new AbortController()
  const step = async (): Promise<Outcome | undefined> =>
    await steps.deliver?.({
      row: {
        ...{ id: '1', kind: 'DeliverEvents', subject: 'installation', queue: 'webhooks' },
        ...{ generation: 1, key: undefined, step: '', state: {}, wakeMs: 0, attempts: 0 },
        ...{ fence: 1, cancel: false, createdMs: 0, correlationId: undefined, trace: undefined },
      },
      state: {},
      signal: stopping.signal,
      write: (act) => store.write(act),
    })
  const shown = async (key: string) => await store.read.eventSubscriptions.get(key)
  return { step, stop: () => stopping.abort(), shown, asked, logged }
}

it('what fails for one subscription is told, and holds up no other', async () => {
  const { step, shown, asked, logged } = await openDelivering(() => 200)
  expect(await step()).toMatchObject({ is: 'wait' })
  expect(asked).toEqual(['/good'])
  expect(await shown('good')).toMatchObject({ cursor: 1, attempts: 0, deliveredMs: 1_000_000 })
  // It is not the endpoint's fault.
  expect(await shown('lost')).toMatchObject({ cursor: 0, attempts: 0, state: 'Active' })
  expect(logged).toMatchObject([{ event: 'webhook-held-up', subscription: 'lost' }])
})

it('a process that stops while an endpoint has not answered ends at once, and counts no try', async () => {
  const arrived = Promise.withResolvers<void>()
  const { step, stop, shown } = await openDelivering(() => void arrived.resolve())
  const running = step()
  await arrived.promise
  stop()
  expect(await running).toMatchObject({ is: 'wait' })
  expect(await shown('good')).toMatchObject({ cursor: 0, attempts: 0, reason: undefined })
})
