import type { JsonObject, WorkRequest, WorkRow } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { removeRoot } from '../regions/roots.ts'
import { dropStaged } from '../regions/staging.ts'
import { ownUploadsOf } from '../resources/pending-content.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Store } from '../store/store.ts'
import { recordReplicas } from './ledger.ts'
import type { WorkPorts } from './ports.ts'
import { failRemoval } from './settle.ts'
import { distinctRoots, forgetStray, rootsIn, type StrayRoot, strayRoots } from './stray-roots.ts'

/**
 * Lets one region go of a resource that is being deleted: its roots and uploaded pages, durably, then the rows that say they
 * are there. Only the region's own workers write its spaces.
 */
export function releaseRegion(ports: WorkPorts): Work {
  const { store, plane } = ports

  /** Durable before any of it is removed: who lost the row removes nothing that has the name later. */
  async function plan({ row }: Running): Promise<Outcome> {
    const { key, region } = subjectOf(row)
    if ((await store.read.resources.getAny(key))?.state !== 'Deleting') return { is: 'done' }
    const { roots, staged } = await whatIsLeft(store, key)
    const isHere = ({ space }: { space: SpaceId }) => parseSpaceId(space)?.region === region
    const state: JsonObject = {
      roots: distinctRoots(roots.filter(isHere)),
      staged: staged.filter(isHere),
    }
    return { is: 'next', state }
  }

  async function release({ row, state, signal, write }: Running): Promise<Outcome> {
    const { key, region } = subjectOf(row)
    const roots = rootsIn(state.roots)
    for (const root of roots) await removeRoot(plane, { ...root, signal })
    for (const { space, key: upload } of rootsIn(state.staged)) {
      await dropStaged(plane, { space, upload, signal })
    }
    const nowMs = await store.nowMs()
    await write(async (rows) => {
      const resource = await rows.resources.lock(key)
      if (resource?.state !== 'Deleting') return
      for (const placement of await rows.placements.ofKeepers([key])) {
        const isHere = parseSpaceId(placement.space)?.region === region
        if (isHere) await rows.placements.drop(placement)
      }
      await forgetStray(rows, resource, roots)
      await recordReplicas(rows, resource, { region, atMs: nowMs })
    })
    return { is: 'done' }
  }

  const failed: Failed = (rows, row, end) =>
    failRemoval(rows, { ...row, subject: subjectOf(row).key }, end)

  return { kind: 'ReleaseRegion', steps: { plan, release }, failed }
}

/** Regions where something of the resource still lies. */
export async function regionsLeft(store: Store, key: string): Promise<readonly string[]> {
  const { roots, staged } = await whatIsLeft(store, key)
  const regions = [...roots, ...staged].map(({ space }) => parseSpaceId(space)?.region ?? '')
  return [...new Set(regions)]
}

/** What asks these regions to let go of the resource that `removal` deletes. */
export function releases(removal: WorkRow, regions: readonly string[]): WorkRequest[] {
  const { subject: key, generation, correlationId, trace } = removal
  return regions.map((region) => ({
    kind: 'ReleaseRegion',
    subject: `${key}@${region}`,
    queue: `region:${region}`,
    generation,
    key,
    correlationId,
    trace,
  }))
}

type Left = { readonly roots: readonly StrayRoot[]; readonly staged: readonly StrayRoot[] }

async function whatIsLeft({ read, uploads }: Store, key: string): Promise<Left> {
  const sealed = await read.placements.rootsOf(key)
  const stray = await strayRoots(read, key)
  const resource = await read.resources.getAny(key)
  const staged: StrayRoot[] = []
  for (const { upload, space } of resource ? ownUploadsOf(resource) : []) {
    if ((await uploads.keys(upload, 1)).length > 0) staged.push({ space, key: upload })
  }
  return {
    roots: [...sealed.map(({ space, root }) => ({ space, key: root })), ...stray],
    staged,
  }
}

function subjectOf({ subject }: WorkRow): { readonly key: string; readonly region: string } {
  const at = subject.lastIndexOf('@')
  return { key: subject.slice(0, at), region: subject.slice(at + 1) }
}
