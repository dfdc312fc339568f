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

type Kept = { readonly space: SpaceId; readonly key: string; readonly sizeBytes: number }

/** Every page that the blobs of storage accounts are made of, by the rows of a snapshot. */
export function* blobPagesIn(path: string): Iterable<Kept> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare(
      `select space, key, length_bytes from blobs
       join blob_containers on blob_containers.id = container_id and gone = 0
       join upload_pages on upload_pages.upload = blobs.upload and key is not null
       order by seq`,
    )
    for (const { space, key, length_bytes } of rows.iterate()) {
      // A page that was packed on arrival says its own length.
      const [, packed] = /\.(\d+)\.pack$/.exec(String(key)) ?? []
      const sizeBytes = Number(packed ?? length_bytes)
      yield { space: String(space) as SpaceId, key: String(key), sizeBytes }
    }
  } finally {
    database.close()
  }
}

/** Every blob that the rows of a snapshot name as a pack. */
export function* packsIn(path: string): Iterable<Kept> {
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
