import type { Interval, Move } from '../domain/ledger.ts'
import { sizes } from '../domain/limits.ts'
import type { Prices } from './prices.ts'

/** What lines of a bill may be of. */
export const billedBy = [
  'version',
  'definition',
  'gallery',
  'resourceGroup',
  'region',
  'storageType',
] as const
export type BilledBy = (typeof billedBy)[number]

/** A calendar month, UTC: from its first millisecond until before the next one's. */
export type Month = { readonly name: string; readonly fromMs: number; readonly untilMs: number }

/** What somebody pays for; a GB is 1024³ bytes. */
export type Charge = {
  readonly storage: {
    /** Occupied size × replicas, summed over regions, for the part of the month that it existed. */
    readonly gbMonths: number
    readonly cost: number
    /** At the end of the month or, in this one, now. */
    readonly replicas: number
    readonly billedBytes: number
  }
  readonly egress: { readonly gb: number; readonly cost: number }
  readonly cost: number
  /** Stored bytes that really crossed regions. */
  readonly movedBytes: number
}

export type Bill = {
  readonly total: Charge
  /** Dearest first. */
  readonly lines: readonly (Charge & { readonly name: string })[]
  /** What could not be priced, in sentences. */
  readonly notes: readonly string[]
}

/** `2026-11`; undefined for what is no month. */
export function parseMonth(text: string): Month | undefined {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? []
  if (year === undefined) return undefined
  const [fromMs, untilMs] = [0, 1].map((more) => Date.UTC(Number(year), Number(month) - 1 + more))
  return fromMs === undefined || untilMs === undefined ? undefined : { name: text, fromMs, untilMs }
}

export function monthOf(nowMs: number): Month {
  const name = new Date(nowMs).toISOString().slice(0, 7)
  return parseMonth(name) ?? { name, fromMs: nowMs, untilMs: nowMs }
}

type Line = {
  gbMonths: number
  storageCost: number
  replicas: number
  billedBytes: number
  egressGb: number
  egressCost: number
  movedBytes: number
}

/**
 * Adds up what existed and what moved in a month (requirements 96-100): storage as occupied size × replicas in each region, for as long
 * as it existed; egress for the first copy into each other region. What has no price costs nothing, and is told. Pure.
 */
export function openBill(options: {
  readonly month: Month
  readonly nowMs: number
  readonly prices: Prices
  readonly by: BilledBy | undefined
}) {
  const { month, nowMs, prices, by } = options
  const total = emptyLine()
  const lines = new Map<string, Line>()
  const unpriced = new Set<string>()
  const changesMs = prices.changesMs.filter((at) => at > month.fromMs && at < month.untilMs)

  function linesOf(name: string | undefined): Line[] {
    if (name === undefined) return [total]
    const line = lines.get(name) ?? emptyLine()
    lines.set(name, line)
    return [total, line]
  }

  function addInterval(interval: Interval): void {
    const { region, storageType, replicas, occupiedBytes } = interval
    const endMs = Math.min(month.untilMs, nowMs)
    const untilMs = Math.min(interval.untilMs ?? endMs, endMs)
    const lastedMs = untilMs - Math.max(interval.sinceMs, month.fromMs)
    const isThere = (interval.untilMs === undefined || interval.untilMs > endMs) && lastedMs >= 0
    if (lastedMs <= 0 && !isThere) return
    const gb = (occupiedBytes * replicas) / sizes.gib
    let [gbMonths, storageCost] = [0, 0]
    for (const part of partsOf(untilMs - Math.max(0, lastedMs), untilMs)) {
      const price = prices.at(part.fromMs).storage(region, storageType)
      if (price === undefined) unpriced.add(`storage of ${storageType} in ${region}`)
      const partOfMonth = (part.untilMs - part.fromMs) / (month.untilMs - month.fromMs)
      gbMonths += gb * partOfMonth
      storageCost += gb * partOfMonth * (price ?? 0)
    }
    for (const line of linesOf(nameOf(interval, by))) {
      line.gbMonths += gbMonths
      line.storageCost += storageCost
      if (!isThere) continue
      line.replicas += replicas
      line.billedBytes += occupiedBytes * replicas
    }
  }

  /** A time, cut where prices change in it. */
  function partsOf(fromMs: number, untilMs: number) {
    const cuts = changesMs.filter((atMs) => atMs > fromMs && atMs < untilMs)
    return [fromMs, ...cuts].map((from, at) => ({ fromMs: from, untilMs: cuts[at] ?? untilMs }))
  }

  function addMove(move: Move): void {
    const gb = move.billedBytes / sizes.gib
    const price = prices.at(move.atMs).egress(move.from, move.region)
    if (price === undefined && gb > 0) unpriced.add(`egress from ${move.from}`)
    for (const line of linesOf(nameOf(move, by))) {
      line.egressGb += gb
      line.egressCost += gb * (price ?? 0)
      line.movedBytes += move.movedBytes
    }
  }

  function end(): Bill {
    const named = [...lines].map(([name, line]) => ({ name, ...chargeOf(line) }))
    const days = changesMs.map((at) => new Date(at).toISOString().slice(0, 10))
    const notes = [
      ...days.map((day) => `Prices change on ${day}: what was before has those of before.`),
      ...[...unpriced].map(
        (what) =>
          `The price list has no price for ${what}: it counts as 0. Add it to the list that the setting prices names.`,
      ),
    ]
    return {
      total: chargeOf(total),
      lines: named.toSorted(
        (one, other) => other.cost - one.cost || (one.name < other.name ? -1 : 1),
      ),
      notes,
    }
  }

  return { addInterval, addMove, end }
}

function emptyLine(): Line {
  return {
    ...{ gbMonths: 0, storageCost: 0, replicas: 0, billedBytes: 0 },
    ...{ egressGb: 0, egressCost: 0, movedBytes: 0 },
  }
}

function chargeOf(line: Line): Charge {
  const { replicas, billedBytes, movedBytes } = line
  return {
    storage: {
      gbMonths: rounded(line.gbMonths),
      cost: rounded(line.storageCost),
      replicas,
      billedBytes,
    },
    egress: { gb: rounded(line.egressGb), cost: rounded(line.egressCost) },
    cost: rounded(line.storageCost + line.egressCost),
    movedBytes,
  }
}

/** Nine decimals: a GB for a few milliseconds is still seen. */
export function rounded(number: number): number {
  return Math.round(number * 1e9) / 1e9
}

/** `/subscriptions/…/galleries/g/images/d/versions/v`, or as much of it as the line is of. */
function nameOf(
  row: Pick<Interval, 'versionId' | 'region'> & { readonly storageType?: string },
  by: BilledBy | undefined,
): string | undefined {
  const segments = row.versionId.split('/')
  switch (by) {
    case undefined:
      return undefined
    case 'version':
      return row.versionId
    case 'definition':
      return segments.slice(0, -2).join('/')
    case 'gallery':
      return segments.slice(0, -4).join('/')
    case 'resourceGroup':
      return segments.slice(0, 5).join('/')
    case 'region':
      return row.region
    case 'storageType':
      // Egress has none.
      return row.storageType ?? 'egress'
  }
}
