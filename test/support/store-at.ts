import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'

const world = {
  now: () => new Date(0),
  sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
  log: () => undefined,
}

/** The store at a `postgres://` url, or in a SQLite file. */
export function openStoreAt(place: string): Promise<Store> {
  return place.startsWith('postgres://')
    ? openPostgresStore({ url: place, poolMax: 8, world })
    : openSqliteStore({ path: place, world })
}
