import type { Holding, PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

const pageRows = 256
/** What one job learns before it begins, at most; the next one goes on from there. */
const pagesMax = 64

/** Teaches the index the packs that a space got since it was last looked at: by other processes, or before it was lost. */
export async function followSpace(
  plane: Plane,
  space: SpaceId,
  signal: AbortSignal,
): Promise<void> {
  for (let page = 0; page < pagesMax; page++) {
    signal.throwIfAborted()
    const holdings = await plane.rows.liveAfter(space, plane.index.cursorOf(space), pageRows)
    await cover(plane, holdings)
    const last = holdings.at(-1)
    if (last === undefined) return
    plane.index.moveCursor(space, last.id)
  }
}

/** Teaches the index these packs. One whose index is good nowhere stays unknown: its chunks are missed when they are read. */
export async function cover(plane: Plane, holdings: readonly Holding[]): Promise<void> {
  for (const holding of holdings) {
    if (plane.index.knows(holding.pack)) continue
    const trailer = await plane.trailers.of(holding.pack, () => holdersFrom(plane, holding))
    if (trailer === undefined) continue
    const digests = Array.from({ length: trailer.count }, (_, slot) => trailer.frame(slot).digest)
    plane.index.add(holding.pack, digests)
  }
}

/** The holding at hand first: the others are asked for only when it fails. */
async function holdersFrom(plane: Plane, first: Holding): Promise<readonly Holding[]> {
  const all = await plane.rows.holdersOf([first.pack as PackId])
  return [first, ...all.filter(({ id }) => id !== first.id)]
}
