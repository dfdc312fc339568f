import type { QueryExecutorProvider } from 'kysely'

/**
 * True where several writers run at once (PostgreSQL): queries that decide on what they read then lock it. SQLite has one
 * writer, which holds the whole database.
 */
export function locksRows(db: QueryExecutorProvider): boolean {
  return db.getExecutor().adapter.supportsMultipleConnections !== false
}
