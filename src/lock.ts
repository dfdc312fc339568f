import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from './base/start-error.ts'

export type Lock = { release(): void }

/**
 * Holds the data folder for this process until `release`. The lock is the operating system's own, on a small SQLite file:
 * it goes with the process, however that ends. Throws StartError when another process holds the folder.
 */
export function lockDataFolder(folder: string): Lock {
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 })
  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (error) {
    database.close()
    throw new StartError(
      `Another Vitrine process uses ${folder}. Stop it, or choose another folder with --data.`,
      { cause: error },
    )
  }
  return { release: () => database.close() }
}
