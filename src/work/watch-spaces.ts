import { Unavailable } from '../domain/errors.ts'
import type { SpaceRow } from '../domain/health.ts'
import { rebuildRequest } from '../domain/health-work.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import type { HealthPorts, WorkPorts } from './ports.ts'
import { type Verdict, verdictOf } from './space-verdict.ts'

/** How often a region looks whether its spaces are there: as often as it takes to be in time. */
export function lookEveryMs({ rebuildAfterMs }: Pick<HealthPorts, 'rebuildAfterMs'>): number {
  return Math.min(
    30_000,
    Math.max(250, Math.round((rebuildAfterMs ?? Number.POSITIVE_INFINITY) / 10)),
  )
}

/**
 * Looks whether the spaces of a region are there and what they should be, keeps it in rows, and has those made anew that
 * are gone for good: at once where nothing lay, after `rebuildAfterMs` where something did.
 */
export function watchSpaces(ports: WorkPorts): Work {
  const { store, plane, world, health, places } = ports

  async function lookAll({ row, state, signal }: Running): Promise<Outcome> {
    const isHere = (space: SpaceId) => parseSpaceId(space)?.region === row.subject
    const withBlobs = await store.read.blobs.spaces()
    const held = [...(await store.holdings.spaces()), ...withBlobs].filter(isHere)
    const known = (await store.read.spaces.all()).map(({ space }) => space).filter(isHere)
    for (const space of new Set([...held, ...known])) {
      signal.throwIfAborted()
      await lookAt(space, held.includes(space))
    }
    return { is: 'wait', state, forMs: lookEveryMs(health) }
  }

  async function lookAt(space: SpaceId, hasContent: boolean): Promise<void> {
    const row = await store.read.spaces.get(space)
    if (!row || row.state === 'rebuilding') return
    const verdict = await judge(row)
    // The start of a process takes it up.
    if (verdict.state === 'unseen') return
    const nowMs = await store.nowMs()
    // What a space that was made anew has lost stays told.
    const why = verdict.state === 'here' && row.state === 'here' ? row.why : verdict.why
    if (verdict.state !== row.state || why !== row.why) await keep(row, verdict, nowMs)
    const sinceMs = verdict.state === row.state ? row.sinceMs : nowMs
    if (isForgood(verdict, { sinceMs, nowMs, hasContent })) {
      await store.write((rows) => rows.work.request([rebuildRequest(space)], nowMs))
    }
  }

  async function judge(row: SpaceRow): Promise<Verdict> {
    try {
      const seen = await places.look(row.space)
      const verdict = verdictOf(row, seen)
      if (verdict.state !== 'bare') return verdict
      return (await hasOurs(row.space)) ? verdict : { ...verdict, state: 'gone' }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      return { state: 'away', why: error.message }
    }
  }

  /** Keys of packs are used once ever: one that is there says whose blobs these are. */
  async function hasOurs(space: SpaceId): Promise<boolean> {
    const some = await store.holdings.liveAfter(space, 0, samples)
    const signal = AbortSignal.timeout(60_000)
    for (const { key } of some) {
      // Where there is no store, only what is there is told.
      const size = await plane.blobsOf(space).size(key, signal).catch(undefinedWhenAway)
      if (size !== undefined) return true
    }
    return false
  }

  async function keep(row: SpaceRow, { state, why }: Verdict, nowMs: number): Promise<void> {
    const isChange = state !== row.state
    await store.write(async (rows) => {
      const now = await rows.spaces.lock(row.space)
      if (now.state !== row.state) return
      await rows.spaces.put({ ...now, state, why, sinceMs: isChange ? nowMs : now.sinceMs })
    })
    if (!isChange) return
    const level = state === 'here' ? 'info' : 'error'
    world.log({ level, event: `space-${state}`, space: row.space, why })
  }

  function isForgood(
    { state }: Verdict,
    at: { readonly sinceMs: number; readonly nowMs: number; readonly hasContent: boolean },
  ): boolean {
    const { rebuildAfterMs } = health
    if (rebuildAfterMs === undefined) return false
    if (state === 'bare') return true
    return state === 'gone' && (!at.hasContent || at.nowMs - at.sinceMs >= rebuildAfterMs)
  }

  return { kind: 'WatchSpaces', isRecurring: true, steps: { lookAll } }
}

const samples = 8

function undefinedWhenAway(error: unknown): undefined {
  if (error instanceof Unavailable) return undefined
  throw error
}
