import { join } from 'node:path'
import type { World } from '../base/world.ts'
import { isObject, objectIn } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import type { ImageTransfer } from '../client/image-meter.ts'
import { type LocalDisk, openLocalDisk } from '../client/local-disk.ts'
import { openParentDisk, type ParentDisk } from '../client/parent-disk.ts'
import { imageBytesOf, uploadImage } from '../client/upload-image.ts'
import { digestOf } from '../domain/digest.ts'
import type { JsonObject } from '../domain/rows.ts'
import { grantAccess, removeDisk, revokeAccess } from './download-version.ts'
import { apiVersions } from './paths.ts'
import { openProgress } from './progress.ts'
import { propertiesOf } from './resources.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes } from './units.ts'

/** A version that is to be made of a disk in this region, and who asks for it. */
type VersionTarget = {
  readonly session: Session
  readonly world: World
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly group: string
  /** With the source it names the disk. */
  readonly versionPath: string
  readonly location: string
}

type UploadOptions = VersionTarget & {
  /** Where the notes for resuming lie. */
  readonly stateFolder: string
  readonly file: string
  /** Versions (as GET shows them) of which chunks need not be sent; they are usable in `location`. */
  readonly parents: readonly JsonObject[]
}

/** A managed disk that lives until the version is made. */
type TemporaryDisk = { readonly id: string; remove(): Promise<void> }

/** Between looks at a disk whose bytes are being taken in. */
const lookMs = 500
const looksMax = 100_000

/**
 * Brings a disk file of any format into a managed disk of the version's region, sending only what the parents have not.
 * The disk's name comes from the file and the version: the same command, started again, finds it and goes on. Throws
 * ClientError; the disk stays then, unless what is in it is of no use.
 */
export async function uploadForVersion(options: UploadOptions): Promise<TemporaryDisk> {
  const { session, signal } = options
  const disk = await openLocalDisk(options.file, signal)
  try {
    const mark = JSON.stringify([disk.path, disk.stamp, options.versionPath])
    const key = digestOf(Buffer.from(mark)).slice(0, 12)
    const path = session.paths.disk(options.group, `vitrine-upload-${key}`)
    const remove = () => removeDisk(options, path)
    const found = await settledDisk(options, path)
    if (found?.is !== 'full') {
      await bring(options, { path, disk, found: found?.disk, key }).catch(async (error) => {
        if (isUseless(error)) await remove()
        throw error
      })
    }
    return { id: decodeURIComponent(path), remove }
  } finally {
    await disk.close()
  }
}

/** A mixture of two files, what the server found to be no disk, or what relies on bytes that are lost. */
function isUseless(error: unknown): boolean {
  return (
    error instanceof ClientError && /^(Invalid(File|Disk|Parameter)|ImageDamaged)$/.test(error.code)
  )
}

type Bringing = Omit<Filling, 'target'> & { readonly found: JsonObject | undefined }

/** Bytes that were counted on and turn out to be lost are had from the file: all is sent again, once. */
async function bring(options: UploadOptions, { found, ...filling }: Bringing): Promise<void> {
  const { path, disk } = filling
  const make = () => makeUpload(options, path, disk)
  try {
    await fill(options, { ...filling, target: found ?? (await make()) })
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'ImageDamaged') throw error
    options.terminal.write('What was there already is damaged: the whole file is sent again.\n')
    await removeDisk(options, path)
    await fill({ ...options, parents: [] }, { ...filling, target: await make() })
  }
}

/** What an earlier run left, once nothing is done to it any more: a disk, an upload that waits, or one that failed. */
async function settledDisk({ session, world, signal }: VersionTarget, path: string) {
  const arm = { apiVersion: apiVersions.disks, signal }
  for (let look = 0; look < looksMax; look++) {
    const disk = await session.client.find(path, arm)
    if (disk === undefined) return undefined
    const { provisioningState, diskState } = propertiesOf(disk)
    const waits = /^(ReadyToUpload|ActiveUpload)$/i.test(String(diskState))
    if (provisioningState === 'Succeeded') return { is: waits ? 'open' : 'full', disk } as const
    if (provisioningState === 'Failed') return { is: waits ? 'open' : 'failed', disk } as const
    await world.sleep(lookMs, signal)
  }
  throw new ClientError({ code: 'TimedOut', message: `${path} is being changed for ever.` })
}

