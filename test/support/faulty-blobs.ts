import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Blobs, BlobsAddress } from '../../src/blobs/blobs.ts'
import { SpaceFull, Unavailable } from '../../src/domain/errors.ts'

/** Spaces, named by the end of their folder, that are full, read-only or away until the test says otherwise. */
export function openTrouble() {
  const roomBytes = new Map<string, number>()
  const away = new Set<string>()
  const readOnly = new Set<string>()
  const spaceIn = (names: Iterable<string>, address: BlobsAddress): string | undefined =>
    [...names].find((name) => address.kind === 'disk' && address.folder.endsWith(`/${name}`))

  function faulty(blobs: Blobs, address: BlobsAddress): Blobs {
    const check = (): void => {
      const space = spaceIn(away, address)
      if (space !== undefined) throw new Unavailable(`${space} is away`)
    }
    const checkWrite = (): void => {
      check()
      const space = spaceIn(readOnly, address)
      if (space !== undefined) throw new Unavailable(`${space}: EROFS: read-only file system`)
    }
    return {
      async put(key, bytes, signal) {
        checkWrite()
        const space = spaceIn(roomBytes.keys(), address)
        const room = space === undefined ? Infinity : (roomBytes.get(space) ?? 0)
        if (room < bytes.length) throw new SpaceFull(`no room left for ${key} in ${space}`)
        if (space !== undefined) roomBytes.set(space, room - bytes.length)
        await blobs.put(key, bytes, signal)
      },
      async read(key, range, signal) {
        check()
        return await blobs.read(key, range, signal)
      },
      async size(key, signal) {
        check()
        return await blobs.size(key, signal)
      },
      async delete(key, signal) {
        checkWrite()
        await blobs.delete(key, signal)
      },
      list(prefix, signal) {
        check()
        return blobs.list(prefix, signal)
      },
    }
  }

  return {
    faulty,
    /** From now on this space takes `bytes` and no more. */
    leaveRoom: (space: string, bytes: number) => void roomBytes.set(space, bytes),
    makeRoom: (space: string) => void roomBytes.delete(space),
    takeAway: (space: string) => void away.add(space),
    bringBack: (space: string) => void away.delete(space),
    makeReadOnly: (space: string) => void readOnly.add(space),
    makeWritable: (space: string) => void readOnly.delete(space),
  }
}

/** Blobs whose `name` calls for keys under `prefix` in `space` wait, before or after they do it, until they are let on. */
export function openHold(
  name: 'put' | 'delete',
  { space, prefix, when = 'before' }: { space: string; prefix: string; when?: 'before' | 'after' },
) {
  const reached = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()

  async function pass(): Promise<void> {
    reached.resolve()
    await free.promise
  }

  function faulty(blobs: Blobs, address: BlobsAddress): Blobs {
    const isHere = address.kind === 'disk' && address.folder.endsWith(`/${space}`)
    const held = async (call: string, key: string, act: () => Promise<void>): Promise<void> => {
      const isHeld = isHere && call === name && key.startsWith(prefix)
      if (isHeld && when === 'before') await pass()
      await act()
      if (isHeld && when === 'after') await pass()
    }
    return {
      ...blobs,
      put: (key, bytes, signal) => held('put', key, () => blobs.put(key, bytes, signal)),
      delete: (key, signal) => held('delete', key, () => blobs.delete(key, signal)),
    }
  }

  return { faulty, reached: reached.promise, letGo: () => free.resolve() }
}

/** Flips a bit in the first frame of every pack below `folder`; answers how many. */
export async function damagePacks(folder: string): Promise<number> {
  const packs = await packsBelow(folder)
  for (const path of packs) {
    const bytes = await readFile(path)
    // Behind the pack's header.
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    await writeFile(path, bytes)
  }
  return packs.length
}

export async function packsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'packs'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
