import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { isWithin } from '../domain/resource-id.ts'
import { isAtOrBelow, isBelow } from './at-or-below.ts'
import { migrate } from './migrate.ts'
import { sqliteDb } from './sqlite-dialect.ts'

describe('at a key or below it', () => {
  const database = new DatabaseSync(':memory:')
  const db = sqliteDb(database)
  afterEach(() => db.destroy())

  it('is what the words of keys say, in order and from a key on, and needs no sort', async () => {
    await migrate(db)
    const keys = ['/s', '/s/g', '/s/g!', '/s/g-1', '/s/g.1', '/s/g/a', '/s/g/a/b', '/s/g0', '/s/gg']
    for (const key of keys) {
      await db.insertInto('event_due').values({ resource_key: key, due_ms: 1 }).execute()
    }
    const all = db.selectFrom('event_due').select('resource_key').orderBy('resource_key')
    const named = async (query: typeof all) =>
      (await query.execute()).map((row) => row.resource_key)
    for (const key of keys) {
      const within = keys.filter((one) => isWithin(one, key))
      expect(await named(all.where(isAtOrBelow('resource_key', key)))).toEqual(within)
      const below = within.filter((one) => one !== key)
      expect(await named(all.where(isBelow('resource_key', key)))).toEqual(below)
    }
    const rest = all.where(isAtOrBelow('resource_key', '/s/g', '/s/g/a'))
    expect(await named(rest)).toEqual(['/s/g/a', '/s/g/a/b'])
    const { sql, parameters } = rest.compile()
    const plan = database.prepare(`explain query plan ${sql}`).all(...(parameters as string[]))
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(
        /^SEARCH event_due USING PRIMARY KEY \(resource_key>\? AND resource_key<\?\)$/,
      ),
    ])
  })
})
