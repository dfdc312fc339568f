import { verifyKey } from '../domain/health-work.ts'
import { imageOwner } from '../domain/holdings.ts'
import { sizes } from '../domain/limits.ts'
import type { JsonObject, WorkRow } from '../domain/rows.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { scrub } from '../regions/scrub.ts'
import type { Failed, Outcome, Running, Work } from '../runner/work.ts'
import type { Rows, Store } from '../store/store.ts'
import { healImages, imagesOn } from './heal.ts'
import type { WorkPorts } from './ports.ts'
import { waitLonger } from './wait-longer.ts'

const turnBytesMax = 64 * sizes.mib

/** Has each region look at its own replicas, and ends the operations when all have. */
export function verify({ store }: WorkPorts): Work {
  async function ask({ row, write }: Running): Promise<Outcome> {
    const { key, region } = subjectOf(row)
    const regions = await regionsOf(store, key)
    const wanted = regions.filter((one) => region === '*' || one === region)
    const nowMs = await store.nowMs()
    const { generation, correlationId, trace } = row
    await write((rows) =>
      rows.work.request(
        wanted.map((one) => ({
          kind: 'VerifyRegion',
          subject: `${key}@${one}`,
          queue: `region:${one}`,
          generation,
          key,
          correlationId,
          trace,
        })),
        nowMs,
      ),
    )
    return { is: 'next', state: { regions: wanted } }
  }

  async function end({ row, state, write }: Running): Promise<Outcome> {
    const { key, region } = subjectOf(row)
    const wanted = new Set(namesIn(state).map((one) => `${key}@${one}`))
    const unfinished = await store.read.work.unfinishedOf(key)
    if (unfinished.some(({ kind, subject }) => kind === 'VerifyRegion' && wanted.has(subject))) {
      return waitLonger(state, 'regions')
    }
    const endedMs = await store.nowMs()
    await write((rows) => finish(rows, row, { status: 'Succeeded', error: undefined, endedMs }))
    return { is: 'done' }

    function namesIn({ regions }: JsonObject): readonly string[] {
      return Array.isArray(regions) ? regions.map(String) : [region]
    }
  }

  const failed: Failed = async (rows, row, { problem: { code, message }, nowMs }) =>
    finish(rows, row, { status: 'Failed', error: { code, message }, endedMs: nowMs })

  async function stopped(rows: Rows, row: WorkRow): Promise<void> {
    const error = { code: 'OperationPreempted', message: 'The resource is being deleted.' }
    await finish(rows, row, { status: 'Canceled', error, endedMs: row.wakeMs })
  }

  return { kind: 'Verify', steps: { ask, end }, failed, stopped }
}

/**
 * Looks at every pack that the resource needs in one region and has mended what is bad. Somebody waits: it does not keep to
 * the rate of scrubs, but gives others their turn after each page.
 */
export function verifyRegion(ports: WorkPorts): Work {
  const { store, plane } = ports

  async function look({ row, state, signal }: Running): Promise<Outcome> {
    const all = await holdingsOf(row)
    const rest = all.filter(({ id }) => id > Number(state.after ?? 0))
    let bytes = 0
    const page = rest.filter(({ sizeBytes }, at) => {
      bytes += sizeBytes
      return at === 0 || bytes <= turnBytesMax
    })
    const last = page.at(-1)
    if (!last) return { is: 'next', state: {} }
    await scrub(plane, { holdings: page, signal })
    signal.throwIfAborted()
    return { is: 'wait', state: { after: last.id }, forMs: 1 }
  }

  async function mend(running: Running): Promise<Outcome> {
    const holdings = await holdingsOf(running.row)
    const bad = await store.holdings.badAmong(holdings.map(({ id }) => id))
    const left = holdings.filter(({ id }) => bad.has(id))
    for (const [space, some] of Map.groupBy(left, ({ space }) => space)) {
      await healImages(ports, running, { space, images: await imagesOn(ports, some) })
    }
    return { is: 'done' }
  }

  async function holdingsOf(row: WorkRow) {
    const { key, region } = subjectOf(row)
    const placed = await store.read.placements.ofKeepers([key])
    const found = new Map<number, Awaited<ReturnType<typeof store.holdings.heldBy>>[number]>()
    for (const { space, image } of placed.filter((one) => regionOf(one.space) === region)) {
      for (const holding of await store.holdings.heldBy(imageOwner(space, image))) {
        found.set(holding.id, holding)
      }
    }
    return [...found.values()].sort((one, other) => one.id - other.id)
  }

  return { kind: 'VerifyRegion', steps: { look, mend } }
}

type Ending = Omit<Parameters<Rows['operations']['finish']>[1], 'output'>

async function finish(rows: Rows, row: WorkRow, end: Ending): Promise<void> {
  const { key, region } = subjectOf(row)
  const about = verifyKey(key, region === '*' ? undefined : region)
  for (const { id } of await rows.operations.unfinishedOf(about)) {
    await rows.operations.finish(id, { ...end, output: undefined })
  }
}

async function regionsOf(store: Store, key: string): Promise<readonly string[]> {
  const placed = await store.read.placements.ofKeepers([key])
  return [...new Set(placed.map(({ space }) => regionOf(space)))]
}

function regionOf(space: SpaceId): string {
  return parseSpaceId(space)?.region ?? ''
}

function subjectOf(row: WorkRow): { readonly key: string; readonly region: string } {
  const at = row.subject.lastIndexOf('@')
  return { key: row.subject.slice(0, at), region: row.subject.slice(at + 1) }
}
