import { isDeepStrictEqual } from 'node:util'
import { Unavailable } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import { queueOfImport } from '../domain/queues.ts'
import type { JsonObject, ResourceRow, WorkRow } from '../domain/rows.ts'
import { parseSpaceId } from '../domain/spaces.ts'
import { removeRoot, writeRoot } from '../regions/roots.ts'
import { dropStaged } from '../regions/staging.ts'
import { withoutSignatures } from '../resources/foreign-urls.ts'
import {
  type ContentSource,
  ownUploadsOf,
  pendingOf,
  spaceOf,
  statusWith,
} from '../resources/pending-content.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { isVersion, showFailed, showTakingIn } from './content-progress.ts'
import { type MadeImage, makeImage } from './make-image.ts'
import type { WorkPorts } from './ports.ts'
import { publishRequest } from './publish.ts'
import { rootDocuments } from './root-documents.ts'
import { finishResource } from './settle.ts'
import { addStray, forgetStray, type StrayRoot, strayRoots } from './stray-roots.ts'

/**
 * Makes what a resource is still to be made of into images of its region, one after the other: each is durable and known
 * before the next begins. Then the resource is ready; a version is published.
 */
export function ingestDisks(ports: WorkPorts): Work {
  const { store, plane, world } = ports

  /** Names the roots before any is written, so that they can always be removed. */
  async function plan({ row, state, write }: Running): Promise<Outcome> {
    const resource = await store.read.resources.get(row.subject)
    if (!resource || resource.state === 'Deleting') return { is: 'done' }
    const pending = pendingOf(resource)
    if (pending.length === 0) {
      const nowMs = await store.nowMs()
      await write((rows) => finishAsItIs(rows, row, nowMs))
      return { is: 'done' }
    }
    const queue = queueOfImport(row.queue)
    if (queue !== row.queue && pending.some(({ from }) => from.is === 'url')) {
      return { is: 'elsewhere', state, queue }
    }
    if (isVersion(resource)) {
      const nowMs = await store.nowMs()
      await write((rows) => showTakingIn(rows, resource, nowMs))
    }
    // Each region of a version writes its own.
    const named = isVersion(resource) ? [] : pending
    const roots = Object.fromEntries(named.map((one) => [nameOf(one), `roots/${world.id()}`]))
    return { is: 'next', state: { ...state, roots } }
  }

  /** Asked for once more while it was being made. */
  async function finishAsItIs(rows: Rows, row: WorkRow, nowMs: number): Promise<void> {
    const resource = await rows.resources.lock(row.subject)
    if (resource && resource.state !== 'Deleting') await finish(rows, resource, row, nowMs)
  }

  async function store_({ row, state, signal, write }: Running): Promise<Outcome> {
    const resource = await store.read.resources.get(row.subject)
    if (!resource || resource.state === 'Deleting') return { is: 'next', state }
    const making = { resource, owner: workOwner(row.id), startedMs: row.createdMs, signal, write }
    for (const source of pendingOf(resource)) {
      const made = await makeImage(ports, { ...making, source })
      const root = rootsOf(state)[nameOf(source)]
      if (root !== undefined) {
        const { image, manifest } = made
        const disks = [{ lun: source.lun, image, manifest }]
        const created = new Date(row.createdMs)
        const place = { space: spaceOf(resource), key: root, keeper: resource.id }
        const documents = await rootDocuments(store.read, resource)
        await writeRoot(plane, { ...place, disks, created, documents, signal })
      }
      const nowMs = await store.nowMs()
      await write((rows) => seal(rows, { row, source, made, root, nowMs }))
    }
    return { is: 'next', state }
  }

  type Sealing = {
    readonly row: WorkRow
    readonly source: ContentSource
    readonly made: MadeImage
    readonly root: string | undefined
    readonly nowMs: number
  }

  async function seal(rows: Rows, { row, source, made, root, nowMs }: Sealing): Promise<void> {
    const locked = await rows.resources.lock(row.subject)
    if (!locked || locked.state === 'Deleting') return
    const { image, holdings } = made
    const placement = { space: spaceOf(locked), image, keeper: locked.key }
    const owner = workOwner(row.id)
    if (!(await rows.placements.seal({ placement, owner, holdings, root }))) {
      throw new Unavailable(`a pack of ${image} left ${placement.space} before the seal`)
    }
    if (source.from.is === 'image') await letGoElsewhere(rows, locked)
    const status = statusWith(locked, source.lun, made)
    await rows.resources.setStatus(locked.key, { status })
    const done = { ...locked, status }
    if (pendingOf(done).length === 0) await finish(rows, done, row, nowMs)
  }

  async function finish(
    rows: Rows,
    resource: ResourceRow,
    { correlationId, trace }: WorkRow,
    nowMs: number,
  ): Promise<void> {
    await rows.blobs.released(resource.key)
    await forgetSignatures(rows, resource)
    if (!isVersion(resource)) return finishResource(rows, resource, undefined, nowMs)
    await rows.work.request([{ ...publishRequest(resource), correlationId, trace }], nowMs)
  }

  /** Pages that have become an image go, and so do roots that nothing was sealed under. */
  async function clean({ row, state, signal, write }: Running): Promise<Outcome> {
    const resource = await store.read.resources.get(row.subject)
    if (!resource) return { is: 'done' }
    for (const upload of ownUploadsOf(resource)) await dropStaged(plane, { ...upload, signal })
    const stray = [
      ...(await strayRoots(store.read, resource.key)),
      ...(await unsealed(store.read, resource, row)),
    ]
    for (const root of stray) await removeRoot(plane, { ...root, signal })
    await write(async (rows) => {
      const locked = await rows.resources.lock(resource.key)
      if (!locked) return
      const { sources: _, ...status } = locked.status
      await rows.resources.setStatus(locked.key, { status })
      await forgetStray(rows, { ...locked, status }, stray)
    })
    return { is: 'next', state }
  }

  /** An upload goes back to what it was: it can be mended and closed again. */
  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    await keepStray(rows, row)
    const resource = await rows.resources.lock(row.subject)
    if (!resource || resource.state === 'Deleting') return
    await rows.blobs.released(resource.key)
    const pending = pendingOf(resource)
    if (pending.some(({ from }) => from.is === 'image')) {
      const copyCompletionError = { errorCode: problem.code, errorMessage: problem.message }
      const status = { ...resource.status, copyCompletionError }
      await rows.resources.setStatus(resource.key, { status })
    }
    await forgetSignatures(rows, resource)
    if (isVersion(resource)) await showFailed(rows, resource, problem)
    const takesUpload = pending.some(({ from }) => from.is === 'upload')
    await finishResource(rows, resource, problem, nowMs, takesUpload ? 'Succeeded' : 'Failed')
  }

  // Rows of older data folders have this name.
  const kind = 'IngestDisk'
  return { kind, steps: { plan, store: store_, clean }, failed, stopped: keepStray }
}

