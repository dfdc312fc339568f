import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { openStoreAt } from '../support/store-at.ts'

const killsCount = 8

/** Runs the writer until it has told `untilCount` names, kills it, and answers what it told. */
async function writeAndKill(place: string, run: string, untilCount: number): Promise<string[]> {
  const writer = fileURLToPath(new URL('./store-writer.ts', import.meta.url))
  const child = spawn(process.execPath, [writer, place, run], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const told: string[] = []
  for await (const line of createInterface(child.stdout)) {
    told.push(line)
    if (told.length === untilCount) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  expect(signal).toBe('SIGKILL')
  return told
}

/** The names of all rows; throws where a row lacks what was committed with it. */
async function wholeNames({ read }: Store): Promise<Set<string>> {
  const names = new Set<string>()
  let after: string | undefined
  do {
    const query = { type: 'Test/things', scopes: 'all', after, rowsMax: 500 } as const
    const { rows, next } = await read.resources.list(query)
    for (const row of rows) {
      expect(await read.operations.get(`op ${row.name}`)).toMatchObject({ key: row.key })
      expect(await read.work.unfinishedOf(row.key)).toHaveLength(1)
      expect(await read.claims.holderOf(`name ${row.name}`)).toBe(row.key)
      names.add(row.name)
    }
    after = next
  } while (after !== undefined)
  expect(await read.counters.of('s1')).toEqual([{ name: 'things', value: names.size }])
  return names
}

async function killOften(place: string, settled = async () => {}): Promise<void> {
  const told: string[] = []
  for (let kill = 0; kill < killsCount; kill++) {
    told.push(...(await writeAndKill(place, `run${kill}`, 1 + kill * 37)))
    await settled()
    const store = await openStoreAt(place)
    const names = await wholeNames(store)
    await store.close()
    expect(told.filter((name) => !names.has(name))).toEqual([])
  }
}

const promise =
  'kill -9 between and inside commits leaves whole changes only, and every one that was told'

it(promise, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-kill-'))
  await killOften(join(folder, 'rows.db'))
  await rm(folder, { recursive: true })
})

it(`${promise}: PostgreSQL`, async () => {
  const url = await freshDatabase()
  const client = new Client({ connectionString: url })
  await client.connect()
  /** The server hears of the death a moment later, and ends what it had been told. */
  const settled = async () => {
    const others =
      'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    while ((await client.query(others)).rows.length > 0) await sleep(10)
  }
  await killOften(url, settled)
  await client.end()
})
