/** A region's canonical name: lower case, no spaces (`southcentralus`). */
export type RegionName = string & { readonly brand: 'RegionName' }

export type Region = {
  readonly name: RegionName
  /** As people and `targetRegions` say it: `South Central US`. */
  readonly displayName: string
  /** `1`, `2`, `3`, or none. Three zones are what Standard_ZRS needs. */
  readonly zones: readonly string[]
}

export type Regions = {
  readonly all: readonly Region[]
  /** By any spelling (`South Central US`, `southcentralus`, `SouthCentralUS`); undefined when not served. */
  find(text: string): Region | undefined
}

/** One spelling for all the ways a region is written. It need not exist. */
export function regionName(text: string): RegionName {
  return text.replace(/[\s_-]+/g, '').toLowerCase() as RegionName
}

export function sameRegion(one: string, other: string): boolean {
  return regionName(one) === regionName(other)
}

/** What a zone is called wherever `1` may be another one for each subscription, as `westus2-az1`. */
export function physicalZone({ name }: Region, zone: string): string {
  return `${name}-az${zone}`
}

export function openRegions(all: readonly Region[]): Regions {
  const byName = new Map(all.map((region) => [region.name, region]))
  return { all, find: (text) => byName.get(regionName(text)) }
}
