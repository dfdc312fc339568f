import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { invariant } from '../base/assert.ts'
import type { Digest } from '../domain/digest.ts'
import type { PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'

/** Where a digest may be: to be confirmed in the pack's own index, since only 8 bytes of it were compared. */
export type IndexHit = { readonly pack: PackId; readonly slot: number }

/**
 * Digest → pack and slot, for packs of any space: facts about immutable packs, so nothing here is ever wrong for long and
 * the file may be deleted at any time. A missing entry costs space, a stale one a look-up, never a byte.
 */
export type ChunkIndex = {
  find(digest: Digest): readonly IndexHit[]
  knows(pack: PackId): boolean
  /** Learns a pack whose slots hold `digests`, in order. Repeatable. */
  add(pack: PackId, digests: readonly Digest[]): void
  /** The pack is gone everywhere. */
  forget(pack: PackId): void
  /** How far the holdings of a space were learnt: a holding's id. */
  cursorOf(space: string): number
  moveCursor(space: string, holdingId: number): void
  close(): void
}

const schema = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
  PRAGMA busy_timeout = 2000; PRAGMA cache_size = -16000;
  CREATE TABLE IF NOT EXISTS packs(n INTEGER PRIMARY KEY, pack BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS c(k INTEGER, p INTEGER, PRIMARY KEY(k, p)) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS cursors(space TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID, STRICT;
`

/**
 * Opens `index.db` (or `:memory:`). A file that is no sound database is thrown away and begun again, also when that shows
 * later: what it knew is learnt once more.
 */
export function openChunkIndex(path: string): ChunkIndex {
  let tables = openTables(openDatabase(path))

  function sound<Result>(act: (tables: ChunkIndex) => Result): Result {
    try {
      return act(tables)
    } catch (error) {
      if (path === ':memory:' || !isDamage(error)) throw error
      tables.close()
      discard(path)
      tables = openTables(begin(path))
      return act(tables)
    }
  }

  return {
    find: (digest) => sound((at) => at.find(digest)),
    knows: (pack) => sound((at) => at.knows(pack)),
    add: (pack, digests) => sound((at) => at.add(pack, digests)),
    forget: (pack) => sound((at) => at.forget(pack)),
    cursorOf: (space) => sound((at) => at.cursorOf(space)),
    moveCursor: (space, holdingId) => sound((at) => at.moveCursor(space, holdingId)),
    close: () => tables.close(),
  }
}

function openTables(database: DatabaseSync): ChunkIndex {
  const find_ = database.prepare(
    'SELECT packs.pack AS pack, c.p AS p FROM c LEFT JOIN packs ON packs.n = c.p / 4096 WHERE c.k = ?',
  )
  const packOf = database.prepare('SELECT n FROM packs WHERE pack = ?')
  const addPack = database.prepare('INSERT OR IGNORE INTO packs(pack) VALUES (?)')
  const addChunk = database.prepare('INSERT OR IGNORE INTO c(k, p) VALUES (?, ?)')
  const dropPack = database.prepare('DELETE FROM packs WHERE pack = ?')
  const dropChunk = database.prepare('DELETE FROM c WHERE k = ? AND p = ?')
  const cursor = database.prepare('SELECT id FROM cursors WHERE space = ?')
  const setCursor = database.prepare('INSERT OR REPLACE INTO cursors(space, id) VALUES (?, ?)')

  function find(digest: Digest): readonly IndexHit[] {
    const key = keyOf(digest)
    const hits: IndexHit[] = []
    for (const { pack, p } of find_.all(key)) {
      if (pack instanceof Uint8Array) {
        hits.push({ pack: Buffer.from(pack).toString('hex') as PackId, slot: Number(p) % slotsMax })
      } else {
        // Its pack was forgotten: the entry goes when it is met.
        dropChunk.run(key, p ?? null)
      }
    }
    return hits
  }

  function add(pack: PackId, digests: readonly Digest[]): void {
    invariant(digests.length <= slotsMax, 'a pack has at most 4096 entries')
    const name = Buffer.from(pack, 'hex')
    if (packOf.get(name) !== undefined) return
    database.exec('BEGIN IMMEDIATE')
    try {
      addPack.run(name)
      const base = Number(packOf.get(name)?.n) * slotsMax
      digests.forEach((digest, slot) => void addChunk.run(keyOf(digest), base + slot))
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  return {
    find,
    knows: (pack) => packOf.get(Buffer.from(pack, 'hex')) !== undefined,
    add,
    forget: (pack) => void dropPack.run(Buffer.from(pack, 'hex')),
    cursorOf: (space) => Number(cursor.get(space)?.id ?? 0),
    moveCursor: (space, holdingId) => void setCursor.run(space, holdingId),
    close: () => database.close(),
  }
}

const slotsMax = limits.packEntriesMax

function keyOf(digest: Digest): bigint {
  return BigInt.asIntN(64, BigInt(`0x${digest.slice(0, 16)}`))
}

function openDatabase(path: string): DatabaseSync {
  try {
    return begin(path)
  } catch (error) {
    // Any trouble with the file: it is a cache, and a fresh one is right.
    if (path === ':memory:') throw error
    discard(path)
    return begin(path)
  }
}

function discard(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, of every kind. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false
  const primary = Number(error.errcode) % 256
  return primary === 11 || primary === 26
}

function begin(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  try {
    database.exec(schema)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
