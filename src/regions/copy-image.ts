import { invariant } from '../base/assert.ts'
import { mapBounded } from '../base/bounded.ts'
import { SourceSpaceAway } from '../chunks/lane-protocol.ts'
import { openPackStream } from '../chunks/pack-stream.ts'
import { type Digest, openDigest } from '../domain/digest.ts'
import { RegionAway, Unavailable } from '../domain/errors.ts'
import type { Holding, Owner, PackId } from '../domain/holdings.ts'
import type { RegionName } from '../domain/regions.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { followSpace } from './follow.ts'
import { everyWant, needsOf, type PackNeed, regionOf, type SpaceNeeds } from './needs.ts'
import { planOf } from './plan-image-copy.ts'
import type { Plane, Progress } from './plane.ts'
import { openPresence, type Presence } from './presence.ts'
import { freshKey, openPutting } from './put-packs.ts'
import { type ImagePlace, outOfReach, useWants, type Want } from './sources.ts'
import { isDamage } from './trailers.ts'

export type CopyOrder = {
  readonly owner: Owner
  readonly image: Digest
  /** Spaces where the image lies complete, the one to read from first. */
  readonly from: readonly SpaceId[]
  /** Spaces of one region. One that is also in `from` costs nothing. */
  readonly to: readonly SpaceId[]
  /** Holdings of the targets that do not count as there: they are to be given up. */
  readonly without?: ReadonlySet<number>
  readonly signal: AbortSignal
  /** Stored bytes moved, of those to move; each target space counts. */
  report?(progress: Progress): void
  /** Stored bytes that came from another region, as they land; once, however many targets they are for. */
  crossed?(from: RegionName, bytes: number): void
}

export type CopiedImage = {
  /** For each space of `to`: every holding that the image needs there, referenced by `owner`. */
  readonly holdings: ReadonlyMap<SpaceId, readonly number[]>
  /** Stored bytes that were written, all targets together. */
  readonly movedBytes: number
}

/** Of one copy, for each lane, under way or waiting for their turn on the link. */
const packsALane = 2

/** A copy under way. */
type Job = {
  readonly plane: Plane
  readonly order: CopyOrder
  readonly place: ImagePlace
  readonly presence: Presence
  /** Holdings for the seal, by space. */
  readonly used: ReadonlyMap<SpaceId, Set<number>>
  moved(bytes: number): void
  wrote(bytes: number): void
}

/** A copy as it was planned: what the targets lack is known, nothing has moved. */
export type PreparedCopy = {
  /** Stored bytes that it will write, all targets together. */
  readonly bytesTotal: number
  /** Throws ArmError ImageDamaged when a chunk is good nowhere, SpaceFull, Unavailable, the signal's reason. */
  run(): Promise<CopiedImage>
}

/** Makes the image complete in every space of `to`, moving only what each lacks. Repeatable, like `ingest`. Throws as its run. */
export async function copyImage(plane: Plane, order: CopyOrder): Promise<CopiedImage> {
  return await (await prepareCopy(plane, order)).run()
}

/** Finds out what is to be moved. What is there already is referenced by `owner` from now on. Throws as its run. */
export async function prepareCopy(plane: Plane, order: CopyOrder): Promise<PreparedCopy> {
  for (const space of order.to) await followSpace(plane, space, order.signal)
  const { owner, to, without } = order
  const presence = openPresence(plane, { owner, spaces: to, ...(without && { without }) })
  const place = { image: order.image, spaces: order.from, signal: order.signal }
  const needs = await needsOf(plane, place, { targets: order.to, presence })
  const bytesTotal = needs.reduce((sum, need) => sum + planOf(need).movedBytes, 0)
  return { bytesTotal, run: () => runCopy(plane, order, { place, presence, needs, bytesTotal }) }
}

type Prepared = Pick<Job, 'place' | 'presence'> & {
  readonly needs: readonly SpaceNeeds[]
  readonly bytesTotal: number
}