async function makeUpload(options: UploadOptions, path: string, disk: LocalDisk) {
  const { client } = options.session
  const arm = { apiVersion: apiVersions.disks, signal: options.signal }
  const answer = await client.call('PUT', path, {
    ...arm,
    body: {
      location: options.location,
      tags: { 'vitrine-upload': nameOf(options.versionPath) },
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: imageBytesOf(disk) } },
    },
  })
  const made = await client.wait(answer, { signal: options.signal })
  return isObject(made) ? made : objectIn(await client.call('GET', path, arm))
}

type Filling = {
  readonly path: string
  readonly disk: LocalDisk
  readonly target: JsonObject
  /** In the names of the disks that stand for the parents. */
  readonly key: string
}

async function fill(options: UploadOptions, { path, disk, target, key }: Filling) {
  const { session, world, terminal, signal } = options
  const { http } = session.client
  const opened: { parent: ParentDisk; path: string }[] = []
  const progress = openProgress(terminal, world)
  const label = disk.path.slice(disk.path.lastIndexOf('/') + 1)
  const show = (transfer: ImageTransfer, state: 'running' | 'done') =>
    progress.show([{ ...transfer, label, state, note: noteOf(transfer) }])
  try {
    for (const [number, version] of options.parents.entries()) {
      const one = await openParent(options, version, `vitrine-parent-${key}-${number}`)
      if (one) opened.push(one)
    }
    const { sasUrl } = await grantAccess(session, path, { access: 'Write', signal })
    let last: ImageTransfer | undefined
    const done = await uploadImage({
      http,
      world,
      signal,
      disk,
      sasUrl,
      blobId: blobIdOf(target),
      parents: opened.map(({ parent }) => parent),
      journalFolder: join(options.stateFolder, 'transfers'),
      onProgress: (transfer) => {
        last = transfer
        show(transfer, 'running')
      },
    })
    if (last) show({ ...last, bytesPerSecond: 0, etaSeconds: 0 }, 'done')
    progress.end()
    terminal.write(`${summaryOf(done, disk)}\n`)
  } finally {
    progress.end()
    for (const { path: parentPath } of opened) await removeDisk(options, parentPath)
  }
  await revokeAccess(session, path, signal)
}

/** A disk made of the version is what says that we may read it, and keeps it while we compare. */
async function openParent(options: UploadOptions, version: JsonObject, name: string) {
  const { session, world, signal, location } = options
  const { client } = session
  const path = session.paths.disk(options.group, name)
  const creationData = {
    createOption: 'FromImage',
    galleryImageReference: { id: version.id ?? null },
  }
  try {
    const put = await client.call('PUT', path, {
      apiVersion: apiVersions.disks,
      signal,
      body: {
        location,
        tags: { 'vitrine-upload': nameOf(options.versionPath) },
        properties: { creationData },
      },
    })
    await client.wait(put, { signal })
    const { sasUrl } = await grantAccess(session, path, { access: 'Read', signal })
    const parent = await openParentDisk({ http: client.http, world, sasUrl, signal })
    if (parent) return { parent, path }
  } catch (error) {
    // It was deleted meanwhile, or may not be read: all is sent then.
    const isRefused = error instanceof ClientError && (error.status ?? 400) < 500
    if (signal.aborted || !isRefused || error.code === 'Unreachable') {
      await removeDisk(options, path)
      throw error
    }
  }
  await removeDisk(options, path)
  return undefined
}

function noteOf({ sentBytes, matchedBytes }: ImageTransfer): string {
  const there = matchedBytes > 0 ? `, ${formatBytes(matchedBytes)} was there` : ''
  return `${formatBytes(sentBytes)} sent${there}`
}

type Done = Awaited<ReturnType<typeof uploadImage>>

/** `1.1 GiB of 8.6 GiB read, 20 MiB sent, the rest was there` */
function summaryOf({ readBytes, sentBytes, matchedBytes, resumedLeaves }: Done, disk: LocalDisk) {
  const read = `${formatBytes(readBytes)} of ${formatBytes(disk.virtualSizeBytes)} read`
  const rest =
    matchedBytes > 0 || resumedLeaves > 0 ? 'the rest was there' : 'the rest is holes and zeros'
  return `${read}, ${formatBytes(sentBytes)} sent, ${rest}.`
}

function nameOf(path: string): string {
  return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
}

/** A disk that was deleted and made again has another one. */
function blobIdOf(disk: JsonObject): string {
  const { uniqueId, timeCreated } = propertiesOf(disk)
  return JSON.stringify([String(disk.id).toLowerCase(), uniqueId ?? null, timeCreated ?? null])
}
