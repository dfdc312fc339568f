import type { PackId } from '../domain/holdings.ts'

/** What of one pack is needed: stored bytes of its frames, and of all of them. */
export type NeededPack = {
  readonly pack: PackId
  readonly neededBytes: number
  readonly allBytes: number
}

/** Share of a pack that must be needed for it to be copied whole. */
const wholeShare = {
  /** Bytes between regions are dear: nearly all of it. */
  acrossRegions: 0.95,
  /** Inside of one, a copy that need not be unpacked is worth up to as many bytes again. */
  inRegion: 0.5,
} as const

/** Which packs are copied byte for byte, and of which only the needed frames are packed anew. */
export function planCopy(
  needed: readonly NeededPack[],
  { sameRegion }: { readonly sameRegion: boolean },
): { readonly whole: readonly PackId[]; readonly repack: readonly PackId[] } {
  const share = sameRegion ? wholeShare.inRegion : wholeShare.acrossRegions
  const isWhole = ({ neededBytes, allBytes }: NeededPack): boolean =>
    neededBytes >= allBytes * share
  const { whole = [], repack = [] } = Object.groupBy(needed, (one) =>
    isWhole(one) ? 'whole' : 'repack',
  )
  return { whole: whole.map(({ pack }) => pack), repack: repack.map(({ pack }) => pack) }
}
