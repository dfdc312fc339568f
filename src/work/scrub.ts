import { openLru } from '../base/lru.ts'
import { Unavailable } from '../domain/errors.ts'
import { mendRootRequest } from '../domain/health-work.ts'
import type { Holding } from '../domain/holdings.ts'
import { sizes } from '../domain/limits.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { readRoot } from '../regions/roots.ts'
import { scrub } from '../regions/scrub.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { isRootOf } from './mend-root.ts'
import type { WorkPorts } from './ports.ts'
import { repairRequest } from './repair.ts'

/** Where nothing is due. */
const restMs = 60_000
const emptyRestMs = 600_000
const shortestMs = 250
/** One turn reads about this at most: then others get theirs, and what was seen is durable. */
const turnBytesMax = 64 * sizes.mib
const turnRows = 32
/** What could not be mended is tried again after this. */
const triedAgainMs = 30 * 60_000

/** How far the roots of a space were looked at, and when all of them were last. */
type Round = { readonly after: string; readonly doneMs: number }
type Rounds = Readonly<Record<SpaceId, Round>>

type Turn = { readonly beforeMs: number; readonly nowMs: number; readonly signal: AbortSignal }

/**
 * Looks at every pack and every root of a region again and again, those first that were seen good longest ago, at a bounded
 * rate; it goes on where it was, whatever happened meanwhile. What it finds bad it has mended.
 */
export function scrubRegion(ports: WorkPorts): Work {
  const { store, plane, world, health } = ports
  const triedMs = openLru<number, number>(4096)

  async function look({ row, state, signal }: Running): Promise<Outcome> {
    const isHere = (space: SpaceId) => parseSpaceId(space)?.region === row.subject
    const spaces = (await store.holdings.spaces()).filter(isHere)
    if (spaces.length === 0) return { is: 'wait', state: {}, forMs: atMost(emptyRestMs) }
    const waitMs = health.pace.waitMs()
    if (waitMs > 0) return { is: 'wait', state, forMs: waitMs }
    const nowMs = await store.nowMs()
    const turn = { nowMs, beforeMs: nowMs - health.everyMs, signal }
    const known = roundsIn(state.rounds)
    for (const space of inTurn(spaces, String(state.space ?? ''))) {
      signal.throwIfAborted()
      const found = await unlessAway(space, () => lookIn(space, known[space] ?? unlooked, turn))
      if (!found?.isMore) continue
      health.pace.spent(found.bytes)
      const rounds = { ...known, [space]: found.round }
      return { is: 'wait', state: { space, rounds }, forMs: Math.max(1, health.pace.waitMs()) }
    }
    return { is: 'wait', state, forMs: atMost(restMs) }
  }

  function atMost(forMs: number): number {
    return Math.max(shortestMs, Math.min(forMs, health.everyMs))
  }

  /** One turn in one space. `isMore`: there was something to do. */
  async function lookIn(space: SpaceId, round: Round, turn: Turn) {
    await askAgain(await store.holdings.badIn(space, 0, turnRows), turn.nowMs)
    const due = upTo(turnBytesMax, await store.holdings.due(space, turn.beforeMs, turnRows))
    const { bytes, bad } = await scrub(plane, { holdings: due, signal: turn.signal })
    const left = bad.filter(({ repaired }) => repaired !== 'repaired')
    await askAgain(
      left.map(({ holding }) => holding),
      turn.nowMs,
    )
    if (bad.length > 0) {
      const facts = { space, found: bad.length, left: left.length }
      world.log({ level: 'warn', event: 'scrub-found-damage', ...facts })
    }
    const isRoundDue = round.doneMs < turn.beforeMs
    const next = isRoundDue ? await lookAtRoots(space, round, turn) : round
    return { bytes, round: next, isMore: due.length > 0 || isRoundDue }
  }

  /** A bad pack is not asked for at every turn: what had no good copy just now has none now. */
  async function askAgain(holdings: readonly Holding[], nowMs: number): Promise<void> {
    const stale = ({ id }: Holding) => nowMs - (triedMs.get(id) ?? -Infinity) >= triedAgainMs
    const wanted = holdings.filter(stale)
    if (wanted.length === 0) return
    for (const { id } of wanted) triedMs.set(id, nowMs)
    await store.write((rows) => rows.work.request(wanted.map(repairRequest), nowMs))
  }

  async function lookAtRoots(space: SpaceId, round: Round, turn: Turn): Promise<Round> {
    const page = await store.read.placements.rootsIn(space, round.after, turnRows)
    const last = page.at(-1)
    if (!last) return { after: '', doneMs: turn.nowMs }
    const keepers = await store.read.resources.getManyAny(page.map(({ keeper }) => keeper))
    for (const { root, keeper } of page) {
      const row = keepers.find(({ key }) => key === keeper)
      const found = row && (await readRoot(plane.blobsOf(space), root, turn.signal))
      if (!row || isRootOf(found, row)) continue
      world.log({ level: 'warn', event: 'root-bad', space, root, keeper })
      const request = mendRootRequest({ space, root, keeper })
      await store.write((rows) => rows.work.request([request], turn.nowMs))
    }
    return { after: last.root, doneMs: round.doneMs }
  }

  /** A space that is away, or is being made anew, does not keep the others unseen. */
  async function unlessAway<Found>(
    space: SpaceId,
    act: () => Promise<Found>,
  ): Promise<Found | undefined> {
    const row = await store.read.spaces.get(space)
    if (row && row.state !== 'here' && row.state !== 'unseen') return undefined
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      world.log({ level: 'debug', event: 'scrub-waits', space, error: error.message })
      return undefined
    }
  }

  return { kind: 'Scrub', isRecurring: true, steps: { look } }
}

const unlooked: Round = { after: '', doneMs: 0 }

function roundsIn(kept: Json | undefined): Rounds {
  // As a turn before wrote them.
  return (kept ?? {}) as JsonObject as Rounds
}

/** All of them, beginning behind the one that had the last turn. */
function inTurn(spaces: readonly SpaceId[], last: string): readonly SpaceId[] {
  return [...spaces.filter((space) => space > last), ...spaces.filter((space) => space <= last)]
}

function upTo(bytesMax: number, holdings: readonly Holding[]): readonly Holding[] {
  let bytes = 0
  return holdings.filter(({ sizeBytes }, at) => {
    bytes += sizeBytes
    return at === 0 || bytes <= bytesMax
  })
}
