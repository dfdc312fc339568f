import type { Digest } from '../domain/digest.ts'
import { sizes } from '../domain/limits.ts'
import { type RegionName, regionName } from '../domain/regions.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { parseSpaceId, replicaSpaces, type SpaceId } from '../domain/spaces.ts'
import { contentOf } from '../resources/content.ts'
import type { Settings } from '../resources/declaration.ts'
import { type WantedRegion, wantedRegions } from '../resources/image-version.ts'
import { pendingOf } from '../resources/pending-content.ts'
import type { Change } from '../store/change.ts'
import type { Rows } from '../store/store.ts'
import { rounded } from './bill.ts'
import type { Tariff } from './prices.ts'

/** Stored bytes that an image lacks in each space; undefined: that could not be found out in time. */
export type PlanCopy = (order: {
  readonly image: Digest
  readonly from: readonly SpaceId[]
  readonly to: readonly SpaceId[]
}) => Promise<readonly { readonly movedBytes: number }[] | undefined>

export type ForeseenVersion = {
  readonly before: ResourceRow | undefined
  /** Undefined: it goes. */
  readonly row: ResourceRow | undefined
  readonly keeps: Change['keeps']
}

type Ports = {
  readonly rows: Rows
  readonly settings: Settings
  readonly prices: Tariff
  readonly planCopy: PlanCopy
}

/** What changes in one region. Money and GB-months are those of a whole month, and may be less than nothing. */
export type ForeseenRegion = {
  readonly region: RegionName
  readonly displayName: string
  readonly storageAccountType: string
  readonly replicas: { readonly before: number; readonly after: number }
  /** Stored bytes that will be written there, in all spaces; and of them those that come from another region, each once. */
  readonly bytesToMove: number
  readonly bytesToCross: number
  /** False: these are bounds; it may be less. */
  readonly isExact: boolean
  readonly gbMonths: number
  readonly monthlyCost: number
  readonly egress: { readonly gb: number; readonly cost: number }
  /** By the pace of the latest copies into the region; null when nothing was copied there yet. */
  readonly estimatedSeconds: number | null
}

export type Forecast = {
  readonly regions: readonly ForeseenRegion[]
  readonly notes: readonly string[]
}

type Region = {
  readonly name: RegionName
  readonly was: WantedRegion | undefined
  readonly wanted: WantedRegion | undefined
}

/** What a write or a deletion of a version would move, store and cost, region by region (B9). */
export async function forecastVersion(ports: Ports, foreseen: ForeseenVersion): Promise<Forecast> {
  const { settings } = ports
  const { before, row } = foreseen
  const was = before ? wantedRegions(before.doc, settings) : []
  const wanted = row ? wantedRegions(row.doc, settings) : []
  const names = new Set([...wanted, ...was].map(({ region }) => region))
  const notes = new Set<string>()
  const regions: ForeseenRegion[] = []
  for (const name of names) {
    const region = {
      name,
      was: was.find((each) => each.region === name),
      wanted: wanted.find((each) => each.region === name),
    }
    regions.push(await forecastRegion(ports, foreseen, { region, notes }))
  }
  return { regions, notes: [...notes] }
}

async function forecastRegion(
  ports: Ports,
  foreseen: ForeseenVersion,
  { region, notes }: { readonly region: Region; readonly notes: Set<string> },
): Promise<ForeseenRegion> {
  const { settings, prices, rows } = ports
  const { name } = region
  const any = foreseen.row ?? foreseen.before
  const home = regionName(any?.region ?? '')
  const replicas = {
    before: (await isUsable(rows, foreseen.before, name)) ? (region.was?.replicas ?? 0) : 0,
    after: region.wanted?.replicas ?? 0,
  }
  const gb = occupiedBytes(any) / sizes.gib
  const storageType = region.wanted?.storageType ?? region.was?.storageType ?? 'Standard_LRS'
  const gbMonths = gb * (replicas.after - replicas.before)
  const price = prices.storage(name, storageType)
  if (price === undefined)
    notes.add(`The price list has no price for ${storageType} in ${name}: it counts as 0.`)
  const isFirst = name !== home && replicas.before === 0 && replicas.after > 0
  const egressGb = isFirst ? gb : 0
  const egressPrice = prices.egress(home, name)
  if (isFirst && egressPrice === undefined) {
    notes.add(`The price list has no price for egress from ${home}: it counts as 0.`)
  }
  const moved = await movesInto(ports, foreseen, { region, home, notes })
  const pace = moved.bytesToCross > 0 ? await rows.ledger.paceInto(name) : undefined
  return {
    region: name,
    displayName: settings.regions.find(name)?.displayName ?? name,
    storageAccountType: storageType,
    replicas,
    ...moved,
    gbMonths: rounded(gbMonths),
    monthlyCost: rounded(gbMonths * (price ?? 0)),
    egress: { gb: rounded(egressGb), cost: rounded(egressGb * (egressPrice ?? 0)) },
    estimatedSeconds: secondsOf(moved.bytesToCross, pace),
  }
}

