import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteStatement } from 'kysely'
import { openLru } from '../base/lru.ts'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import type { Db, Schema } from './schema.ts'

/** Texts of statements differ by the lengths of their lists: enough for all of them that recur. */
const statementsMax = 500

/** The queries over a connection of node:sqlite; each text is prepared once. `look` is called before each. Throws Unavailable, SpaceFull for the world's faults. */
export function sqliteDb(database: DatabaseSync, look: () => void = () => undefined): Db {
  const statements = openLru<string, SqliteStatement>(statementsMax)

  function prepare(text: string): SqliteStatement {
    look()
    const held = statements.get(text)
    if (held) return held
    const fresh = statementOf(database, text)
    statements.set(text, fresh)
    return fresh
  }

  const run: Db['run'] = async ({ sql, parameters }) => {
    const statement = prepare(sql)
    // What comes back has the columns that the query was typed with.
    if (statement.reader) return { rows: statement.all(parameters) as never[] }
    const { changes } = statement.run(parameters)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }

  const dialect = new SqliteDialect({ database: { prepare, close: () => database.close() } })
  return Object.assign(new Kysely<Schema>({ dialect }), { run })
}

function statementOf(database: DatabaseSync, text: string): SqliteStatement {
  const statement = sqliteFaults(() => database.prepare(text))
  const names = statement.columns().map(({ name }) => name)
  // Rows as objects cost node:sqlite more than twice what these arrays and our own objects do.
  statement.setReturnArrays(true)
  return {
    reader: names.length > 0,
    all: (values) => sqliteFaults(() => statement.all(...bound(values))).map(rowWith(names)),
    run: (values) => sqliteFaults(() => statement.run(...bound(values))),
    iterate: () => {
      throw new Error('Queries do not stream: read pages.')
    },
  }
}

function rowWith(names: readonly string[]) {
  return (values: unknown): Record<string, unknown> => {
    const row: Record<string, unknown> = {}
    if (Array.isArray(values))
      names.forEach((name, at) => {
        row[name] = values[at]
      })
    return row
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
