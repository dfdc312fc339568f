import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BlobsAddress } from '../../src/blobs/blobs.ts'
import { type Files, makeDiskStore, openDiskBlobs, systemFiles } from '../../src/blobs/disk.ts'
import type { Digest } from '../../src/domain/digest.ts'
import { imageOwner, workOwner } from '../../src/domain/holdings.ts'
import type { SpaceId } from '../../src/domain/spaces.ts'
import { copyImage } from '../../src/regions/copy-image.ts'
import type { Plane } from '../../src/regions/plane.ts'
import { readManifest } from '../../src/regions/read-image.ts'
import { removeRoot, writeRoot } from '../../src/regions/roots.ts'
import { dropStaged } from '../../src/regions/staging.ts'
import { sweepSpace } from '../../src/regions/sweep-space.ts'
import { verifyImage } from '../../src/regions/verify-image.ts'
import { folderOf } from '../support/memory-blobs.ts'
import { openPowerCut, type Recovered } from '../support/power-cut.ts'
import { diskOf } from '../support/test-disks.ts'
import {
  abroad,
  type Durable,
  home,
  ingestUpload,
  openDurable,
  openTestPlane,
  publish,
  readAll,
  second,
  signal,
} from '../support/test-plane.ts'

/** What has been promised: paths that are there and whole, and paths that are gone. */
type Promised = { readonly there: readonly string[]; readonly gone: readonly string[] }
type PowerCut = ReturnType<typeof openPowerCut<Promised>>

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'vitrine-power-'))
})
afterEach(() => rm(base, { recursive: true, force: true }))

const ownerOf = (space: string) => ({ installation: 'i', space })

/** What holds whatever the cut took: promises are kept, and nothing half has the name of something whole. */
function expectKept({ mark, files }: Recovered<Promised>): void {
  const lost = mark?.there.filter((path) => files.get(path)?.isWhole !== true)
  const back = mark?.gone.filter((path) => files.has(path))
  const half = [...files].filter(([path, { isWhole }]) => !isWhole && !path.includes('/tmp/'))
  expect({ lost, back, half: half.map(([path]) => path) }).toEqual({
    lost: mark && [],
    back: mark && [],
    half: [],
  })
}

describe('a power cut at any moment, whatever was not synced', () => {
  test('keeps every blob that was put and brings none back that was deleted', async () => {
    const space = join(base, 'westeurope/Standard_LRS/1')
    const cut: PowerCut = openPowerCut(base)
    await makeDiskStore(space, ownerOf('s'), cut.files)
    const there = new Set([join(space, 'store.json')])
    const gone = new Set<string>()
    const promise = () => cut.mark({ there: [...there], gone: [...gone] })
    promise()
    // As two threads have them: neither knows what the other one has made, nor whether it is synced.
    const slow = slowToSync(cut.files, join(space, 'packs'))
    const blobs = [openDiskBlobs(space, slow.files), openDiskBlobs(space, cut.files)]
    const put = async (at: number, key: string) => {
      await blobs[at]?.put(key, Buffer.from(`the bytes of ${key}`), signal)
      there.add(join(space, key))
      promise()
    }
    await put(0, 'roots/r')
    const slowPuts = [put(0, 'packs/ab/1'), put(0, 'packs/ab/3')]
    await slow.reached
    await put(1, 'packs/ab/2')
    slow.letGo()
    await Promise.all(slowPuts)
    await Promise.all([put(0, 'uploads/u/1'), put(1, 'uploads/u/2')])
    for (const key of ['roots/r', 'packs/ab/2']) {
      there.delete(join(space, key))
      promise()
      await blobs[0]?.delete(key, signal)
      gone.add(join(space, key))
      promise()
    }
    await makeDiskStore(space, ownerOf('s'), cut.files)
    let states = 0
    for (const state of cut.everyCut()) {
      expectKept(state)
      states += 1
    }
    expect(states).toBeGreaterThan(1_000)
  })
})

/** The first sync of a folder waits until it is let go. */
function slowToSync(files: Files, folder: string) {
  const reached = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const slow: Files = {
    ...files,
    async open(path, flags, mode) {
      const handle = await files.open(path, flags, mode)
      if (path !== folder) return handle
      const sync = async () => {
        reached.resolve()
        await free.promise
        await handle.sync()
      }
      return { ...handle, sync }
    },
  }
  return { files: slow, reached: reached.promise, letGo: () => free.resolve() }
}