async function isUsable(
  rows: Rows,
  row: ResourceRow | undefined,
  region: string,
): Promise<boolean> {
  if (!row) return false
  const replicas = await rows.replicas.of([row.key])
  return replicas.some((replica) => replica.region === region && replica.usable)
}

/** Of what is no image yet its size as it was told: a bound. */
function occupiedBytes(row: ResourceRow | undefined): number {
  if (!row) return 0
  const made = contentOf(row.status).reduce((sum, disk) => sum + disk.occupiedBytes, 0)
  return made + pendingBytes(row)
}

function pendingBytes(row: ResourceRow): number {
  return pendingOf(row).reduce(
    (sum, { from }) => sum + ('sizeBytes' in from ? from.sizeBytes : 0),
    0,
  )
}

type Moved = Pick<ForeseenRegion, 'bytesToMove' | 'bytesToCross' | 'isExact'>

async function movesInto(
  { rows, settings, planCopy }: Ports,
  { row, keeps }: ForeseenVersion,
  {
    region,
    home,
    notes,
  }: { readonly region: Region; readonly home: RegionName; readonly notes: Set<string> },
): Promise<Moved> {
  if (!row || !region.wanted) return { bytesToMove: 0, bytesToCross: 0, isExact: true }
  const sealed = await rows.placements.rootsOf(row.key)
  const to = spacesOf(settings, region.wanted).filter(
    (space) => !sealed.some((root) => root.space === space),
  )
  let [bytesToMove, bytesToCross] = [0, 0]
  let isExact = true
  for (const { image, occupiedBytes: bytes } of contentOf(row.status)) {
    if (to.length === 0) break
    const kept = keeps.filter((keep) => keep.image === image).map(({ space }) => space)
    const from = nearestFirst([...(await rows.placements.spacesOf(image)), ...kept], region.name)
    const plans = from.length > 0 ? await planCopy({ image, from, to }) : undefined
    const needed = plans?.map(({ movedBytes }) => movedBytes) ?? to.map(() => bytes)
    if (!plans) isExact = false
    bytesToMove += needed.reduce((sum, each) => sum + each, 0)
    const isHere = from.some((space) => parseSpaceId(space)?.region === region.name)
    if (!isHere) bytesToCross += Math.max(0, ...needed)
  }
  const pending = pendingBytes(row)
  if (pendingOf(row).length > 0) {
    isExact = false
    bytesToMove += pending * to.length
    if (region.name !== home) bytesToCross += pending
    notes.add(
      'Its source is no image here yet: bytes and GB-months are bounds by the size of the source.',
    )
  }
  return { bytesToMove, bytesToCross, isExact }
}

function spacesOf(
  { regions }: Settings,
  { region, storageType, replicas }: WantedRegion,
): SpaceId[] {
  const known = regions.find(region)
  if (!known) return []
  return replicaSpaces(known, storageType, replicas).flatMap(({ spaces }) =>
    spaces.map(({ id }) => id),
  )
}

function nearestFirst(spaces: readonly SpaceId[], region: RegionName): SpaceId[] {
  const isHere = (space: SpaceId) => parseSpaceId(space)?.region === region
  return [...spaces.filter(isHere), ...spaces.filter((space) => !isHere(space))]
}

function secondsOf(
  bytes: number,
  pace: { readonly movedBytes: number; readonly tookMs: number } | undefined,
): number | null {
  if (bytes === 0) return 0
  if (!pace) return null
  return Math.ceil((bytes * Math.max(1, pace.tookMs)) / pace.movedBytes / 1000)
}
