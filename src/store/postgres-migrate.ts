import { sql } from 'kysely'
import { Client } from 'pg'
import type { Ending } from './grouped-writes.ts'
import { migrate } from './migrate.ts'
import { withAdvice } from './postgres-advice.ts'
import { migrationConfig, type PostgresOptions } from './postgres-config.ts'
import { openWire, type Wire } from './postgres-dialect.ts'
import { postgresFaults } from './postgres-faults.ts'

/** Any number that nobody else locks in this database: "VITR". */
const migrationLock = 0x56495452

/**
 * Brings the database to this release's schema, then runs `act` in the same transaction: all of it stays, or nothing. One
 * process at a time; the others wait. Throws DatabaseRefused where the settings or the server are to be mended.
 */
export async function migratePostgres<Result>(
  options: PostgresOptions,
  act: (wire: Wire) => Promise<Result>,
): Promise<Result> {
  const client = new Client(migrationConfig(options))
  // Its query tells; without a listener it would end the process.
  client.on('error', () => undefined)
  try {
    await postgresFaults(() => client.connect())
    const wire = openWire(client)
    const { result } = await inTransaction(wire, async () => {
      await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(wire.db)
      await migrate(wire.db)
      return { keeps: true, result: await act(wire) }
    })
    return result
  } catch (error) {
    throw withAdvice(error, options)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** What `act` wrote stays when it says so. A connection that fails ends its transaction with itself. */
export async function inTransaction<Result>(
  wire: Wire,
  act: () => Promise<Ending<Result>>,
): Promise<Ending<Result>> {
  await wire.run('begin isolation level read committed')
  try {
    const ended = await act()
    const command = await wire.run(ended.keeps ? 'commit' : 'rollback')
    if (ended.keeps && command !== 'COMMIT')
      throw new Error('an act went on after its query failed')
    return ended
  } catch (error) {
    // A broken one is closed, and the server rolls back by itself.
    if (!wire.isBroken()) await wire.run('rollback').catch(() => undefined)
    throw error
  }
}
