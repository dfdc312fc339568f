import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server.ts'
import { inserting, topRow, workRequest } from '../../test/support/store-rows.ts'
import { Unavailable } from '../domain/errors.ts'
import { openCertificate } from '../identity/certificates.ts'
import { openPostgresStore } from './postgres.ts'
import type { Store } from './store.ts'

const told: string[] = []
const world = {
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: ({ event }: { readonly event: string }) => void told.push(event),
}
const many = (count: number) => Array.from({ length: count }, (_, index) => index)

/** A server of its own: the other files' one must not go away. */
let server: PostgresServer
let folder: string
let caPem: string | undefined
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const certificate = await authority('ours')
  caPem = certificate.caPem
  server = await startPostgres(certificate)
})
afterAll(async () => {
  await server.remove()
  await rm(folder, { recursive: true })
})

const authority = (name: string) =>
  openCertificate({ folder: join(folder, name), hostNames: [], world: { now: () => new Date() } })

async function open(database: string): Promise<Store> {
  return openPostgresStore({ url: await server.createDatabase(database), poolMax: 6, world })
}

it('over TLS the server must prove its name by the CA that was given', async () => {
  const url = `${await server.createDatabase('tls')}?sslmode=disable`
  const other = (await authority('another')).caPem
  const closed = openPostgresStore({ url, tlsCa: other, poolMax: 2, world })
  await expect(closed).rejects.toThrow(/not trusted .*Name the CA .* "database.caFile"/)
  const system = openPostgresStore({ url: url.replace('disable', 'require'), poolMax: 2, world })
  await expect(system).rejects.toThrow(/not trusted .*Name the CA .* "database.caFile"/)
  const store = await openPostgresStore({ url, tlsCa: caPem, poolMax: 2, world })
  await store.nowMs()
  const client = new Client({ connectionString: server.url('tls') })
  await client.connect()
  const { rows } = await client.query(
    "select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'vitrine'",
  )
  expect(rows).toEqual([{ ssl: true }])
  await client.end()
  await store.close()
})

/** Repeats what the world refuses, as a client does on 503. */
async function insist<Result>(act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      await sleep(20)
    }
  }
}

/** Asks for work in one process until a worker that rests in another wakes. */
async function wakeOther(one: Store, other: Store): Promise<void> {
  const work = [workRequest({ kind: 'Converge', subject: 'c' })]
  const woken = new AbortController()
  const resting = other.untilWork(3_600_000, new AbortController().signal).then(() => woken.abort())
  while (!woken.signal.aborted) {
    await one.write((rows) => rows.work.request(work, 1))
    await sleep(20)
  }
  await resting
}

it('while the server is away everything is Unavailable; when it is back all works by itself', async () => {
  const one = await open('away')
  const other = await openPostgresStore({ url: server.url('away'), poolMax: 6, world })
  await one.commit(inserting(topRow('a')))
  await server.stop('fast')
  const asked = [
    () => one.nowMs(),
    () => one.read.resources.get('a'),
    () => one.read.work.nextWakeMs(['control']),
    () => one.write(async ({ resources }) => resources.lock('a')),
    () => one.commit(inserting(topRow('b'))),
    () => one.holdings.spaces(),
    () => one.holdings.forget([1]),
    () => one.uploads.keys('u', 1),
    () => one.uploads.drop('u', [1]),
    () => one.directory.applications.get('c'),
    () => one.directory.assignments.remove('c', ''),
    () => one.secrets.get('s'),
    () => one.secrets.putIfAbsent('s', 'v'),
  ]
  for (const ask of asked) await expect(ask()).rejects.toThrow(Unavailable)
  await one.untilWork(1, new AbortController().signal)
  await server.start()
  expect(await insist(() => one.read.resources.get(topRow('a').key))).toEqual(topRow('a'))
  for (const ask of asked) await ask()
  expect(told).toContain('bell-away')
  // The first rest may end because the bell hangs again; the second one ends because it rings.
  await wakeOther(one, other)
  await wakeOther(one, other)
  await one.close()
  await other.close()
})

it('stopped, killed and started under load: nothing that was told is lost, nothing is there twice', async () => {
  const store = await open('load')
  const counts = [{ scope: 's1', name: 'things', by: 1, limit: 1_000_000 }]
  const stopping = new AbortController()
  const created = new Set<string>()
  const creator = async (lane: number) => {
    for (let index = 0; !stopping.signal.aborted; index++) {
      const row = topRow(`n${lane}-${index}`)
      const work = [workRequest({ kind: 'Converge', subject: row.key })]
      const change = inserting(row, { counts, work, takes: [`name ${row.name}`] })
      const end = await insist(() => store.commit(change))
      // Raced: it was written by the try whose answer was lost.
      expect(['done', 'raced']).toContain(end.is)
      created.add(row.key)
    }
  }
  const load = many(12).map(creator)
  for (const how of ['fast', 'kill', 'fast'] as const) {
    const before = created.size
    while (created.size < before + 100) await sleep(10)
    await server.stop(how)
    await sleep(100)
    await server.start()
  }
  stopping.abort()
  await Promise.all(load)
  const found: string[] = []
  for (let after: string | undefined; ; ) {
    const query = { type: 'Test/things', scopes: 'all', after, rowsMax: 500 } as const
    const { rows, next } = await insist(() => store.read.resources.list(query))
    found.push(...rows.map((row) => row.key))
    if (next === undefined) break
    after = next
  }
  expect(new Set(found)).toEqual(created)
  expect(await store.read.counters.of('s1')).toEqual([{ name: 'things', value: created.size }])
  const work = await Promise.all(found.map((key) => store.read.work.unfinishedOf(key)))
  expect(work.every((rows) => rows.length === 1)).toBe(true)
  await store.close()
})
