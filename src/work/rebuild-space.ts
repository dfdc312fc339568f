import { mapBounded } from '../base/bounded.ts'
import { Unavailable } from '../domain/errors.ts'
import { mendRootRequest, spaceKey } from '../domain/health-work.ts'
import type { Holding } from '../domain/holdings.ts'
import type { Problem } from '../domain/problem.ts'
import type { JsonObject } from '../domain/rows.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { readRoot } from '../regions/roots.ts'
import { damageOf } from '../regions/scrub.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows } from '../store/store.ts'
import { healImages, imagesOn } from './heal.ts'
import type { WorkPorts } from './ports.ts'
import { waitLonger } from './wait-longer.ts'

/** What one turn takes: between two turns others get theirs, and what was done is durable. */
const pageRows = 32
const rootsAtOnce = 8
/** How long the roots may take, in looks; those of resources that are being changed come when that is over. */
const rootLooksMax = 600
const losersTold = 100

/**
 * Makes a lost space anew at its place and fills it from all others: packs byte for byte where one has them whole, what
 * images need of the rest chunk by chunk, then the roots. What is there already is checked and stays. What nothing else
 * has is told, and the rest is made complete.
 */
export function rebuildSpace(ports: WorkPorts): Work {
  const { store, plane, world, places } = ports

  /** Named before it is made: whatever dies in between, the store that is made is the one that is recorded. */
  async function plan({ row, write }: Running): Promise<Outcome> {
    const space = row.subject as SpaceId
    const seen = await places.look(space)
    if (seen.is === 'other' || (seen.is === 'store' && !seen.isOurs)) {
      return { is: 'failed', problem: occupied(seen.place) }
    }
    const storeId = world.id()
    const { place, mount } = seen
    const sinceMs = await store.nowMs()
    const accounts = seen.is === 'empty' ? await store.read.blobs.accountsIn(space, losersTold) : []
    await write(async (rows) => {
      const known = await rows.spaces.lock(space)
      const state = 'rebuilding'
      const why = lostBlobs(accounts) ?? (known.state === state ? known.why : undefined)
      await rows.spaces.put({ ...known, storeId, place, mount, state, sinceMs, why })
    })
    world.log({ level: 'warn', event: 'space-rebuild', space, place, found: seen.is })
    return { is: 'next', state: { storeId } }
  }

  async function make({ row, state }: Running): Promise<Outcome> {
    await places.make(row.subject as SpaceId, String(state.storeId))
    return { is: 'next', state: { after: 0 } }
  }

  async function fill({ row, state, signal }: Running): Promise<Outcome> {
    const space = row.subject as SpaceId
    const page = await store.holdings.liveAfter(space, Number(state.after), pageRows)
    const last = page.at(-1)
    if (!last) return { is: 'next', state: { after: 0 } }
    const missing: Holding[] = []
    await mapBounded(page, plane.lanes.count, async (holding) => {
      signal.throwIfAborted()
      if (!(await putBack(holding))) missing.push(holding)
    })
    return { is: 'wait', state: { after: last.id }, forMs: 0 }
  }

  /** False: nothing that can be reached has the pack whole. */
  async function putBack(holding: Holding): Promise<boolean> {
    const before = await store.holdings.timesBad([holding.id])
    const why = await damageOf(plane, holding)
    if (why === undefined) {
      await store.holdings.foundGood([holding.id], before)
      return true
    }
    const how = { why, again: true, isExpected: true }
    const repaired = await plane.repair(holding, how)
    return repaired === 'repaired' || repaired === 'gone'
  }

  /** What no space has whole, or none that can be reached: image by image. */
  async function heal(running: Running): Promise<Outcome> {
    const { row, state } = running
    const space = row.subject as SpaceId
    const page = await store.holdings.badIn(space, Number(state.after), pageRows)
    const last = page.at(-1)
    if (!last) return { is: 'next', state: { after: '' } }
    const images = await imagesOn(ports, page)
    try {
      await healImages(ports, running, { space, images })
    } catch (error) {
      if (running.signal.aborted || !(error instanceof Unavailable)) throw error
      // What has it may come back: scrubs ask again, and the rest is filled meanwhile.
      world.log({ level: 'warn', event: 'heal-waits', space, error: error.message })
    }
    return { is: 'wait', state: { after: last.id }, forMs: 0 }
  }

  async function roots({ row, state, signal, write }: Running): Promise<Outcome> {
    const space = row.subject as SpaceId
    const after = String(state.after)
    const page = await store.read.placements.rootsIn(space, after, pageRows)
    const last = page.at(-1)
    if (!last) return { is: 'next', state: { after: '', looks: 0 } }
    const wanted = await missingRoots(page, { space, signal })
    const nowMs = await store.nowMs()
    await write((rows) => rows.work.request(wanted.map(mendRootRequest), nowMs))
    return { is: 'wait', state: { after: last.root }, forMs: 0 }
  }

  async function missingRoots(
    page: readonly { readonly root: string; readonly keeper: string }[],
    { space, signal }: { readonly space: SpaceId; readonly signal: AbortSignal },
  ) {
    const found = await mapBounded(page, rootsAtOnce, async ({ root, keeper }) => {
      const there = await readRoot(plane.blobsOf(space), root, signal)
      return there === undefined || there === 'bad' ? [{ space, root, keeper }] : []
    })
    return found.flat()
  }

  /** Roots are written by rows of their own: until all of them are there, or will not be for a while. */
  async function settle({ row, state, signal, write }: Running): Promise<Outcome> {
    const space = row.subject as SpaceId
    const looks = Number(state.looks) + 1
    const unwritten = await firstUnwritten(space, String(state.after), signal)
    if (unwritten && looks < rootLooksMax) {
      const { seen, waitedMs } = state
      const kept = { after: unwritten.before, looks, ...(seen !== undefined && { seen, waitedMs }) }
      return waitLonger(kept as JsonObject, unwritten.root)
    }
    const losers = await store.read.health.losersIn(space, losersTold)
    const nowMs = await store.nowMs()
    const why = await write(async (rows) => {
      const known = await rows.spaces.lock(space)
      const state = 'here'
      await rows.spaces.put({ ...known, state, sinceMs: nowMs })
      await finish(rows, space, nowMs, {
        status: 'Succeeded',
        error: undefined,
      })
      return known.why
    })
    const level = losers.length > 0 || why !== undefined ? 'error' : 'warn'
    world.log({ level, event: 'space-rebuilt', space, lost: losers, why })
    return { is: 'done' }
  }

  /** The first root that is to be there and is not, and where to go on from. */
  async function firstUnwritten(space: SpaceId, from: string, signal: AbortSignal) {
    const lost = new Set(await store.read.health.losersIn(space, 10_000))
    let before = from
    for (;;) {
      const page = await store.read.placements.rootsIn(space, before, pageRows)
      const last = page.at(-1)
      if (!last) return undefined
      const kept = page.filter(({ keeper }) => !lost.has(keeper))
      const [first] = await missingRoots(kept, { space, signal })
      if (first) return { root: first.root, before }
      before = last.root
    }
  }

  const failed: Failed = async (rows, row, { problem, nowMs }) => {
    const space = row.subject as SpaceId
    const known = await rows.spaces.lock(space)
    // The next look says what it is.
    const state = known.state === 'rebuilding' ? 'away' : known.state
    await rows.spaces.put({ ...known, state, sinceMs: nowMs, why: problem.message })
    const error = { code: problem.code, message: problem.message }
    await finish(rows, space, nowMs, { status: 'Failed', error })
  }

  const steps = { plan, make, fill, heal, roots, settle }
  return { kind: 'RebuildSpace', steps, failed }
}

type Ending = Pick<Parameters<Rows['operations']['finish']>[1], 'status' | 'error'>

async function finish(rows: Rows, space: SpaceId, endedMs: number, end: Ending): Promise<void> {
  for (const { id } of await rows.operations.unfinishedOf(spaceKey(space))) {
    await rows.operations.finish(id, { ...end, output: undefined, endedMs })
  }
}

/** Blobs have one copy: what lay at a place that is empty now is gone. */
function lostBlobs(accounts: readonly string[]): string | undefined {
  if (accounts.length === 0) return undefined
  const names = accounts.map((key) => key.slice(key.lastIndexOf('/') + 1))
  return `it was made anew, and the blobs of these storage accounts that lay here are lost: ${names.join(', ')}`
}

function occupied(place: string): Problem {
  const message = `${place} has files that are none of this space's. Empty it, or give the space another place (setting spaces).`
  return { code: 'Conflict', message }
}