async function runCopy(
  plane: Plane,
  order: CopyOrder,
  { place, presence, needs, bytesTotal }: Prepared,
): Promise<CopiedImage> {
  let bytesDone = 0
  const moved = (bytes: number): void => {
    bytesDone += bytes
    order.report?.({ bytesDone, bytesTotal: Math.max(bytesTotal, bytesDone) })
  }
  moved(0)
  let movedBytes = 0
  const wrote = (bytes: number): void => {
    movedBytes += bytes
    plane.moved.replicatedBytes += bytes
  }
  const used = new Map(needs.map((need) => [need.space, new Set(idsOf(need.present.values()))]))
  const job: Job = { plane, order, place, presence, used, moved, wrote }
  const broken = await copyWhole(job, needs)
  for (const group of repackGroups(needs, broken)) await repack(job, group)
  const holdings = new Map([...used].map(([space, ids]) => [space, [...ids]]))
  return { holdings, movedBytes }
}

const idsOf = (holdings: Iterable<Holding>): number[] => [...holdings].map(({ id }) => id)

/** Copies packs byte for byte, each read once for all targets. Answers those that no space has whole any more. */
async function copyWhole(job: Job, needs: readonly SpaceNeeds[]): Promise<ReadonlySet<PackId>> {
  const targets = new Map<PackId, { sizeBytes: number; spaces: SpaceId[] }>()
  for (const { space, whole } of needs) {
    for (const { pack, sizeBytes } of whole) {
      const target = targets.get(pack) ?? { sizeBytes, spaces: [] }
      target.spaces.push(space)
      targets.set(pack, target)
    }
  }
  const broken = new Set<PackId>()
  await mapBounded(
    targets,
    packsALane * job.plane.lanes.count,
    async ([pack, { sizeBytes, spaces }]) => {
      job.order.signal.throwIfAborted()
      const copied = await copyPack(job, { pack, sizeBytes, spaces })
      if (!copied) broken.add(pack)
    },
  )
  return broken
}

type WholePack = {
  readonly pack: PackId
  readonly sizeBytes: number
  readonly spaces: readonly SpaceId[]
}

async function copyPack(job: Job, whole: WholePack): Promise<boolean> {
  const { plane, order, place } = job
  const sources = preferred(await plane.rows.holdersOf([whole.pack]), place.spaces)
  const load = loadOf(order, { bytes: whole.sizeBytes, spaces: whole.spaces, source: sources[0] })
  return await plane.link.carry(load, () => copyFrom(job, sources, whole))
}

/** Several targets are of one region, and get their bytes together. */
function loadOf(
  { owner, signal }: CopyOrder,
  {
    bytes,
    spaces,
    source,
  }: { bytes: number; spaces: readonly SpaceId[]; source: Holding | undefined },
) {
  const [to] = spaces
  invariant(to, 'a copy has a target')
  const crosses = source !== undefined && regionOf(source.space) !== regionOf(to)
  return { owner, bytes, crosses, to, signal }
}

function noteCrossing({ to, crossed }: CopyOrder, source: Holding, bytes: number): void {
  const from = parseSpaceId(source.space)?.region
  if (from !== undefined && !to.some((space) => regionOf(space) === from)) crossed?.(from, bytes)
}

async function copyFrom(
  job: Job,
  sources: readonly Holding[],
  { pack, sizeBytes, spaces }: WholePack,
): Promise<boolean> {
  const { plane, order } = job
  const wanted = spaces.map((space) => ({ space, pack, key: freshKey(plane, pack), sizeBytes }))
  const holdings = await plane.rows.intend(order.owner, wanted)
  const to = holdings.map((holding) => placeOf(plane, holding))
  const bad: { source: Holding; why: string }[] = []
  let away: Unavailable | undefined
  for (const source of sources) {
    const trouble = await mirror(plane, { pack, sizeBytes, source, to })
    if (trouble === undefined) {
      await plane.rows.landed(idsOf(holdings))
      for (const holding of holdings) job.used.get(holding.space)?.add(holding.id)
      job.moved(sizeBytes * holdings.length)
      job.wrote(sizeBytes * holdings.length)
      noteCrossing(order, source, sizeBytes)
      for (const { source: holding, why } of bad) await plane.repair(holding, { why })
      return true
    }
    if (trouble instanceof Unavailable) away = trouble
    else if (trouble instanceof SourceSpaceAway) away = outOfReach(source.space, trouble)
    else bad.push({ source, why: trouble.message })
  }
  // Damaged everywhere: frame by frame, each from wherever it is good.
  if (away) throw away
  return false
}

