import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import type { Config } from './config.ts'
import { type Lock, lockDataFolder } from './lock.ts'
import { type MovedTable, moveRows } from './store/move-rows.ts'
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
  const lock = lockDataFolder(config.data)
  try {
    const store = await openPostgresStore({ url, tlsCa: await pemOf(caFile), poolMax, world })
    return { store, holder: world.id(), close: () => closeBoth(store, lock) }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openEmbedded({ data }: Config, world: World): Promise<Database> {
  const lock = lockDataFolder(data)
  try {
    const store = await openSqliteStore({ path: join(data, 'vitrine.db'), world })
    return { store, holder: onlyHolder, close: () => closeBoth(store, lock) }
  } catch (error) {
    lock.release()
    throw error
  }
}

async function closeBoth(store: Store, lock: Lock): Promise<void> {
  await store.close()
  lock.release()
}

/**
 * Moves the metadata of an embedded installation, which must not run, to an empty PostgreSQL database at `url`. Answers
 * what each table had. Throws Error when there is none, it runs, or anything did not arrive whole.
 */
export async function moveEmbedded(
  { data }: Config,
  url: string,
  caFile: string | undefined,
): Promise<readonly MovedTable[]> {
  const path = join(data, 'vitrine.db')
  if (!existsSync(path))
    throw new StartError(`There is no installation in ${data}: name it with --data.`)
  const lock = lockDataFolder(data)
  try {
    return await moveRows(path, { url, tlsCa: await pemOf(caFile) })
  } finally {
    lock.release()
  }
}

async function pemOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const pem = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(`The CA file of the database, ${file}, cannot be read: ${error}.`, {
      cause: error,
    })
  })
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  throw new StartError(`The CA file of the database, ${file}, holds no certificate in PEM.`)
}
