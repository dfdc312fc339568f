import type { DatabaseSync } from 'node:sqlite'
import { openLru } from '../base/lru.ts'
import { sqliteFaults } from './sqlite-dialect.ts'
import type { ResourceRows } from './store.ts'

/** A few KB each. */
const rowsMax = 2_000
/** Of 100 rows as a rule. */
const pagesMax = 32

/** What the database holds, as a number that changes with every commit. */
export type DataVersion = {
  now(): unknown
  /** A commit of this process is done: the number is another one from here on. */
  passed(): void
}

/**
 * SQLite's own count of what other connections committed, also those of another process: asked once in a turn of the event
 * loop, and again behind each commit of ours.
 */
export function openDataVersion(database: DatabaseSync): DataVersion {
  const statement = database.prepare('pragma data_version')
  statement.setReturnArrays(true)
  let known: unknown
  const passed = (): void => {
    known = undefined
  }

  function now(): unknown {
    if (known !== undefined) return known
    const told: unknown = sqliteFaults(() => statement.get())
    known = Array.isArray(told) ? told[0] : undefined
    setImmediate(passed)
    return known
  }

  return { now, passed }
}

/** The same rows, of which rows by key and pages are asked of the tables only when something was committed since. */
export function keepUnchanged(rows: ResourceRows, dataVersion: DataVersion): ResourceRows {
  return {
    ...rows,
    get: keep(dataVersion, { most: rowsMax, ask: rows.get }),
    list: keep(dataVersion, { most: pagesMax, ask: rows.list }),
    children: keep(dataVersion, { most: pagesMax, ask: rows.children }),
  }
}

function keep<Query, Found>(
  dataVersion: DataVersion,
  { most, ask }: { readonly most: number; ask(query: Query): Promise<Found> },
): (query: Query) => Promise<Found> {
  const kept = openLru<string, { readonly version: unknown; readonly found: Found }>(most)
  return async (query) => {
    const name = typeof query === 'string' ? query : JSON.stringify(query)
    // Taken before the rows: what a commit overtakes is kept under a version that is past.
    const version = dataVersion.now()
    const known = kept.get(name)
    if (known && known.version === version) return known.found
    const found = await ask(query)
    kept.set(name, { version, found })
    return found
  }
}
