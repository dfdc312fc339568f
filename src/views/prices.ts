import { z } from 'zod'
import { type RegionName, regionName } from '../domain/regions.ts'
import { type StorageType, storageTypes } from '../domain/spaces.ts'

const Price = z.number().min(0)

/** A price list: what a GB (1024³ bytes) costs, by the names of regions in any spelling. */
export const PriceList = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, 'a currency is three letters, as USD'),
  /** What people are told of it: whose prices these are, and of when. */
  about: z.string().default(''),
  /** Where the prices come from. */
  links: z.array(z.url({ protocol: /^https?$/ })).default([]),
  /** One replica of a GB for a month. */
  storage: z.record(z.string(), z.partialRecord(z.enum(storageTypes), Price)),
  /** A GB that leaves the region for another one; `to` names those that cost something else. */
  egress: z.record(
    z.string(),
    z.union([Price, z.strictObject({ price: Price, to: z.record(z.string(), Price).default({}) })]),
  ),
})
export type PriceList = z.output<typeof PriceList>

export type Prices = Pick<PriceList, 'currency' | 'about' | 'links'> & {
  /** Undefined: the list has none. */
  storage(region: RegionName, storageType: StorageType): number | undefined
  egress(from: RegionName, to: RegionName): number | undefined
}

export function openPrices({ storage, egress, ...list }: PriceList): Prices {
  const stored = byRegion(storage)
  const moved = byRegion(egress)
  return {
    ...list,
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
