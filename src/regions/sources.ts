import { mapBounded } from '../base/bounded.ts'
import type { BadFrame } from '../chunks/lane-protocol.ts'
import { type Kind, kinds } from '../chunks/layout.ts'
import type { Frame } from '../chunks/pack-format.ts'
import type { Digest } from '../domain/digest.ts'
import { ArmError, RegionAway, Unavailable } from '../domain/errors.ts'
import { type Holding, imageOwner, type Owner, type PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { cover, followSpace } from './follow.ts'
import type { Plane } from './plane.ts'

/** An image and where it lies complete, preferred first. Any other space that has the bytes is used when these fail. */
export type ImagePlace = {
  readonly image: Digest
  readonly spaces: readonly SpaceId[]
  readonly signal: AbortSignal
}

/** Something to be read by its digest. The offset on the disk is for people; undefined when nobody kept it. */
export type Want = {
  readonly kind: Kind
  readonly digest: Digest
  readonly offsetBytes: number | undefined
}

/** A frame in a pack. */
export type Located = {
  readonly pack: PackId
  /** Stored bytes of all frames of the pack. */
  readonly framesBytes: number
  readonly slot: number
  readonly frame: Frame
}

/** With every live holding of the pack. */
export type Held = Located & { readonly holders: readonly Holding[] }

type Source = { readonly holding: Holding; readonly frame: Frame }
type Open = { readonly want: Want; readonly at: number; readonly tried: Set<number> }
type Failure = {
  readonly open: Open
  readonly holding: Holding
  readonly why: string
  /** Why it could not be reached; undefined: it is bad there. */
  readonly away: Unavailable | undefined
}

/** Reads and uses frames of one blob; answers those that are missing or bad. */
export type UseFrames = (
  holding: Holding,
  frames: readonly Frame[],
  /** Places in the list of wants. */
  places: readonly number[],
) => Promise<readonly BadFrame[]>

type Using = {
  readonly wants: readonly Want[]
  readonly use: UseFrames
  /** Finds the offset of a want that has none, for the error that names it. */
  readonly offsetOf?: OffsetOf
}

type OffsetOf = (want: Want) => Promise<number | undefined>

/** Frames of one order to a lane: 4 MiB of plain chunks. */
const framesAtOnce = limits.joinedReadBytesMax / limits.chunkBytes
const ordersAtOnce = 8

/**
 * Has every want used from the first place where it is good: the preferred spaces, other spaces with the same pack, other
 * packs with the same digest. What proved bad or missing is repaired. Throws ImageDamaged, Unavailable.
 */
export async function useWants(
  plane: Plane,
  place: ImagePlace,
  { wants, use, offsetOf }: Using,
): Promise<void> {
  let open: Open[] = wants.map((want, at) => ({ want, at, tried: new Set() }))
  let failures: Failure[] = []
  const bad = new Map<number, Failure>()
  // Each round tries another holding of what is open, so the holdings bound the rounds.
  while (open.length > 0) {
    place.signal.throwIfAborted()
    const orders = group(await chooseSources(plane, place, { open, failures, offsetOf }))
    failures = (await mapBounded(orders, ordersAtOnce, (order) => useOrder(use, order))).flat()
    for (const failure of failures) if (!failure.away) bad.set(failure.holding.id, failure)
    open = failures.map((failure) => failure.open)
  }
  for (const {
    holding,
    why,
    open: { want },
  } of bad.values()) {
    await plane.repair(holding, { why, chunk: want.digest })
  }
}

type Order = { readonly holding: Holding; readonly parts: { open: Open; frame: Frame }[] }

async function useOrder(use: UseFrames, { holding, parts }: Order): Promise<Failure[]> {
  for (const { open } of parts) open.tried.add(holding.id)
  try {
    const frames = parts.map(({ frame }) => frame)
    const bad = await use(
      holding,
      frames,
      parts.map(({ open }) => open.at),
    )
    return bad.flatMap(({ at, why }) => {
      const part = parts[at]
      return part ? [{ open: part.open, holding, why, away: undefined }] : []
    })
  } catch (error) {
    // Another space may answer; when none does, chooseSources says so.
    if (!(error instanceof Unavailable)) throw error
    return parts.map(({ open }) => ({ open, holding, why: error.message, away: error }))
  }
}

/** One order a holding and 64 frames. */
function group(chosen: readonly { open: Open; source: Source }[]): Order[] {
  const orders: Order[] = []
  const current = new Map<number, Order>()
  for (const { open, source } of chosen) {
    let order = current.get(source.holding.id)
    if (order === undefined || order.parts.length >= framesAtOnce) {
      order = { holding: source.holding, parts: [] }
      current.set(source.holding.id, order)
      orders.push(order)
    }
    order.parts.push({ open, frame: source.frame })
  }
  return orders
}

async function chooseSources(
  plane: Plane,
  place: ImagePlace,
  round: {
    readonly open: readonly Open[]
    readonly failures: readonly Failure[]
    readonly offsetOf: OffsetOf | undefined
  },
): Promise<{ open: Open; source: Source }[]> {
  const { open, failures, offsetOf } = round
  const wants = open.map(({ want }) => want)
  const located = await locateAll(plane, place, wants)
  const chosen: { open: Open; source: Source }[] = []
  for (const [at, one] of open.entries()) {
    const sources = (located[at] ?? []).flatMap(({ holders, frame }) =>
      holders.map((holding) => ({ holding, frame })),
    )
    const untried = sources.filter(({ holding }) => !one.tried.has(holding.id))
    const source = best(untried, place.spaces)
    if (source === undefined) {
      for (const { holding, away } of failures) if (away) throw outOfReach(holding.space, away)
      const offsetBytes = one.want.offsetBytes ?? (await offsetOf?.(one.want))
      const spaces = sources.map(({ holding }) => holding.space)
      throw goodNowhere(place, { ...one.want, offsetBytes }, spaces)
    }
    chosen.push({ open: one, source })
  }
  return chosen
}

function best(sources: readonly Source[], spaces: readonly SpaceId[]): Source | undefined {
  const rank = ({ holding }: Source): number => {
    const at = spaces.indexOf(holding.space)
    return at < 0 ? spaces.length : at
  }
  return sources.reduce<Source | undefined>(
    (chosen, source) => (chosen === undefined || rank(source) < rank(chosen) ? source : chosen),
    undefined,
  )
}

/** With the name of what was wanted; for a region that is away it stays one. */
export function outOfReach(space: SpaceId, away: Error): Unavailable {
  const why = `${space} cannot be read: ${away.message}`
  return away instanceof RegionAway ? new RegionAway(why) : new Unavailable(why)
}

/** Something of an image is good in no space. `want` says what, with its offset as far as it is known. */
export class GoodNowhere extends ArmError {
  readonly want: Want
  constructor(want: Want, message: string) {
    super('ImageDamaged', message)
    this.want = want
  }
}

/** The error for what is damaged in `spaces`, or in no pack at all. */
export function goodNowhere(
  place: ImagePlace,
  want: Want,
  spaces: readonly SpaceId[],
): GoodNowhere {
  const { kind, digest, offsetBytes } = want
  const names = { [kinds.chunk]: 'chunk', [kinds.node]: 'tree node', [kinds.manifest]: 'manifest' }
  const offset = offsetBytes === undefined ? '' : ` at offset ${offsetBytes}`
  const looked = [...new Set(spaces.length > 0 ? spaces : place.spaces)].join(', ')
  return new GoodNowhere(
    want,
    `The ${names[kind]} ${digest}${offset} of disk image ${place.image} is damaged or missing in ${looked}, and no other copy is left. Restore a space from a backup, or publish the version again.`,
  )
}

/**
 * Where each want lies, by what the index says and the packs confirm. Learns the image's own packs when the index knows
 * none in the preferred spaces, everything in those spaces when it knows none at all. Empty for what is nowhere.
 */
export async function locateAll(
  plane: Plane,
  place: ImagePlace,
  wants: readonly Want[],
): Promise<(readonly Held[])[]> {
  let located = await locateEach(plane, wants)
  const isNew = (owner: Owner): boolean => !plane.covered.get(owner)
  const isNear = ({ holders }: Held): boolean =>
    holders.some(({ space }) => place.spaces.includes(space))
  if (!located.every((found) => found.some(isNear)) && (await coverImage(plane, place, isNew))) {
    located = await locateEach(plane, wants)
  }
  const isWhole = () => located.every((found) => found.length > 0)
  // It may have left and come back in other packs.
  if (!isWhole() && (await coverImage(plane, place, () => true))) {
    located = await locateEach(plane, wants)
  }
  if (isWhole()) return located
  for (const space of place.spaces) await followSpace(plane, space, place.signal)
  return await locateEach(plane, wants)
}

/** Teaches the index the packs that hold the image in the preferred spaces, as far as `isWanted`; whether there was anything to do. */
async function coverImage(
  plane: Plane,
  place: ImagePlace,
  isWanted: (owner: Owner) => boolean,
): Promise<boolean> {
  const owners = place.spaces.map((space) => imageOwner(space, place.image))
  const news = owners.filter(isWanted)
  for (const owner of news) {
    const holdings = await plane.rows.heldBy(owner)
    await cover(plane, holdings)
    // An image that is not sealed yet is looked at again.
    if (holdings.length > 0) plane.covered.set(owner, true)
  }
  return news.length > 0
}

/** Packs that lie nowhere any more are left out: the index may still name them. */
async function locateEach(plane: Plane, wants: readonly Want[]): Promise<(readonly Held[])[]> {
  const located: (readonly Located[])[] = []
  for (const want of wants) located.push(await locate(plane, want))
  const packs = new Set(located.flat().map(({ pack }) => pack))
  const holders = Map.groupBy(await plane.rows.holdersOf([...packs]), ({ pack }) => pack)
  return located.map((found) =>
    found.flatMap((one) => {
      const held = holders.get(one.pack)
      return held ? [{ ...one, holders: held }] : []
    }),
  )
}

/** Every known place of a digest as this kind. Throws Unavailable. */
export async function locate(
  plane: Plane,
  { kind, digest }: { readonly kind: Kind; readonly digest: Digest },
): Promise<readonly Located[]> {
  const found: Located[] = []
  for (const { pack, slot } of plane.index.find(digest)) {
    const trailer = await plane.trailers.of(pack, () => plane.rows.holdersOf([pack]))
    if (!trailer?.holds(slot, kind, digest)) continue
    found.push({ pack, slot, frame: trailer.frame(slot), framesBytes: trailer.framesBytes })
  }
  return found
}
