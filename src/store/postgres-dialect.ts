import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { ClientBase, QueryResult as PgResult } from 'pg'
import { Unavailable } from '../domain/errors.ts'
import { Clash, postgresFaults } from './postgres-faults.ts'
import type { Db, Schema } from './schema.ts'

/** Texts differ by the lengths of their lists: the first ones of a connection are prepared there, once each. */
const statementsMax = 200

/** One connection to the server. All but `db` throws Unavailable, SpaceFull, Clash for what the world did. */
export type Wire = DatabaseConnection & {
  /** The queries on this very connection. */
  readonly db: Db
  /** A statement without values; answers what the server says it did. */
  run(text: string): Promise<string>
  /** A fault was met: an answer may still be under way, so nobody else can use the connection. */
  isBroken(): boolean
}

export function openWire(client: ClientBase): Wire {
  const names = new Map<string, string>()
  let broken = false

  function nameOf(text: string): string | undefined {
    const known = names.get(text)
    if (known !== undefined || names.size >= statementsMax) return known
    const fresh = `s${names.size}`
    names.set(text, fresh)
    return fresh
  }

  async function query(text: string, values: readonly unknown[]): Promise<PgResult> {
    const name = values.length > 0 ? nameOf(text) : undefined
    const statement = { ...(name !== undefined && { name }), text, values: [...values] }
    try {
      return await postgresFaults(() => client.query(statement))
    } catch (error) {
      if (error instanceof Unavailable && !(error instanceof Clash)) broken = true
      throw error
    }
  }

  async function executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await query(sql, parameters)
    if (!counted.has(command)) return { rows }
    return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
  }

  const connection = { executeQuery, streamQuery, giveBack: () => undefined }
  const kysely = new Kysely<Schema>({ dialect: postgresDialect(async () => connection) })
  const db = Object.assign(kysely, { run: executeQuery })
  const run = async (text: string) => (await query(text, [])).command
  return { executeQuery, streamQuery, db, run, isBroken: () => broken }
}

const counted = new Set(['INSERT', 'UPDATE', 'DELETE'])

// biome-ignore lint/correctness/useYield: Kysely asks for it; no query here streams.
async function* streamQuery(): AsyncIterableIterator<never> {
  throw new Error('Queries do not stream: read pages.')
}

export type Lent = DatabaseConnection & { giveBack(): void }

/** Kysely's PostgreSQL over connections that are lent for one query each; transactions are begun by `run`. */
export function postgresDialect(take: () => Promise<Lent>): Dialect {
  const unused = () => Promise.reject(new Error('Transactions are begun by their connection.'))
  const lent = new WeakMap<DatabaseConnection, Lent>()
  return {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => ({
      init: async () => undefined,
      async acquireConnection() {
        const connection = await take()
        lent.set(connection, connection)
        return connection
      },
      releaseConnection: async (connection) => lent.get(connection)?.giveBack(),
      beginTransaction: unused,
      commitTransaction: unused,
      rollbackTransaction: unused,
      destroy: async () => undefined,
    }),
  }
}
