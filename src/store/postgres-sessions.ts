import { Kysely } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { Unavailable } from '../domain/errors.ts'
import { connectionConfig, type PostgresOptions } from './postgres-config.ts'
import { type Lent, openWire, postgresDialect, type Wire } from './postgres-dialect.ts'
import { postgresFaults } from './postgres-faults.ts'
import type { Db, Schema } from './schema.ts'

/** More would wait longer than their clients do. */
const waitingMax = 10_000

const idleMs = 60_000
const lifetimeSeconds = 1_800

/** One connection, in use by one caller until given back. One that met a fault is closed then. */
export type Session = Wire & Lent

/**
 * A bounded pool of connections: `db` takes one for each query, `take` gives one for a transaction. Those that broke are
 * replaced when they are asked for. Everything throws Unavailable, SpaceFull or Clash for what the world did.
 */
export function openSessions(options: PostgresOptions & { readonly poolMax: number }) {
  const pool = new Pool({
    ...connectionConfig(options),
    max: options.poolMax,
    idleTimeoutMillis: idleMs,
    maxLifetimeSeconds: lifetimeSeconds,
  })
  // A connection that breaks while nobody uses it leaves the pool; in use, its query tells.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const wires = new WeakMap<PoolClient, Wire>()
  let closed = false

  async function take(): Promise<Session> {
    if (closed) throw new Unavailable('The metadata database is closed.')
    if (pool.waitingCount >= waitingMax) {
      throw new Unavailable('Too many requests wait for the metadata database.')
    }
    const client = await postgresFaults(() => pool.connect())
    const wire = wires.get(client) ?? openWire(client)
    wires.set(client, wire)
    return { ...wire, giveBack: () => client.release(wire.isBroken()) }
  }

  const run: Db['run'] = async (query) => {
    const session = await take()
    try {
      return await session.executeQuery(query)
    } finally {
      session.giveBack()
    }
  }

  const db: Db = Object.assign(new Kysely<Schema>({ dialect: postgresDialect(take) }), { run })

  function load() {
    const { totalCount, idleCount, waitingCount } = pool
    const connections = { max: options.poolMax, inUse: totalCount - idleCount, idle: idleCount }
    return { connections, waiting: waitingCount }
  }

  /** Refuses further use; resolves when the sessions in use are given back and all connections closed. */
  async function close(): Promise<void> {
    closed = true
    await pool.end()
  }

  return { db, take, load, close }
}
