import type { DatabaseSync } from 'node:sqlite'
import { openLru } from '../base/lru.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { sqliteFaults } from './sqlite-dialect.ts'
import type { ResourceRows } from './store.ts'

/** A few KB each. */
const rowsMax = 2_000

/**
 * The same rows, of which `get` asks the table only when something was committed since: SQLite tells by a number, in a
 * third of the time that a row takes. Whoever committed it, another process as well.
 */
export function keepUnchanged(rows: ResourceRows, database: DatabaseSync): ResourceRows {
  const kept = openLru<string, { readonly version: unknown; readonly row: ResourceRow }>(rowsMax)
  const dataVersion = database.prepare('pragma data_version')
  dataVersion.setReturnArrays(true)

  function versionNow(): unknown {
    const told: unknown = sqliteFaults(() => dataVersion.get())
    return Array.isArray(told) ? told[0] : undefined
  }

  async function get(key: string): Promise<ResourceRow | undefined> {
    // Taken before the row: one that a commit overtakes is kept under a version that is past.
    const version = versionNow()
    const known = kept.get(key)
    if (known && known.version === version) return known.row
    const row = await rows.get(key)
    if (row) kept.set(key, { version, row })
    return row
  }

  return { ...rows, get }
}
