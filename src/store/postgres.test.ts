import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeSuite } from '../../test/suites/store-suite.ts'
import { freshDatabase } from '../../test/support/postgres-database.ts'
import { schemaOf } from '../../test/support/postgres-schema.ts'
import { inserting, topRow, workRequest } from '../../test/support/store-rows.ts'
import { Unavailable } from '../domain/errors.ts'
import { openPostgresStore } from './postgres.ts'
import type { Store } from './store.ts'

const world = {
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

let database: Client
let store: Store

beforeAll(async () => {
  const url = await freshDatabase()
  database = new Client({ connectionString: url })
  await database.connect()
  store = await openPostgresStore({ url, poolMax: 10, world })
})

afterAll(async () => {
  await store.close()
  await database.end()
})

/** Removes every row that a test left: small tables are deleted from sooner than truncated. */
async function empty(): Promise<void> {
  const { rows } = await database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'migrations'`,
  )
  const deletes = rows.map(({ name }) => `delete from ${name};`)
  await database.query(`set session_replication_role = replica; ${deletes.join(' ')}`)
}

storeSuite('a store in PostgreSQL', async () => ({ store, remove: empty }))

describe('the PostgreSQL database', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => index)
  const open = (url: string) => openPostgresStore({ url, poolMax: 5, world })

  it('has the schema of the golden dump', async () => {
    const dump = await schemaOf(database)
    await expect(dump).toMatchFileSnapshot('../../test/golden/schema.postgres.sql')
  })

  it('is migrated once by the first of those that open it together', async () => {
    const url = await freshDatabase()
    const stores = await Promise.all(many(4).map(() => open(url)))
    const [first, ...others] = stores
    await first?.commit(inserting(topRow('a')))
    const seen = await Promise.all(others.map(({ read }) => read.resources.get(topRow('a').key)))
    expect(seen).toEqual(others.map(() => topRow('a')))
    await Promise.all(stores.map((each) => each.close()))
  })

  it('is not opened when a newer release wrote it', async () => {
    const url = await freshDatabase()
    await (await open(url)).close()
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('insert into migrations (number) values (1000)')
    await client.end()
    await expect(open(url)).rejects.toThrow('newer release')
  })

  it('refuses everything once closed, and finishes what was asked before', async () => {
    const closing = await open(await freshDatabase())
    const commits = many(20).map((index) => closing.commit(inserting(topRow(`n${index}`))))
    await closing.close()
    expect(await Promise.all(commits)).toEqual(many(20).map(() => ({ is: 'done' })))
    await expect(closing.commit(inserting(topRow('late')))).rejects.toThrow(Unavailable)
    await expect(closing.read.resources.get('late')).rejects.toThrow(Unavailable)
  })

  it('has its own clock, whatever the clocks of its clients say', async () => {
    const { rows } = await database.query<{ at: Date }>('select clock_timestamp() as at')
    const nowMs = await store.nowMs()
    expect(nowMs).toBeGreaterThanOrEqual(rows[0]?.at.getTime() ?? Infinity)
    const ahead = nowMs + 86_400_000
    const work = [workRequest({ kind: 'Converge', subject: 'a' })]
    await store.commit(inserting(topRow('a'), { work, nowMs: ahead }))
    expect(await store.read.work.nextWakeMs(['control'])).toBeLessThan(ahead)
    await empty()
  })

  it('a number that is no safe integer is told, not rounded', async () => {
    await store.commit(inserting(topRow('a')))
    await database.query('update resources set revision = 9007199254740993')
    await expect(store.read.resources.get(topRow('a').key)).rejects.toThrow('safe integer')
    await empty()
  })

  it('a write that meets others runs again, a bounded number of times, and leaves nothing of the tries', async () => {
    await database.query(`create sequence tries;
      create function clash() returns trigger language plpgsql as $$ begin
        if nextval('tries') <= new.holder::int then raise exception sqlstate '40001'; end if;
        return new;
      end $$;
      create trigger clash before insert on claims for each row execute function clash()`)
    const take = (name: string, clashes: number) =>
      store.write(({ claims }) => claims.take(name, String(clashes)))
    await take('third time', 2)
    expect(await store.read.claims.holderOf('third time')).toBe('2')
    const { rows } = await database.query("select nextval('tries') - 1 as tries")
    expect(rows).toEqual([{ tries: '3' }])
    await expect(take('never', 1_000)).rejects.toThrow(Unavailable)
    expect(await store.read.claims.holderOf('never')).toBeUndefined()
    const { rows: after } = await database.query("select nextval('tries') - 2 as tries")
    expect(after).toEqual([{ tries: '11' }])
    await database.query('drop trigger clash on claims; drop sequence tries')
    await empty()
  })

  it('a row that somebody else holds for ever is waited for a bounded time; others go on meanwhile', async () => {
    const [held, free] = [topRow('held'), topRow('free')]
    await store.commit(inserting(held))
    await store.commit(inserting(free))
    await database.query('begin')
    await database.query('select 1 from resources where key = $1 for update', [held.key])
    const setStatus = (key: string) =>
      store.write(({ resources }) => resources.setStatus(key, { status: { is: 'set' } }))
    const waiting = setStatus(held.key)
    await setStatus(free.key)
    await expect(waiting).rejects.toThrow(Unavailable)
    await database.query('rollback')
    await setStatus(held.key)
    await empty()
  })

  it('two that wait for each other both end: one of them runs again', async () => {
    const [one, other] = [topRow('one'), topRow('other')]
    await store.commit(inserting(one))
    await store.commit(inserting(other))
    let met = 0
    const lockBoth = (first: string, second: string) =>
      store.write(async ({ resources }) => {
        await resources.lock(first)
        met += 1
        while (met < 2) await sleep(5)
        await resources.lock(second)
        await resources.setStatus(second, { status: { by: first } })
      })
    await Promise.all([lockBoth(one.key, other.key), lockBoth(other.key, one.key)])
    expect(met).toBe(3)
    expect((await store.read.resources.get(one.key))?.status).toEqual({ by: other.key })
    expect((await store.read.resources.get(other.key))?.status).toEqual({ by: one.key })
    await empty()
  })
})
