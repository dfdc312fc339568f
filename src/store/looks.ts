import type { DatabaseSync } from 'node:sqlite'
import { sqliteFaults } from './sqlite-dialect.ts'

/**
 * Reads of one turn of the event loop look at one state of the database: to begin and end a look costs more than a read.
 * `renew` is called after each commit of this process, so that what it wrote is seen.
 */
export function openLooks(database: DatabaseSync) {
  const begin = database.prepare('begin')
  const end = database.prepare('commit')

  function look(): void {
    if (database.isTransaction) return
    sqliteFaults(() => begin.run())
    setImmediate(renew)
  }

  function renew(): void {
    if (database.isOpen && database.isTransaction) sqliteFaults(() => end.run())
  }

  return { look, renew }
}
