import { invariant } from '../base/assert.ts'
import { ArmError, Unavailable } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import type { ResourceRow, WorkRow } from '../domain/rows.ts'
import type { ByteReader, DiskFile } from '../formats/disk-file.ts'
import { openDiskFile } from '../formats/open-disk-file.ts'
import { ingest } from '../regions/ingest.ts'
import { removeRoot, writeRoot } from '../regions/roots.ts'
import { dropStaged, stagedReader } from '../regions/staging.ts'
import { contentOf } from '../resources/content.ts'
import { diskSpaceOf, stagingOf, statusWithContent } from '../resources/disk.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import type { WorkPorts } from './ports.ts'
import { finishResource } from './settle.ts'
import { addStray, forgetStray, type StrayRoot, strayRoots } from './stray-roots.ts'

/** Turns an upload that was closed (or a disk made empty) into an image in the chunk store of the disk's region. */
export function ingestDisk(ports: WorkPorts): Work {
  const { store, plane, world, settings } = ports

  /** Names the root before it is written, so that it can always be removed. */
  async function plan({ row, state, write }: Running): Promise<Outcome> {
    const disk = await store.read.resources.get(row.subject)
    if (!disk || disk.state === 'Deleting') return { is: 'done' }
    if (contentOf(disk.status).length > 0) {
      await write((rows) => finishAsItIs(rows, disk.key))
      return { is: 'done' }
    }
    return { is: 'next', state: { ...state, root: `roots/${world.id()}` } }
  }

  /** Asked for once more while it was being made. */
  async function finishAsItIs(rows: Rows, key: string): Promise<void> {
    const nowMs = await store.nowMs()
    const disk = await rows.resources.lock(key)
    if (disk && disk.state !== 'Deleting') await finishResource(rows, disk, undefined, nowMs)
  }

  async function store_(running: Running): Promise<Outcome> {
    const { row, state, signal, write } = running
    const disk = await store.read.resources.get(row.subject)
    if (!disk || disk.state === 'Deleting') return { is: 'next', state }
    const owner = workOwner(row.id)
    const space = diskSpaceOf(disk)
    const key = rootOf(row)
    invariant(key, 'the step before named the root')
    const made = await ingest(plane, { owner, space, ...(await sourceOf(disk, signal)), signal })
    const disks = [{ lun: undefined, image: made.image, manifest: made.manifest }]
    const created = new Date(row.createdMs)
    await writeRoot(plane, { space, key, keeper: disk.id, disks, created, signal })
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const locked = await rows.resources.lock(disk.key)
      if (!locked || locked.state === 'Deleting') return
      const placement = { space, image: made.image, keeper: disk.key }
      const { holdings } = made
      if (!(await rows.placements.seal({ placement, owner, holdings, root: key }))) {
        throw new Unavailable(`a pack of ${made.image} left ${space} before the seal`)
      }
      await rows.resources.setStatus(disk.key, { status: statusWithContent(locked, made) })
      await finishResource(rows, locked, undefined, nowMs)
    })
    return { is: 'next', state }
  }

  /** The pages have become an image: their blobs go. */
  async function clean({ row, state, signal, write }: Running): Promise<Outcome> {
    const disk = await store.read.resources.get(row.subject)
    if (!disk) return { is: 'done' }
    const staging = stagingOf(disk)
    if (staging) await dropStaged(plane, { ...staging, signal })
    const stray = [...(await strayRoots(store.read, disk.key)), ...(await unsealed(disk, row))]
    for (const root of stray) await removeRoot(plane, { ...root, signal })
    await write(async (rows) => {
      const locked = await rows.resources.lock(disk.key)
      if (locked) await forgetStray(rows, locked, stray)
    })
    return { is: 'next', state }
  }

  /** The root that `store` wrote for a disk that was being deleted by then. */
  async function unsealed(disk: ResourceRow, row: WorkRow): Promise<readonly StrayRoot[]> {
    const key = rootOf(row)
    const sealed = await store.read.placements.rootsOf(disk.key)
    if (key === undefined || sealed.some(({ root }) => root === key)) return []
    return [{ space: diskSpaceOf(disk), key }]
  }

  async function sourceOf(disk: ResourceRow, signal: AbortSignal) {
    const staging = stagingOf(disk)
    invariant(staging, 'only an upload or an empty disk is ingested')
    const reader = stagedReader(plane, staging)
    const file = staging.isEmptyDisk
      ? emptyDisk(staging.sizeBytes)
      : await openUploaded(reader, signal)
    const source = { kind: 'upload', upload: staging.upload, space: staging.space } as const
    return { source, disk: file }
  }

  /** A small file may hold a large disk: what no version could be made of is refused before its bytes are read. */
  async function openUploaded(reader: ByteReader, signal: AbortSignal): Promise<DiskFile> {
    const file = await openDiskFile(reader, signal)
    const { diskBytesMax } = settings.quotas
    if (file.virtualSizeBytes <= diskBytesMax) return file
    throw new ArmError(
      'InvalidParameter',
      `The disk is ${file.virtualSizeBytes} bytes; at most ${diskBytesMax} bytes are allowed. Shrink it, or raise limits.diskBytesMax.`,
      'disk.properties.diskSizeBytes',
    )
  }

  /** An upload goes back to what it was: it can be mended and closed again. */
  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    await keepStray(rows, row)
    const disk = await rows.resources.lock(row.subject)
    if (!disk || disk.state === 'Deleting') return
    const state = stagingOf(disk)?.isEmptyDisk ? 'Failed' : 'Succeeded'
    await finishResource(rows, disk, problem, nowMs, state)
  }

  return {
    kind: 'IngestDisk',
    steps: { plan, store: store_, clean },
    failed,
    stopped: keepStray,
  }
}

function emptyDisk(virtualSizeBytes: number): DiskFile {
  return {
    format: 'raw',
    virtualSizeBytes,
    async *extents() {
      // A new disk has no data.
    },
  }
}

function rootOf(row: WorkRow): string | undefined {
  const { root } = row.state
  return typeof root === 'string' ? root : undefined
}

async function keepStray(rows: Rows, row: WorkRow): Promise<void> {
  const disk = await rows.resources.lock(row.subject)
  const key = rootOf(row)
  if (!disk || !key) return
  const sealed = await rows.placements.rootsOf(disk.key)
  if (sealed.some((root) => root.root === key)) return
  await addStray(rows, disk, [{ space: diskSpaceOf(disk), key }])
}
