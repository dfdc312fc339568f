import { mendRootRequest } from '../domain/health-work.ts'
import { workOwner } from '../domain/holdings.ts'
import { isFinal, type ResourceRow } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { contentOf } from '../resources/content.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { isVersion } from './content-progress.ts'
import type { WorkPorts } from './ports.ts'

const everyMs = 300_000
const turnRows = 100

/**
 * Snapshots, copies of disks and managed images are ready at once: they keep an image where another resource had it put.
 * Here they get roots of their own, so that a space tells of them by its blobs alone, also when that resource is gone.
 */
export function rootPins({ store, world }: WorkPorts): Work {
  async function look({ row, state, write }: Running): Promise<Outcome> {
    const after = typeof state.after === 'string' ? state.after : ''
    const page = await store.read.placements.unrooted(after, turnRows)
    const nowMs = await store.nowMs()
    for (const keeper of new Set(page.map((each) => each.keeper))) {
      await write((rows) => nameRoots(rows, keeper, { by: row.id, nowMs }))
    }
    const last = page.at(-1)
    if (page.length < turnRows || !last) return { is: 'wait', state: {}, forMs: everyMs }
    return { is: 'wait', state: { after: last.keeper }, forMs: 0 }
  }

  /** The rows know each key before its blob is written: whoever deletes the resource removes it. */
  async function nameRoots(
    rows: Rows,
    key: string,
    { by, nowMs }: { readonly by: string; readonly nowMs: number },
  ): Promise<void> {
    const keeper = await rows.resources.lock(key)
    if (!keeper || !isSettled(keeper)) return
    if ((await rows.work.unfinishedOf(key)).length > 0) return
    const rooted = await rows.placements.rootsOf(key)
    const images = new Set(contentOf(keeper.status).map(({ image }) => image))
    const keys = new Map<SpaceId, string>()
    for (const placement of await rows.placements.ofKeepers([key])) {
      const { space, image } = placement
      const isRooted = rooted.some((one) => one.space === space && one.image === image)
      if (isRooted || !images.has(image)) continue
      const root = keys.get(space) ?? `roots/${world.id()}`
      keys.set(space, root)
      await rows.placements.seal({ placement, owner: workOwner(by), holdings: [], root })
    }
    const wanted = [...keys].map(([space, root]) => ({ space, root, keeper: key }))
    if (wanted.length > 0) await rows.work.request(wanted.map(mendRootRequest), nowMs)
  }

  return { kind: 'RootPins', isRecurring: true, steps: { look } }
}

/** The roots of a version are written where it wants to lie, by the work that brings it there. */
function isSettled(keeper: ResourceRow): boolean {
  return isFinal(keeper.state) && !isVersion(keeper)
}
