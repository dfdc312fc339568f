import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { limits } from '../domain/limits.ts'
import type { SigninState } from '../domain/signin-rows.ts'
import { openWorld } from '../world.ts'
import { openSqliteStore } from './sqlite.ts'

it('who opens pages without end drops the oldest of nobody, and ends no sign-in of anybody', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-signin-'))
  const path = join(folder, 'vitrine.db')
  const state = (key: string, accountId: string | undefined, expiresMs: number): SigninState => ({
    ...{ key, kind: 'Session', text: 'sealed', grant: undefined, alias: undefined },
    ...{ accountId, expiresMs, usedMs: undefined },
  })
  const world = openWorld('error')
  const before = await openSqliteStore({ path, world })
  await before.signin.put(state('ann', 'u', 1))
  await before.signin.put(state('early', undefined, 1))
  await before.signin.put(state('late', undefined, 1_000_000))
  await before.close()
  const database = new DatabaseSync(path)
  const row = database.prepare(
    'insert into signin_states (key, kind, text, expires_ms, asked_ms) select ?, kind, text, ?, 0 from signin_states where key = ?',
  )
  database.exec('begin')
  for (let at = 0; at < limits.signinStatesOfNobodyMax; at++) row.run(`f${at}`, 10 + at, 'early')
  database.exec('commit')
  database.close()
  const store = await openSqliteStore({ path, world })
  await store.signin.put(state('not counted', undefined, 1_000_000))
  expect(await store.signin.find('key', 'early', 0)).toBeDefined()
  await store.signin.put(state('AAcounted', undefined, 1_000_000))
  const left = async (key: string) => (await store.signin.find('key', key, 0)) !== undefined
  const all = await Promise.all(['early', 'f2', 'f3', 'late', 'AAcounted', 'ann'].map(left))
  expect(all).toEqual([false, false, true, true, true, true])
  await store.close()
  await rm(folder, { recursive: true })
})
