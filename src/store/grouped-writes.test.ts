import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { openGroupedWrites } from './grouped-writes.ts'
import { sqliteFaults } from './sqlite-dialect.ts'

let folder = ''
let database: DatabaseSync
let observer: DatabaseSync

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  database = new DatabaseSync(join(folder, 'x.db'))
  database.exec('pragma journal_mode = wal; create table t (name text, fill blob)')
  observer = new DatabaseSync(join(folder, 'x.db'), { readOnly: true, timeout: 1 })
})

afterEach(async () => {
  observer.close()
  database.close()
  await rm(folder, { recursive: true })
})

const insert = (name: string, fillBytes = 0) =>
  sqliteFaults(() => database.prepare('insert into t values (?, zeroblob(?))').run(name, fillBytes))
const names = (on: DatabaseSync) =>
  on
    .prepare('select name from t order by rowid')
    .all()
    .map((row) => row.name)
const keeping =
  (name: string, fillBytes = 0) =>
  async () => {
    insert(name, fillBytes)
    return { keeps: true, result: name }
  }

it('writes that wait together are one commit, in the order they came', async () => {
  const { write } = openGroupedWrites(database)
  const seen: unknown[] = []
  const look = async () => {
    seen.push(names(observer).length, names(database).length)
    return { keeps: true, result: 'looked' }
  }
  const results = await Promise.all([write(keeping('a')), write(look), write(keeping('b'))])
  expect(results).toEqual(['a', 'looked', 'b'])
  expect(seen).toEqual([0, 1])
  expect(names(observer)).toEqual(['a', 'b'])
})

it.each([1, 3])('one that does not keep, or throws, leaves no row (%i at once)', async (atOnce) => {
  const { write } = openGroupedWrites(database)
  const undone = async () => {
    insert('undone')
    return { keeps: false, result: 'refused' }
  }
  const failing = async () => {
    insert('failing')
    throw new Error('planned')
  }
  const others = Array.from({ length: atOnce - 1 }, (_, index) => write(keeping(`kept ${index}`)))
  expect(await write(undone)).toBe('refused')
  await expect(write(failing)).rejects.toThrow('planned')
  const [one, other] = [write(undone), write(failing)]
  await expect(other).rejects.toThrow('planned')
  expect(await one).toBe('refused')
  await Promise.all(others)
  expect(names(observer)).toHaveLength(atOnce - 1)
})

it('a full disk fails what waits with it, keeps none of it, and writes again once there is room', async () => {
  const { write } = openGroupedWrites(database)
  database.exec('pragma max_page_count = 20')
  const mega = 1_048_576
  const ends = await Promise.allSettled([write(keeping('a')), write(keeping('b', mega))])
  expect(ends[1]).toMatchObject({ status: 'rejected', reason: expect.any(SpaceFull) })
  await expect(write(keeping('alone', mega))).rejects.toThrow(SpaceFull)
  expect(names(observer)).toEqual(ends[0]?.status === 'fulfilled' ? ['a'] : [])
  database.exec('pragma max_page_count = 10000')
  expect(await write(keeping('c', mega))).toBe('c')
})

it('a database that another process holds is Unavailable, and free again afterwards', async () => {
  const { write } = openGroupedWrites(database)
  const other = new DatabaseSync(join(folder, 'x.db'))
  database.exec('pragma busy_timeout = 1')
  other.exec('begin immediate')
  const ends = await Promise.allSettled([write(keeping('a')), write(keeping('b'))])
  expect(ends.map((end) => end.status === 'rejected' && end.reason instanceof Unavailable)).toEqual(
    [true, true],
  )
  other.exec('rollback')
  other.close()
  expect(await write(keeping('c'))).toBe('c')
  expect(names(observer)).toEqual(['c'])
})

it('more writes than one group holds all end', async () => {
  const { write, close } = openGroupedWrites(database)
  const many = Array.from({ length: 300 }, (_, index) => write(keeping(`n${index}`)))
  await close()
  expect(await Promise.all(many)).toHaveLength(300)
  expect(names(observer)).toHaveLength(300)
  await expect(write(keeping('late'))).rejects.toThrow(Unavailable)
})

it('patient writes let others go first, and still have their turn', async () => {
  const { write } = openGroupedWrites(database)
  let left = 100
  const chain = async (): Promise<void> => {
    while (left-- > 0) await write(keeping('urgent'))
  }
  const urgent = chain()
  await write(keeping('patient'), true)
  // It did not wait for all of them, and not one of the first groups took it along.
  const before = names(database).indexOf('patient')
  expect(before).toBeGreaterThan(1)
  expect(before).toBeLessThan(50)
  left = 0
  await urgent
})
