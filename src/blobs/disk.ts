import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { openSharedRuns } from '../base/shared-runs.ts'
import type { ByteRange } from '../domain/byte-range.ts'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { BlobMissing, BlobShort, type Blobs, SpaceRefused } from './blobs.ts'
import { checkKey, checkOwner, type StoreOwner, storeFileOf } from './store-file.ts'

/**
 * A folder as blobs: write `tmp/…`, fsync, rename, fsync the directory. A file under its key is therefore always whole,
 * and what a crash leaves lies in `tmp/`, where `list` does not look.
 */
export function openDiskBlobs(folder: string, files: Files = systemFiles): Blobs {
  const foldersMade = new Map<string, Promise<void>>()
  // Pages of one upload come and go by many at once.
  const syncShared = openSharedRuns((path) => syncFolder(files, path))

  /** Whoever comes second waits for the first: an entry that is there is not durable before its parent is synced. */
  async function makeFolder(path: string): Promise<void> {
    if (path === folder) return
    const making = foldersMade.get(path) ?? makeBelow(path)
    foldersMade.set(path, making)
    try {
      await making
    } catch (error) {
      foldersMade.delete(path)
      throw error
    }
  }

  /** Synced whoever made it: another thread or process may not have come so far. */
  async function makeBelow(path: string): Promise<void> {
    await makeFolder(dirname(path))
    await files.mkdir(path).catch(undefinedWhenThere)
    await syncShared(dirname(path))
  }

  async function put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    checkKey(key)
    await told(folder, key, async () => {
      try {
        await putFile(join(folder, key), bytes, signal)
      } catch (error) {
        if (!isMissing(error)) throw error
        // The folder was emptied, and perhaps made anew since: what was made before is not there.
        foldersMade.clear()
        await putFile(join(folder, key), bytes, signal)
      }
    })
  }

  async function putFile(target: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await requireStore(folder)
    await makeFolder(dirname(target))
    await writeWhole(files, { folder, target, bytes, signal })
    await syncShared(dirname(target))
  }

  async function read(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    checkKey(key)
    signal.throwIfAborted()
    return await told(folder, key, () => readExactly(join(folder, key), range, key))
  }

  async function size(key: string, signal: AbortSignal): Promise<number | undefined> {
    checkKey(key)
    signal.throwIfAborted()
    try {
      return await told(folder, key, async () => (await stat(join(folder, key))).size)
    } catch (error) {
      if (error instanceof BlobMissing) return undefined
      throw error
    }
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    checkKey(key)
    signal.throwIfAborted()
    try {
      await told(folder, key, async () => {
        await files.rm(join(folder, key))
        await syncShared(dirname(join(folder, key)))
      })
    } catch (error) {
      if (!(error instanceof BlobMissing)) throw error
    }
  }

  async function* list(prefix: string, signal: AbortSignal): AsyncIterable<string> {
    await requireStore(folder)
    for (const top of ['packs', 'roots', 'uploads']) {
      if (!top.startsWith(prefix) && !prefix.startsWith(top)) continue
      const under = prefix.startsWith(`${top}/`) ? dirname(`${prefix}-`) : top
      const names = await readdir(join(folder, under), {
        withFileTypes: true,
        recursive: true,
      }).catch(noneWhenMissing)
      for (const entry of names) {
        signal.throwIfAborted()
        if (!entry.isFile()) continue
        const key = join(entry.parentPath, entry.name).slice(join(folder, '/').length)
        if (key.startsWith(prefix)) yield key
      }
    }
  }

  return { put, read, size, delete: remove, list }
}

/** What changes a disk: what can fail when it is full or breaks, and what a power cut may undo until it is synced. */
export type Files = {
  open(path: string, flags: string, mode?: number): Promise<OpenFile>
  rename(from: string, to: string): Promise<void>
  mkdir(path: string): Promise<unknown>
  rm(path: string): Promise<void>
}

type OpenFile = Pick<FileHandle, 'datasync' | 'sync' | 'close'> & {
  /** From `offset` of the bytes on, behind what was written before. */
  write(bytes: Uint8Array, offset: number): Promise<{ readonly bytesWritten: number }>
}

export const systemFiles: Files = { open, rename, mkdir, rm }

/** As `makeStore`. */
export async function makeDiskStore(
  folder: string,
  owner: StoreOwner,
  files: Files = systemFiles,
): Promise<void> {
  const path = join(folder, 'store.json')
  try {
    await makeParents(files, folder)
    await files.mkdir(join(folder, 'tmp')).catch(undefinedWhenThere)
    const present = await readFile(path, 'utf8').catch(undefinedWhenMissing)
    // Written at every start, equal when it was there: the probe that fsync and rename work here.
    if (present !== undefined) checkOwner(path, present, owner)
    const signal = AbortSignal.timeout(60_000)
    await writeWhole(files, {
      folder,
      target: path,
      bytes: Buffer.from(storeFileOf(owner, present)),
      signal,
    })
    await syncFolder(files, folder)
    await removeLeftovers(files, folder, path)
  } catch (error) {
    if (isUnsynced(error)) throw unsynced(folder, error)
    throw translated(error, `the store ${folder} cannot be used`)
  }
}

