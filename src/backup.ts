import { constants } from 'node:fs'
import { copyFile, mkdir, open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mapBounded } from './base/bounded.ts'
import { StartError } from './base/start-error.ts'
import { openDiskBlobs } from './blobs/disk.ts'
import { type Config, ownRegionsOf } from './config.ts'
import { prepareDataFolder } from './data-folder.ts'
import { diskSpace, type SpaceId } from './domain/spaces.ts'
import { spaceAddress } from './space-address.ts'
import { blobPagesIn, packsIn, snapshotSqlite } from './store/snapshot.ts'

const copiesAtOnce = 8
/** Beside the database; what is not there is not needed: every start makes it. */
const keptFiles = ['installation-id', 'owner.json', 'tls/ca.pem', 'tls/ca.key', 'tls/server.pem']

export type BackedUp = {
  readonly packs: number
  readonly bytes: number
  /** Spaces in buckets: not copied. */
  readonly elsewhere: readonly SpaceId[]
}

/**
 * Copies an embedded installation, which may run, into the new folder `to`: a data folder that can be served as it is.
 * Rows first, bytes second: what the rows name was durable before, and a sweep leaves it for `sweepHoldSeconds` after
 * nobody wants it any more. At the end every pack and page that the rows name must be there. Throws StartError, Unavailable.
 */
export async function backUp(config: Config, to: string): Promise<BackedUp> {
  await refuseUnfit(config, to)
  await prepareDataFolder(to)
  const rows = join(to, 'vitrine.db')
  snapshotSqlite(join(config.data, 'vitrine.db'), rows)
  await sync(rows)
  const key = config.installationKeyFile ?? join(config.data, 'installation.key')
  await copyDurable(key, join(to, 'installation.key'))
  for (const name of keptFiles) {
    await copyDurable(join(config.data, name), join(to, name)).catch(unlessMissing)
  }
  const used = new Set<SpaceId>()
  for (const { space } of packsIn(rows)) used.add(space)
  const elsewhere: SpaceId[] = []
  for (const space of [...used, ...uploadSpaces(config, used)]) {
    if (!(await copySpace(config, to, space))) elsewhere.push(space)
  }
  const copied = await verify(to, elsewhere)
  for (const folder of await foldersIn(to)) await sync(folder)
  return { ...copied, elsewhere }
}

async function refuseUnfit(config: Config, to: string): Promise<void> {
  if (config.database) {
    throw new StartError(
      'The metadata is in PostgreSQL: take it with pg_dump, then copy the spaces, as docs/operate.md describes.',
    )
  }
  await stat(join(config.data, 'vitrine.db')).catch((error: unknown) => {
    unlessMissing(error)
    throw new StartError(`There is no installation in ${config.data}: name it with --data.`)
  })
  const there = await readdir(to).catch(() => [])
  if (there.length === 0) return
  throw new StartError(`${to} is not empty. A backup needs a folder of its own.`)
}

/** Where pages lie that are not an image yet. */
function uploadSpaces(config: Config, used: ReadonlySet<SpaceId>): SpaceId[] {
  const all = ownRegionsOf(config).map((region) => diskSpace(region).id)
  return all.filter((space) => !used.has(space))
}

/** False for a space in a bucket. Blobs that go while they are copied were not wanted, or `verify` misses them. */
async function copySpace(config: Config, to: string, space: SpaceId): Promise<boolean> {
  const address = spaceAddress(config, space)
  if (address.kind !== 'disk') return false
  const target = join(to, 'spaces', ...space.split('/'))
  const copy = (name: string) =>
    copyDurable(join(address.folder, name), join(target, name)).catch(unlessMissing)
  await copy('store.json')
  const isThere = await stat(join(target, 'store.json')).catch(unlessMissing)
  // One that was never used, or is away; `verify` tells which.
  if (!isThere) return true
  const keys = openDiskBlobs(address.folder).list('', new AbortController().signal)
  await mapBounded(keys, copiesAtOnce, copy)
  return true
}

async function verify(to: string, elsewhere: readonly SpaceId[]) {
  let packs = 0
  let bytes = 0
  const missing: string[] = []
  for (const { space, key, sizeBytes } of packsIn(join(to, 'vitrine.db'))) {
    if (elsewhere.includes(space)) continue
    const found = await stat(join(to, 'spaces', ...space.split('/'), key)).catch(unlessMissing)
    if (found?.size !== sizeBytes) missing.push(`${space}/${key}`)
    packs += 1
    bytes += sizeBytes
  }
  for (const { space, key, sizeBytes } of blobPagesIn(join(to, 'vitrine.db'))) {
    if (elsewhere.includes(space)) continue
    const found = await stat(join(to, 'spaces', ...space.split('/'), key)).catch(unlessMissing)
    if (found?.size !== sizeBytes) missing.push(`${space}/${key}`)
    bytes += sizeBytes
  }
  if (missing.length === 0) return { packs, bytes }
  throw new StartError(
    `The backup ${to} is not whole: ${missing.length} packs or pages of blobs that its rows name are missing or cut, the first is ${missing[0]}. ` +
      'Either a space is away or damaged (see the log of the server), or the copy took longer than sweepHoldSeconds: raise that, and begin again in another folder.',
  )
}

async function copyDurable(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await sync(to)
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function foldersIn(to: string): Promise<string[]> {
  const all = await readdir(to, { withFileTypes: true, recursive: true })
  const below = all.filter((entry) => entry.isDirectory())
  return [to, dirname(to), ...below.map(({ parentPath, name }) => join(parentPath, name))]
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