const spaces = [home, second, abroad]
const v1Bytes = diskOf([1, 2, 3, 4])
const v2Bytes = diskOf([1, 2, 0, 11, -12])
const rootKey = (version: string) => `roots/${version}`
const pathOf = (space: SpaceId, key: string) => join(base, space, key)

/** Rows outlive a cut: they are synced with each commit. So nothing that they name may go with it. */
function openSite(
  files: Files,
  isCut: () => boolean,
  told: (promised: Promised) => void,
  durable: Durable = openDurable(),
) {
  const roots = new Set<string>()
  const removed = new Set<string>()
  /** Uploads whose pages the rows may name; what is being dropped is not missed. */
  const uploads = new Set<string>()

  function promised(): Promised {
    const live = durable.rows.rows().filter(({ state }) => state === 'live')
    const packs = live.map(({ holding }) => pathOf(holding.space, holding.key))
    const pages = [...uploads]
      .flatMap((upload) => durable.uploads.all(upload))
      .flatMap(({ key }) => (key === undefined ? [] : pathOf(home, key)))
    return { there: [...packs, ...pages, ...roots], gone: [...removed] }
  }

  /** Rows that say after each change what they name, and that no dead process reaches. */
  function watched<Rows extends object>(rows: Rows): Rows {
    return new Proxy(rows, {
      get: (target, name, receiver) => {
        const method: unknown = Reflect.get(target, name, receiver)
        if (typeof method !== 'function') return method
        return async (...given: unknown[]) => {
          if (isCut()) throw new Error('the process is dead')
          const result: unknown = await Reflect.apply(method, target, given)
          told(promised())
          return result
        }
      },
    })
  }

  const openBlobs = (address: BlobsAddress) => openDiskBlobs(join(base, folderOf(address)), files)
  const open = () =>
    openTestPlane(
      { ...durable, places: { ...durable.places, openBlobs } },
      { holdings: watched(durable.rows.holdings), uploads: watched(durable.uploads) },
    )
  return { durable, roots, removed, uploads, open, promised, told }
}

type Site = ReturnType<typeof openSite>

const pageBytes = 64 * 1024

/** Of an upload: pages of zeros are not sent. */
function pagesOf(bytes: Buffer): number {
  const pages = Array.from({ length: bytes.length / pageBytes }, (_, at) =>
    bytes.subarray(at * pageBytes, (at + 1) * pageBytes),
  )
  return pages.filter((page) => page.some((byte) => byte !== 0)).length
}

async function keep(
  site: Site,
  plane: Plane,
  at: { space: SpaceId; image: Digest; holdings: readonly number[]; version: string },
): Promise<void> {
  const { space, image, version } = at
  const { bytes } = await readManifest(plane, { image, spaces: [space], signal })
  const disks = [{ lun: undefined, image, manifest: bytes }]
  const created = new Date(0)
  await writeRoot(plane, { space, key: rootKey(version), keeper: version, disks, created, signal })
  site.durable.rows.seal(space, image, at.holdings)
  site.roots.add(pathOf(space, rootKey(version)))
  site.told(site.promised())
}

/** Both versions into all spaces; then the first is deleted and swept, and the uploads are dropped. May run again. */
async function job(site: Site, plane: Plane): Promise<Digest> {
  const v1 = await into(site, plane, { version: 'v1', bytes: v1Bytes })
  const v2 = await into(site, plane, { version: 'v2', bytes: v2Bytes })
  for (const space of spaces) {
    site.roots.delete(pathOf(space, rootKey('v1')))
    site.told(site.promised())
    await removeRoot(plane, { space, key: rootKey('v1'), signal })
    site.removed.add(pathOf(space, rootKey('v1')))
    await plane.rows.release(imageOwner(space, v1))
    await sweepSpace(plane, { space, holdMs: 0, signal })
  }
  site.uploads.clear()
  for (const upload of ['v1', 'v2']) await dropStaged(plane, { upload, space: home, signal })
  return v2
}

