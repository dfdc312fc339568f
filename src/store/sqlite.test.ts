import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { storeSuite } from '../../test/suites/store-suite.ts'
import { sqliteSchemaOf } from '../../test/support/sqlite-schema.ts'
import { inserting, topRow } from '../../test/support/store-rows.ts'
import { Unavailable } from '../domain/errors.ts'
import { openSqliteStore } from './sqlite.ts'

storeSuite('a store in memory', async (world) => {
  const store = await openSqliteStore({ path: ':memory:', world })
  return { store, remove: store.close }
})

storeSuite('a store in a SQLite file', async (world) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const store = await openSqliteStore({ path: join(folder, 'rows.db'), world })
  const remove = async () => {
    await store.close()
    await rm(folder, { recursive: true })
  }
  return { store, remove }
})

describe('the SQLite file', () => {
  const world = { now: () => new Date(0), sleep: async () => undefined }
  let folder = ''
  const path = () => join(folder, 'rows.db')
  const open = () => openSqliteStore({ path: path(), world })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('has the schema of the golden dump', async () => {
    await (await open()).close()
    const database = new DatabaseSync(path())
    const dump = sqliteSchemaOf(database)
    database.close()
    await expect(dump).toMatchFileSnapshot('../../test/golden/schema.sqlite.sql')
  })

  it('keeps its rows from one start to the next', async () => {
    const first = await open()
    await first.commit(inserting(topRow('a')))
    await first.close()
    const second = await open()
    expect(await second.read.resources.get(topRow('a').key)).toEqual(topRow('a'))
    await second.close()
  })

  it('is not opened when a newer release wrote it', async () => {
    await (await open()).close()
    const database = new DatabaseSync(path())
    database.exec('insert into migrations (number) values (1000)')
    database.close()
    await expect(open()).rejects.toThrow(Unavailable)
  })

  it('that is no database is not opened, nor one that cannot be reached', async () => {
    await expect(openSqliteStore({ path: folder, world })).rejects.toThrow(Unavailable)
  })

  it('has the clock of its process', async () => {
    const store = await open()
    expect(await store.nowMs()).toBe(world.now().getTime())
    await store.close()
  })

  it('refuses writes once closed', async () => {
    const store = await open()
    await store.close()
    await expect(store.commit(inserting(topRow('a')))).rejects.toThrow(Unavailable)
  })

  it('finishes what was asked of it before it closes', async () => {
    const store = await open()
    const commits = ['a', 'b'].map((name) => store.commit(inserting(topRow(name))))
    await store.close()
    expect(await Promise.all(commits)).toEqual([{ is: 'done' }, { is: 'done' }])
  })
})
