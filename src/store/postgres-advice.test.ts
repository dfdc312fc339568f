import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { openPostgresStore } from './postgres.ts'
import { DatabaseRefused } from './postgres-advice.ts'

const world = {
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

let url = ''
beforeAll(async () => {
  url = await freshDatabase()
})

/** The url of the database, changed. */
function changed(change: (url: URL) => void): string {
  const made = new URL(url)
  change(made)
  return made.href
}

/** A port of loopback that does this with who connects. */
async function portOf(greet: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket.on('error', () => undefined))
    greet(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const address = server.address()
  return typeof address === 'object' && address ? String(address.port) : ''
}

async function expectRefused(bad: string, advice: RegExp): Promise<void> {
  const opening = openPostgresStore({ url: bad, poolMax: 2, world })
  await expect(opening).rejects.toThrow(advice)
  await expect(opening).rejects.toThrow(DatabaseRefused)
  const { password } = new URL(url)
  await expect(opening).rejects.not.toThrow(password)
}

describe('a database that cannot be opened as the settings say is told with the fix', () => {
  it('wrong password', () =>
    expectRefused(
      changed((one) => {
        one.password = 'wrong'
      }),
      /refuses the user 'vitrine' .*Mend user and password in "database.url"/,
    ))

  it('missing database', () =>
    expectRefused(
      changed((one) => {
        one.pathname = '/none'
      }),
      /There is no database 'none' .*createdb none/,
    ))

  it('a user who may not make tables', async () => {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query("create role poor login password 'poor'")
    await client.end()
    const poor = changed((one) => {
      one.username = 'poor'
      one.password = 'poor'
    })
    await expectRefused(poor, /'poor' may not make tables .*owner of the database/)
  })

  it('nobody listens', () =>
    expectRefused(
      changed((one) => {
        one.port = '1'
      }),
      /No PostgreSQL answers at 127.0.0.1:1 .*mend "database.url"/,
    ))

  it('a server that does not answer', async () => {
    const port = await portOf(() => undefined)
    const silent = changed((one) => {
      one.port = port
    })
    await expectRefused(silent, /No PostgreSQL answers at .*timeout/)
  })

  it('a server that is no PostgreSQL', async () => {
    const port = await portOf((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const other = changed((one) => {
      one.port = port
    })
    await expectRefused(other, /is no PostgreSQL, or it hung up .*Mend "database.url"/)
  })

  it('a server without TLS', () =>
    expectRefused(
      changed((one) => one.searchParams.set('sslmode', 'require')),
      /has no TLS. Switch it on there/,
    ))
})
