import type { Digest } from '../domain/digest.ts'
import { Unavailable } from '../domain/errors.ts'
import { workOwner } from '../domain/holdings.ts'
import { parseSpaceId, type SpaceId } from '../domain/spaces.ts'
import { copyImage } from '../regions/copy-image.ts'
import { GoodNowhere } from '../regions/sources.ts'
import { thinPacks } from '../regions/thin-packs.ts'
import type { Outcome, Running, Work } from '../runner/work.ts'
import { imagesOn } from './heal.ts'
import type { WorkPorts } from './ports.ts'

const compactEveryMs = 10 * 60_000
/** Packs that are looked at together. */
const packsAtOnce = 64

/** Writes packs anew of which little is needed since versions were deleted; what it frees, the sweep takes. */
export function compact(ports: WorkPorts): Work {
  const { store, world } = ports

  async function compactAll(running: Running): Promise<Outcome> {
    const { row, state, signal } = running
    const isHere = (space: SpaceId) => parseSpaceId(space)?.region === row.subject
    let isMore = false
    for (const space of (await store.holdings.spaces()).filter(isHere)) {
      try {
        const looked = await compactSpace(ports, running, space)
        isMore ||= looked === packsAtOnce
      } catch (error) {
        // One that is full or away is looked at again; it does not hold up the others.
        if (signal.aborted || !(error instanceof Unavailable)) throw error
        world.log({ level: 'warn', event: 'compaction-failed', space, error: String(error) })
      }
    }
    return { is: 'wait', state, forMs: isMore ? 0 : compactEveryMs }
  }

  return { kind: 'Compact', isRecurring: true, steps: { compactAll } }
}

/**
 * Looks at some packs of a space that images let go of, and moves what is needed of the thin ones into new packs, image by
 * image: until an image is reseated it has all that it had. Answers how many packs were looked at. Repeatable.
 */
export async function compactSpace(
  { store, plane, world }: WorkPorts,
  {
    row,
    signal,
    write,
  }: Pick<Running, 'signal' | 'write'> & { readonly row: { readonly id: string } },
  space: SpaceId,
): Promise<number> {
  const thinned = await store.holdings.thinned(space, packsAtOnce)
  if (thinned.length === 0) return 0
  const before = new Map<number, readonly Digest[]>()
  for (const { id } of thinned) before.set(id, await store.read.health.imagesOn(id))
  const images = new Set([...before.values()].flat())
  const thin = await thinPacks(plane, { space, packs: thinned, images, signal })
  const without = new Set(thin.map(({ id }) => id))
  const owner = workOwner(row.id)
  const reseated = new Set<Digest>()
  let writtenBytes = 0
  for (const image of await imagesOn({ store }, thin)) {
    try {
      const order = { owner, image, from: [space], to: [space], without, signal }
      const { holdings, movedBytes } = await copyImage(plane, order)
      const sealed = { space, image, owner, holdings: holdings.get(space) ?? [] }
      const isReseated = await write((rows) => rows.placements.reseat(sealed))
      // It may have left meanwhile; otherwise a pack did, and it is tried again.
      const isPlaced = (await store.read.placements.spacesOf(image)).includes(space)
      if (!isReseated && isPlaced)
        throw new Unavailable(`a pack of ${image} left ${space} meanwhile`)
      if (isReseated) reseated.add(image)
      writtenBytes += movedBytes
    } catch (error) {
      // What is left of it stays where it is; it is told by scrubs, and does not hold up the others.
      if (!(error instanceof GoodNowhere)) throw error
      const told = { space, image, error: error.message }
      world.log({ level: 'warn', event: 'compaction-passes-over', ...told })
    } finally {
      await plane.rows.release(owner)
    }
  }
  await store.holdings.looked(await unchanged(store, before, reseated))
  if (thin.length > 0) {
    const facts = { packs: thin.length, packBytes: sizeOf(thin), writtenBytes }
    world.log({ level: 'info', event: 'space-compacted', space, ...facts })
  }
  return thinned.length
}

/** Those that no image let go of while they were looked at; the others are looked at again. */
async function unchanged(
  { read }: WorkPorts['store'],
  before: ReadonlyMap<number, readonly Digest[]>,
  reseated: ReadonlySet<Digest>,
): Promise<readonly number[]> {
  const same: number[] = []
  for (const [id, images] of before) {
    const now = new Set(await read.health.imagesOn(id))
    if (images.every((image) => now.has(image) || reseated.has(image))) same.push(id)
  }
  return same
}

function sizeOf(holdings: readonly { readonly sizeBytes: number }[]): number {
  return holdings.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
