import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { type Dialect, SqliteDialect, type SqliteStatement } from 'kysely'
import { openLru } from '../base/lru.ts'
import { SpaceFull, Unavailable } from '../domain/errors.ts'

/** Texts of statements differ by the lengths of their lists: enough for all of them that recur. */
const statementsMax = 500

/** Kysely over a connection of node:sqlite; each text is prepared once. Throws Unavailable, SpaceFull for the world's faults. */
export function sqliteDialect(database: DatabaseSync): Dialect {
  const statements = openLru<string, SqliteStatement>(statementsMax)

  function prepare(text: string): SqliteStatement {
    const held = statements.get(text)
    if (held) return held
    const fresh = statementOf(database, text)
    statements.set(text, fresh)
    return fresh
  }

  return new SqliteDialect({ database: { prepare, close: () => database.close() } })
}

function statementOf(database: DatabaseSync, text: string): SqliteStatement {
  const statement = sqliteFaults(() => database.prepare(text))
  return {
    reader: statement.columns().length > 0,
    all: (values) => sqliteFaults(() => statement.all(...bound(values))),
    run: (values) => sqliteFaults(() => statement.run(...bound(values))),
    iterate: (values) => statement.iterate(...bound(values)),
  }
}

/** What the queries bind is text, numbers and null; SQLite itself refuses the rest. */
function bound(values: readonly unknown[]): SQLInputValue[] {
  return values as SQLInputValue[]
}

/** SQLite's codes that mean the disk or another process, not the statement. */
const worldsCodes = new Set([5, 6, 8, 10, 14])
const fullCode = 13

/** Runs `act`; faults of the disk become Unavailable or SpaceFull. */
export function sqliteFaults<Result>(act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    const code = codeOf(error)
    if (code === fullCode) {
      throw new SpaceFull('The disk of the metadata database is full. Free or add space.', {
        cause: error,
      })
    }
    if (code !== undefined && worldsCodes.has(code)) {
      throw new Unavailable(`The metadata database: ${String(error)}`, { cause: error })
    }
    throw error
  }
}

function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
