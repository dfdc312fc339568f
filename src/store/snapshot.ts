import { DatabaseSync } from 'node:sqlite'
import type { SpaceId } from '../domain/spaces.ts'
import { sqliteFaults } from './sqlite-dialect.ts'

/** Others write meanwhile. */
const busyMs = 10_000

/** One instant of a database that another process may be writing, in a new file `to`. Throws Unavailable, SpaceFull. */
export function snapshotSqlite(path: string, to: string): void {
  const database = new DatabaseSync(path, { timeout: busyMs })
  try {
    sqliteFaults(() => database.prepare('vacuum into ?').run(to))
  } finally {
    database.close()
  }
}

/** Every blob that the rows of a snapshot name as a pack. */
export function* packsIn(
  path: string,
): Iterable<{ readonly space: SpaceId; readonly key: string; readonly sizeBytes: number }> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare(
      "select space, key, size_bytes from holdings where state = 'live' order by id",
    )
    for (const { space, key, size_bytes } of rows.iterate()) {
      yield { space: String(space) as SpaceId, key: String(key), sizeBytes: Number(size_bytes) }
    }
  } finally {
    database.close()
  }
}
