import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { openHeardWorld } from '../support/heard-world.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const { world, logged } = openHeardWorld()
let vitrine: TestInstallation
let arm: Arm
beforeAll(async () => {
  vitrine = await openTestInstallation({ world })
  arm = openArm(vitrine)
  await arm.put(arm.groupPath, { location: 'westeurope' })
})
afterAll(() => vitrine.close())

/** What Node's own server says of each request whose headers are there. */
const begins = 'http.server.request.start'

/** The server itself, once it has the headers of a request for `path`. */
function serverOf(path: string): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<Server>()
  const look = (told: unknown) => {
    // As Node documents the channel.
    const { request, server } = told as { request: IncomingMessage; server: Server }
    if (!request.url?.startsWith(path)) return
    unsubscribe(begins, look)
    resolve(server)
  }
  subscribe(begins, look)
  return promise
}

/** Sends this much and no more; what it is told by the time it is cut off. */
async function send(text: string): Promise<{ readonly told: Promise<string> }> {
  const { hostname, port } = new URL(vitrine.url)
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  await new Promise((resolve) => socket.write(text, resolve))
  return { told: once(socket, 'close').then(() => Buffer.concat(parts).toString()) }
}

it('who drips his headers or his body is told 408 by the server as it runs, and nobody else notices', async () => {
  const path = arm.idOf('galleries/slow')
  const target = `${path}?api-version=2024-03-03 HTTP/1.1\r\nHost: x\r\n`
  const signed = `Authorization: Bearer ${vitrine.token}\r\nContent-Type: application/json\r\n`
  const found = serverOf(path)
  const headers = await send(`GET ${target}X-A: `)
  const body = await send(`PUT ${target}${signed}Content-Length: 90\r\n\r\n{"location":`)
  const server = await found
  const bounds = { headersTimeout: 20_000, requestTimeout: 300_000 }
  expect(server).toMatchObject(bounds)
  // Nobody waits for minutes here: the same server, less patient for as long as these two take.
  Object.assign(server, { headersTimeout: 50, requestTimeout: 100 })
  for (const { told } of [headers, body]) expect(await told).toMatch(/^HTTP\/1\.1 408 /)
  Object.assign(server, bounds)
  expect((await arm.get('galleries/slow')).status).toBe(404)
  expect(logged.filter(({ level }) => level === 'error')).toEqual([])
})
