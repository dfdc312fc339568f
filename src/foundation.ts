import { join } from 'node:path'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import type { Config } from './config.ts'
import { closeToOthers, prepareDataFolder } from './data-folder.ts'
import { type Database, openDatabase } from './database.ts'
import type { SecretRows } from './domain/secrets.ts'
import { claimPrivateFile, readTextFile } from './identity/private-file.ts'
import { openInstallationKey, sealSecrets } from './identity/sealed-secrets.ts'

/** The process that opens them first also sets who may read them; earlier ones may have let others. */
const keptFiles = ['vitrine.db', 'vitrine.db-wal', 'vitrine.db-shm', 'index.db', 'server.json']
const checkName = 'installation-check'

/** What a process knows before it listens: its database, and that both belong to the same installation. */
export type Foundation = {
  readonly database: Database
  /** The id under which spaces and data folders belong to it. */
  readonly installation: string
  /** Tells this data folder from all others. */
  readonly folderId: string
  readonly key: Uint8Array
  readonly secrets: SecretRows
}

/** Throws StartError when folder, key and database are not of one installation; Unavailable as the stores do. */
export async function openFoundation(config: Config, world: World): Promise<Foundation> {
  await prepareDataFolder(config.data)
  await closeToOthers(keptFiles.map((name) => join(config.data, name)))
  const database = await openDatabase(config, world)
  try {
    const { secrets } = database.store
    const key = await openKey(config, secrets)
    const installation = await secrets.putIfAbsent('installation-id', world.id())
    await belongTogether(config.data, installation)
    const folderId = await claimText(join(config.data, 'folder-id'), world.id())
    return { database, installation, folderId, key, secrets: sealSecrets(secrets, key) }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A key is made for a new installation only: another one would seal what nobody else of it can open. */
async function openKey(config: Config, secrets: SecretRows): Promise<Uint8Array> {
  const path = config.installationKeyFile ?? join(config.data, 'installation.key')
  const isNew = (await secrets.get(checkName)) === undefined
  const howTo = `Copy the installation.key of a process that uses this database to ${path}, or name it with the setting installationKeyFile. A new installation needs an empty database of its own.`
  if (!isNew && (await readTextFile(path)) === undefined) {
    throw new StartError(`The database belongs to an installation already. ${howTo}`)
  }
  const key = await openInstallationKey(path)
  try {
    await sealSecrets(secrets, key).putIfAbsent(checkName, 'ours')
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    throw new StartError(
      `The database belongs to another installation than the key ${path}. ${howTo}`,
      { cause: error },
    )
  }
  return key
}

async function belongTogether(folder: string, installation: string): Promise<void> {
  const kept = await claimText(join(folder, 'installation-id'), installation)
  if (kept === installation) return
  throw new StartError(
    `The data folder ${folder} belongs to installation ${kept}, the database to ${installation}. Name the folder and the database of the same one.`,
  )
}

async function claimText(path: string, text: string): Promise<string> {
  return (await claimPrivateFile(path, `${text}\n`)).trim()
}