/** The folder and all above it, each durable in its parent, whoever made it and however far they came. */
async function makeParents(files: Files, path: string): Promise<void> {
  const parent = dirname(path)
  if (parent === path) return
  if ((await stat(path).catch(undefinedWhenMissing)) === undefined) {
    await makeParents(files, parent)
    await files.mkdir(path).catch(undefinedWhenThere)
  }
  await syncFolder(files, parent).catch(undefinedWhenNotOurs)
}

/** Temporary files of processes that died: older than an hour by the file system's own clock. */
async function removeLeftovers(files: Files, folder: string, clockFile: string): Promise<void> {
  const { mtimeMs: nowMs } = await stat(clockFile)
  for (const name of await readdir(join(folder, 'tmp'))) {
    const path = join(folder, 'tmp', name)
    const found = await stat(path).catch(undefinedWhenMissing)
    if (found && nowMs - found.mtimeMs > 3_600_000) {
      await files.rm(path).catch(undefinedWhenMissing)
    }
  }
}

let temporaries = 0

type Write = {
  readonly folder: string
  readonly target: string
  readonly bytes: Uint8Array
  readonly signal: AbortSignal
}

/** Durable once the folder is synced. */
async function writeWhole(files: Files, { folder, target, bytes, signal }: Write): Promise<void> {
  signal.throwIfAborted()
  const path = join(
    folder,
    'tmp',
    `${process.pid}-${threadId}-${process.hrtime.bigint()}-${temporaries++}`,
  )
  const file = await files.open(path, 'wx', 0o600)
  try {
    try {
      // In one call as a rule: `writeFile` would go to the thread pool for every 512 KiB.
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done)).bytesWritten
      }
      await file.datasync()
    } finally {
      await file.close()
    }
    signal.throwIfAborted()
    await files.rename(path, target)
  } catch (error) {
    await files.rm(path).catch(undefinedWhenMissing)
    throw error
  }
}

async function readExactly(path: string, range: ByteRange, key: string): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafeSlow(range.lengthBytes)
    let done = 0
    while (done < bytes.length) {
      const { bytesRead } = await file.read(
        bytes,
        done,
        bytes.length - done,
        range.offsetBytes + done,
      )
      if (bytesRead === 0)
        throw new BlobShort(`${key} ends before byte ${range.offsetBytes + bytes.length}`)
      done += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

async function syncFolder(files: Files, path: string): Promise<void> {
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A folder without `store.json` is a disk that is not mounted: nothing may be written there or called missing. */
async function requireStore(folder: string): Promise<void> {
  if ((await stat(join(folder, 'store.json')).catch(undefinedWhenMissing)) === undefined) {
    throw new Unavailable(`the space at ${folder} has no store.json: is its disk mounted?`)
  }
}

async function told<Result>(
  folder: string,
  key: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (!isMissing(error)) throw translated(error, `the blob ${key} at ${folder}`)
    await requireStore(folder)
    throw new BlobMissing(`there is no blob ${key} at ${folder}`)
  }
}

/** Errors of the operating system are the world's; all others stay what they are. */
function translated(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new SpaceFull(`no room left for ${what}`, { cause: error })
  }
  return new Unavailable(`${what}: ${error.message}`, { cause: error })
}

/** The file system knows no fsync, of files or of folders: a power cut would take what was told to be kept. */
function isUnsynced(error: unknown): error is Error {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return false
  const isSync = error.syscall === 'fsync' || error.syscall === 'fdatasync'
  return isSync && ['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(String(error.code))
}

function unsynced(folder: string, cause: Error): SpaceRefused {
  return new SpaceRefused(
    `The file system at ${folder} cannot promise to keep what is written there (${cause.message}). Put the space on one that knows fsync, such as ext4 or XFS.`,
    { cause },
  )
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function undefinedWhenMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error
}

function undefinedWhenThere(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
  throw error
}

/** A folder that we may not even read is none that we made. */
function undefinedWhenNotOurs(error: unknown): undefined {
  const codes = ['EACCES', 'EPERM', 'EROFS', 'EINVAL']
  if (error instanceof Error && 'code' in error && codes.includes(String(error.code))) return
  throw error
}

function noneWhenMissing(error: unknown): [] {
  if (isMissing(error)) return []
  throw error
}
