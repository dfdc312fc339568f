import { Unavailable } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { dropStaged } from '../regions/staging.ts'
import { isObject } from '../resources/paths.ts'
import { stagingOf } from '../resources/pending-content.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { WorkPorts } from './ports.ts'

/** Between two looks; what is kept shorter is looked at more often. */
const everyMs = 3_600_000
const looksAtLeast = 8
const types = ['Microsoft.Compute/disks', 'Microsoft.Compute/snapshots']

/**
 * Gives up uploads of a region that were begun and got no page for long: their access ends, their pages go, and the disk
 * waits for an upload as at first. What is being ingested is left alone.
 */
export function expireUploads({ store, plane, world, uploadKeptMs }: WorkPorts): Work {
  async function look(running: Running): Promise<Outcome> {
    const { row, state, signal } = running
    for (const type of types) {
      let after: string | undefined
      do {
        signal.throwIfAborted()
        const query = { type, scopes: 'all', after, rowsMax: limits.pageRows } as const
        const page = await store.read.resources.list(query)
        for (const disk of page.rows) if (disk.region === row.subject) await tryOne(running, disk)
        after = page.next
      } while (after !== undefined)
    }
    return { is: 'wait', state, forMs: Math.min(everyMs, Math.ceil(uploadKeptMs / looksAtLeast)) }
  }

  /** One whose space is away is looked at again; it does not hold up the others. */
  async function tryOne(running: Running, disk: ResourceRow): Promise<void> {
    try {
      await judge(running, disk)
    } catch (error) {
      if (running.signal.aborted || !(error instanceof Unavailable)) throw error
      const told = { disk: disk.key, error: error.message }
      world.log({ level: 'warn', event: 'expiry-waits', ...told })
    }
  }

  async function judge(running: Running, disk: ResourceRow): Promise<void> {
    if (disk.status.uploadExpired === true) return await clear(running, disk)
    const staging = isOpen(disk) ? stagingOf(disk) : undefined
    if (!staging) return
    const seq = await plane.uploads.newest(staging.upload)
    const nowMs = await store.nowMs()
    const seen = seenOf(disk)
    if (seen?.seq !== seq) return await note(running, disk, { seq, sinceMs: nowMs })
    if (nowMs - seen.sinceMs < uploadKeptMs) return
    if (await giveUp(running, disk, seq)) await clear(running, disk)
  }

  async function note({ write }: Running, { key }: ResourceRow, uploadSeen: Seen): Promise<void> {
    await write(async (rows) => {
      const disk = await rows.resources.lock(key)
      if (!disk || !isOpen(disk)) return
      await rows.resources.setStatus(key, { status: { ...disk.status, uploadSeen } })
    })
  }

  /** From here on no page comes. The generation is raised, so that a request that was planned before is planned again. */
  async function giveUp({ write }: Running, { key }: ResourceRow, seq: number): Promise<boolean> {
    return await write(async (rows) => {
      const disk = await rows.resources.lock(key)
      const staging = disk && stagingOf(disk)
      if (!staging || !isOpen(disk) || (await rows.uploads.newest(staging.upload)) !== seq)
        return false
      await rows.sas.revokeOf(key)
      const { uploadSeen: _, ...status } = disk.status
      await rows.resources.update({
        ...disk,
        generation: disk.generation + 1,
        status: { ...status, diskState: 'ReadyToUpload', uploadExpired: true },
      })
      return true
    })
  }

  /** Until its pages are gone, nobody begins to write anew. */
  async function clear({ write, signal }: Running, disk: ResourceRow): Promise<void> {
    const staging = stagingOf(disk)
    if (staging) await dropStaged(plane, { ...staging, signal })
    await write(async (rows) => {
      const locked = await rows.resources.lock(disk.key)
      if (!locked) return
      const { uploadExpired: _, ...status } = locked.status
      await rows.resources.setStatus(disk.key, { status })
    })
    world.log({ level: 'info', event: 'upload-expired', disk: disk.key })
  }

  return { kind: 'ExpireUploads', isRecurring: true, steps: { look } }
}

/** The newest page of an upload, and since when it is the newest. */
type Seen = { readonly seq: number; readonly sinceMs: number }

function seenOf({ status: { uploadSeen } }: ResourceRow): Seen | undefined {
  if (!isObject(uploadSeen)) return undefined
  return { seq: Number(uploadSeen.seq), sinceMs: Number(uploadSeen.sinceMs) }
}

/** It takes pages, and is not being made into an image. */
function isOpen({ state, status }: ResourceRow): boolean {
  return state === 'Succeeded' && status.diskState === 'ActiveUpload'
}
