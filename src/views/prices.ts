import { z } from 'zod'
import { type RegionName, regionName } from '../domain/regions.ts'
import { type StorageType, storageTypes } from '../domain/spaces.ts'

const Price = z.number().min(0)

/** Of each region once, in whichever spelling: of two prices nobody knows which is meant. */
function ofRegions<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).check(({ value: named, issues }) => {
    const spelt = new Map<RegionName, string>()
    for (const name of Object.keys(named)) {
      const first = spelt.get(regionName(name))
      spelt.set(regionName(name), name)
      if (first === undefined) continue
      const message = `'${name}' and '${first}' are one region: keep one of them`
      issues.push({ code: 'custom', message, input: named, path: [name] })
    }
  })
}

const Tariff = {
  /** One replica of a GB for a month. */
  storage: ofRegions(z.partialRecord(z.enum(storageTypes), Price)),
  /** A GB that leaves the region for another one; `to` names those that cost something else. */
  egress: ofRegions(
    z.union(
      [Price, z.strictObject({ price: Price, to: ofRegions(Price).default({}) })],
      'a price is a number such as 0.05, or { "price": 0.05, "to": { "northeurope": 0.02 } }',
    ),
  ),
}

/** A price list: what a GB (1024³ bytes) costs, by the names of regions in any spelling. */
export const PriceList = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, 'a currency is three letters, as USD'),
  /** What people are told of it: whose prices these are, and of when. */
  about: z.string().default(''),
  /** Where the prices come from. */
  links: z.array(z.url({ protocol: /^https?$/ })).default([]),
  ...Tariff,
  /** From the beginning of a day on, UTC, these prices are in place of those before; others stay. */
  changes: z
    .array(
      z.strictObject({
        from: z.iso.date(),
        storage: Tariff.storage.default({}),
        egress: Tariff.egress.default({}),
      }),
    )
    .refine((changes) => new Set(changes.map(({ from }) => from)).size === changes.length, {
      message: 'two changes are of one day: put their prices into one',
    })
    .default([]),
})
export type PriceList = z.output<typeof PriceList>

/** What a GB costs at one time. Undefined: the list has no price for it. */
export type Tariff = {
  storage(region: RegionName, storageType: StorageType): number | undefined
  egress(from: RegionName, to: RegionName): number | undefined
}

export type Prices = Pick<PriceList, 'currency' | 'about' | 'links'> & {
  /** Epoch milliseconds at which prices change, ascending. */
  readonly changesMs: readonly number[]
  at(timeMs: number): Tariff
}

export function openPrices({ storage, egress, changes, ...list }: PriceList): Prices {
  let stored = byRegion(storage)
  let moved = byRegion(egress)
  const first = tariffOf(stored, moved)
  const later: { readonly fromMs: number; readonly tariff: Tariff }[] = []
  for (const change of changes.toSorted((one, other) => (one.from < other.from ? -1 : 1))) {
    const added = [...byRegion(change.storage)].map(
      ([region, types]) => [region, { ...stored.get(region), ...types }] as const,
    )
    stored = new Map([...stored, ...added])
    moved = new Map([...moved, ...byRegion(change.egress)])
    later.push({ fromMs: Date.parse(change.from), tariff: tariffOf(stored, moved) })
  }
  return {
    ...list,
    changesMs: later.map(({ fromMs }) => fromMs),
    at: (timeMs) => later.findLast(({ fromMs }) => fromMs <= timeMs)?.tariff ?? first,
  }
}

function tariffOf(
  stored: ReadonlyMap<RegionName, PriceList['storage'][string]>,
  moved: ReadonlyMap<RegionName, PriceList['egress'][string]>,
): Tariff {
  return {
    storage: (region, storageType) => stored.get(region)?.[storageType],
    egress(from, to) {
      const price = moved.get(from)
      if (typeof price !== 'object') return price
      return byRegion(price.to).get(to) ?? price.price
    },
  }
}

function byRegion<Value>(named: Readonly<Record<string, Value>>): Map<RegionName, Value> {
  return new Map(Object.entries(named).map(([name, value]) => [regionName(name), value]))
}