async function into(
  site: Site,
  plane: Plane,
  { version, bytes }: { version: string; bytes: Buffer },
): Promise<Digest> {
  const owner = workOwner(version)
  site.uploads.add(version)
  const upload = { upload: version, owner, pageBytes }
  const isUploaded = site.durable.uploads.all(version).length >= pagesOf(bytes)
  const { image, holdings } = isUploaded
    ? await ingestUpload(plane, bytes.length, upload)
    : await publish(plane, bytes, upload)
  await keep(site, plane, { space: home, image, holdings, version })
  for (const space of [second, abroad]) {
    const copied = await copyImage(plane, { owner, image, from: [home], to: [space], signal })
    await keep(site, plane, { space, image, holdings: copied.holdings.get(space) ?? [], version })
  }
  await plane.rows.release(owner)
  return image
}

describe('publish, copy, delete and sweep on folders, with the power cut', () => {
  test('at any moment: all that rows name is there and whole, and no root names what is not', async () => {
    const cut: PowerCut = openPowerCut(base)
    for (const space of spaces) await makeDiskStore(join(base, space), ownerOf(space), cut.files)
    const site = openSite(cut.files, () => false, cut.mark)
    const { plane, close } = site.open()
    const needs = new Map<string, readonly string[]>()
    const seal = site.durable.rows.seal
    site.durable.rows.seal = (space, image, ids) => {
      const held = site.durable.rows.rows().filter(({ holding }) => ids.includes(holding.id))
      const version = needs.has(pathOf(space, rootKey('v1'))) ? 'v2' : 'v1'
      const packs = held.map(({ holding }) => pathOf(holding.space, holding.key))
      needs.set(pathOf(space, rootKey(version)), packs)
      return seal(space, image, ids)
    }
    await job(site, plane)
    await close()
    expect(needs.size).toBe(6)
    let states = 0
    for (const state of cut.everyCut()) {
      expectKept(state)
      for (const [root, packs] of needs) {
        if (!state.files.has(root)) continue
        expect(
          packs.filter((path) => !state.files.has(path)),
          root,
        ).toEqual([])
      }
      states += 1
    }
    expect(states).toBeGreaterThan(5_000)
  })

  test('at each change, with all lost that was not synced: the next start ends where it would have', async () => {
    const undisturbed = openPowerCut<Promised>(base)
    const changes = await runUntilCut(undisturbed)
    expect(changes.lived).toBe(true)
    const total = undisturbed.changes()
    expect(total).toBeGreaterThan(100)
    for (let at = 1; at < total; at++) {
      await rm(base, { recursive: true })
      await mkdir(base)
      const cut: PowerCut = openPowerCut(base)
      cut.cutAfter(at)
      const { site } = await runUntilCut(cut)
      await loseUnsynced(cut)
      await expectEndState(site)
    }
  })
})

async function runUntilCut(cut: PowerCut): Promise<{ site: Site; lived: boolean }> {
  const site = openSite(cut.files, cut.isCut, () => undefined)
  const { plane, close } = site.open()
  try {
    for (const space of spaces) await makeDiskStore(join(base, space), ownerOf(space), cut.files)
    await job(site, plane)
    return { site, lived: true }
  } catch (error) {
    // Whatever the end looked like from inside.
    if (!cut.isCut()) throw error
    return { site, lived: false }
  } finally {
    await close()
  }
}

async function loseUnsynced(cut: PowerCut): Promise<void> {
  const { files } = cut.lostNow()
  await rm(base, { recursive: true })
  await mkdir(base)
  for (const [path, { bytes }] of files) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes())
  }
}

/** The same rows, the same job again: v2 is whole in every space, v1 is gone, and no blob is left over. */
async function expectEndState({ durable }: Site): Promise<void> {
  for (const space of spaces) await makeDiskStore(join(base, space), ownerOf(space))
  const site = openSite(
    systemFiles,
    () => false,
    () => undefined,
    durable,
  )
  const { plane, close } = site.open()
  const image = await job(site, plane)
  for (const space of spaces) {
    expect((await verifyImage(plane, { image, space, signal })).damaged).toEqual([])
    expect((await readAll(plane, image, [space])).equals(v2Bytes)).toBe(true)
    await sweepSpace(plane, { space, holdMs: 0, signal })
    const held = await plane.rows.heldBy(imageOwner(space, image))
    const keys: string[] = []
    for await (const key of plane.blobsOf(space).list('', signal)) keys.push(key)
    expect(keys.sort()).toEqual([...held.map(({ key }) => key), rootKey('v2')].sort())
  }
  await close()
}