/** What signed the URLs that it was made of is needed no more. */
async function forgetSignatures(rows: Rows, { key }: ResourceRow): Promise<void> {
  const resource = await rows.resources.lock(key)
  if (!resource) return
  const doc = withoutSignatures(resource.doc)
  const status = withoutSignatures(resource.status)
  if (isDeepStrictEqual({ doc, status }, { doc: resource.doc, status: resource.status })) return
  await rows.resources.update({ ...resource, doc, status })
}

/** What it had kept in the region that it was copied from. */
async function letGoElsewhere(rows: Rows, { key, region }: ResourceRow): Promise<void> {
  for (const placement of await rows.placements.ofKeepers([key])) {
    if (parseSpaceId(placement.space)?.region !== region) await rows.placements.drop(placement)
  }
}

function nameOf({ lun }: Pick<ContentSource, 'lun'>): string {
  return lun === undefined ? 'os' : String(lun)
}

/** Keys of roots that may have been written, by disk. A row of an older data folder names only one. */
function rootsOf({ roots, root }: JsonObject): Readonly<Record<string, string>> {
  if (typeof root === 'string') return { os: root }
  return roots !== null && typeof roots === 'object' ? (roots as Record<string, string>) : {}
}

/** Roots that were named, and perhaps written, of disks that were not sealed. */
async function unsealed(rows: Rows, resource: ResourceRow, row: WorkRow): Promise<StrayRoot[]> {
  const sealed = new Set((await rows.placements.rootsOf(resource.key)).map(({ root }) => root))
  const named = Object.values(rootsOf(row.state)).filter((key) => !sealed.has(key))
  return named.map((key) => ({ space: spaceOf(resource), key }))
}

async function keepStray(rows: Rows, row: WorkRow): Promise<void> {
  const resource = await rows.resources.lock(row.subject)
  if (resource) await addStray(rows, resource, await unsealed(rows, resource, row))
}