/** Why this source will not do; undefined when the pack is durable in all targets. Throws when a target fails. */
async function mirror(
  plane: Plane,
  {
    source,
    ...rest
  }: Omit<WholePack, 'spaces'> & { source: Holding; to: ReturnType<typeof placeOf>[] },
): Promise<Error | undefined> {
  try {
    const from = sourceOf(plane, source)
    if (from instanceof Unavailable) return from
    await plane.lanes.call('mirror', { from, ...rest })
    return undefined
  } catch (error) {
    if (isDamage(error) || error instanceof SourceSpaceAway || error instanceof RegionAway)
      return error
    throw error
  }
}

/** Its region may be away: another source may do. */
function sourceOf(plane: Plane, holding: Holding) {
  try {
    return placeOf(plane, holding)
  } catch (error) {
    if (error instanceof Unavailable) return outOfReach(holding.space, error)
    throw error
  }
}

const placeOf = (plane: Plane, { space, key }: Holding) => ({
  address: plane.addressOf(space),
  key,
})

function preferred(holdings: readonly Holding[], spaces: readonly SpaceId[]): Holding[] {
  const rank = ({ space }: Holding): number => {
    const at = spaces.indexOf(space)
    return at < 0 ? spaces.length : at
  }
  return [...holdings].sort((a, b) => rank(a) - rank(b))
}

type RepackGroup = { readonly spaces: SpaceId[]; readonly needs: readonly PackNeed[] }

/** Targets that lack the same frames share their new packs. */
function repackGroups(
  all: readonly SpaceNeeds[],
  broken: ReadonlySet<PackId>,
): readonly RepackGroup[] {
  const groups = new Map<Digest, RepackGroup>()
  for (const { space, whole, repack } of all) {
    const needs = [...repack, ...whole.filter(({ pack }) => broken.has(pack))]
    if (needs.length === 0) continue
    const same = openDigest()
    for (const { pack, slots } of needs) {
      same.add(Buffer.from(pack))
      same.add(slots.bytes())
    }
    const name = same.end()
    const group = groups.get(name) ?? { spaces: [], needs }
    group.spaces.push(space)
    groups.set(name, group)
  }
  return [...groups.values()]
}

async function repack(job: Job, { spaces, needs }: RepackGroup): Promise<void> {
  const { plane, order, place, presence } = job
  const putting = openPutting(plane, { owner: order.owner, spaces, presence })
  const stream = openPackStream(plane, {
    targets: spaces.map((space) => plane.addressOf(space)),
    source: undefined,
    owner: {
      wanted: () => Promise.reject(new Error('a repack asks nothing')),
      intend: putting.intend,
      landed: async (pack) => {
        for (const holding of await putting.landed(pack))
          job.used.get(holding.space)?.add(holding.id)
      },
    },
  })
  const stop = (): void => void stream.drop()
  order.signal.addEventListener('abort', stop, { once: true })
  try {
    await mapBounded(needs, plane.lanes.count, async (need) => {
      await useWants(plane, place, {
        wants: await wantsOf(job, need),
        use: async (holding, frames) => {
          const bytes = frames.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
          const load = loadOf(order, { bytes, spaces, source: holding })
          const from = placeOf(plane, holding)
          const bad = await plane.link.carry(load, () => stream.repack(from, frames))
          noteCrossing(order, holding, bytes)
          return bad
        },
        offsetOf: ({ digest }) => firstOffset(plane, place, digest),
      })
      job.moved(need.neededBytes * spaces.length)
    })
    await stream.finish([])
    job.wrote(putting.putBytes())
  } catch (error) {
    order.signal.throwIfAborted()
    throw error
  } finally {
    order.signal.removeEventListener('abort', stop)
    await stream.drop()
  }
}

/** What is needed of a pack, by its own index. */
async function wantsOf({ plane }: Job, { pack, slots }: PackNeed): Promise<Want[]> {
  const trailer = await plane.trailers.of(pack, () => plane.rows.holdersOf([pack]))
  if (trailer === undefined)
    throw new Unavailable(`the pack ${pack} is gone; the copy is planned anew`)
  return slots.all().map((slot) => ({ ...trailer.frame(slot), offsetBytes: undefined }))
}

async function firstOffset(
  plane: Plane,
  place: ImagePlace,
  digest: Digest,
): Promise<number | undefined> {
  for await (const wants of everyWant(plane, place)) {
    const found = wants.find((want) => want.digest === digest)
    if (found) return found.offsetBytes
  }
  return undefined
}
