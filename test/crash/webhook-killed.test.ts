import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it, onTestFinished } from 'vitest'
import { limits } from '../../src/domain/limits.ts'
import { isObject } from '../../src/resources/paths.ts'
import { patiently } from '../support/kill-often.ts'
import { databaseOf } from '../support/postgres-database.ts'
import { type ServerProcess, startServer } from '../support/server-process.ts'

const api = 'api-version=2024-03-01'
const west = { location: 'westeurope' }
/** A lease of a process that was killed ends first. */
const patience = { timeout: 3 * limits.leaseMs }

type Told = { readonly id: string; readonly text: string }

function toldIn(body: string): readonly Told[] {
  const events: unknown = JSON.parse(body)
  if (!Array.isArray(events)) throw new Error(`no batch: ${body}`)
  return events.map((event) => ({
    id: String(isObject(event) && event.id),
    text: JSON.stringify(event),
  }))
}

/** An endpoint that hands each batch to `taken` and answers when that has ended. */
async function openEndpoint(taken: (batch: readonly Told[]) => Promise<void>) {
  const endpoint = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    if (request.method === 'POST') await taken(toldIn(body))
    response.writeHead(200, { 'webhook-allowed-origin': '*' }).end()
  })
  endpoint.listen(0, '127.0.0.1')
  await once(endpoint, 'listening')
  onTestFinished(() => void endpoint.close())
  const address = endpoint.address()
  if (typeof address !== 'object' || !address) throw new Error('it listens')
  return `http://127.0.0.1:${address.port}`
}

it('B20 a process that dies when an endpoint has its events, and before that is written down, tells them again with their ids, and none is lost', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vitrine-webhook-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  const received: (readonly Told[])[] = []
  let dies: (() => Promise<unknown>) | undefined
  const endpoint = await openEndpoint(async (batch) => {
    received.push(batch)
    await dies?.()
  })
  const configFile = join(data, 'config.json')
  const isPostgres = inject('database') === 'postgres'
  const database = isPostgres ? { url: await databaseOf(data) } : undefined
  await writeFile(configFile, JSON.stringify({ database, events: { hosts: [endpoint] } }))
  let server: ServerProcess = await startServer(data, { port: 0, configFile })
  onTestFinished(async () => void (await server.kill()))
  const port = Number(new URL(server.url).port)
  const { call, subscription } = await server.clients()
  const group = `/subscriptions/${subscription}/resourceGroups/told`
  const put = async (path: string, body: unknown) => {
    const answer = await patiently(() => call('PUT', path, body))
    expect(answer.ok, await answer.text()).toBe(true)
  }
  const events = `${group}/providers/Vitrine.Gallery/events?${api}`
  await put(`${group}?api-version=2021-04-01`, west)
  const cursor = (await call('GET', events)).headers.get('x-vitrine-cursor')
  const hook = `${group}/providers/Vitrine.Gallery/eventSubscriptions/hook?${api}`
  await put(hook, { properties: { endpoint } })

  const cut: Told[] = []
  // There each costs the time of a lease.
  for (const name of isPostgres ? ['first'] : ['first', 'second']) {
    const dead = Promise.withResolvers<void>()
    dies = async () => {
      dies = undefined
      cut.push(...(received.at(-1) ?? []))
      await server.kill()
      dead.resolve()
    }
    const gallery = `${group}/providers/Microsoft.Compute/galleries/${name}?api-version=2024-03-03`
    const asked = put(gallery, west)
    await dead.promise
    server = await startServer(data, { port, configFile })
    await asked
    const times = () => received.flat().filter(({ id }) => id === cut.at(-1)?.id).length
    await expect.poll(times, patience).toBe(2)
  }
  const all = toldIn(await (await call('GET', `${events}&after=${cursor}`)).text())
  expect(all.length).toBeGreaterThanOrEqual(cut.length)
  const ids = () => new Set(received.flat().map(({ id }) => id))
  await expect.poll(() => [...ids()]).toEqual(all.map(({ id }) => id))
  expect(new Set(received.flat().map(({ text }) => text))).toEqual(
    new Set(all.map(({ text }) => text)),
  )
  const twice = received.flat().filter(({ id }) => cut.some((one) => one.id === id))
  expect(twice).toHaveLength(2 * cut.length)
})
