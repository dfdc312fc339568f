import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { World } from './base/world.ts'
import type { Config } from './config.ts'
import { lockDataFolder } from './lock.ts'
import { openPostgresStore } from './store/postgres.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Store } from './store/store.ts'

/** One process uses an embedded database (`lock.ts`), so what it leased before a crash is free at its next start. */
const onlyHolder = 'embedded'

export type Database = {
  readonly store: Store
  /** The name under which this process leases work. */
  readonly holder: string
  close(): Promise<void>
}

/** The metadata where the configuration says. Throws when another process holds an embedded one, Unavailable as the stores do. */
export async function openDatabase(config: Config, world: World): Promise<Database> {
  if (!config.database) return openEmbedded(config, world)
  const { url, poolMax, caFile } = config.database
  const tlsCa = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  const store = await openPostgresStore({ url, tlsCa, poolMax, world })
  return { store, holder: world.id(), close: store.close }
}

async function openEmbedded({ data }: Config, world: World): Promise<Database> {
  const lock = lockDataFolder(data)
  const store = await openSqliteStore({ path: join(data, 'vitrine.db'), world })
  return {
    store,
    holder: onlyHolder,
    async close() {
      await store.close()
      lock.release()
    },
  }
}
