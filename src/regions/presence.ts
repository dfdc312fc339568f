import type { Holding, Owner, PackId } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Plane } from './plane.ts'

/** Which packs lie in some spaces, as one job found them. */
export type Presence = {
  /** Finds out about these packs, those that are known already excepted. */
  learn(packs: Iterable<PackId>): Promise<void>
  /** The pack's holding there; call `learn` first. */
  in(space: SpaceId, pack: PackId): Holding | undefined
  /** The job put it there itself. */
  add(holdings: readonly Holding[]): void
}

/**
 * With an owner, a pack counts as present only once the owner has a reference on it: from then on no sweep takes it away.
 * Without one the answer is what is so now, for plans that are only looked at. Remembers per pack, never per chunk.
 */
export function openPresence(
  plane: Plane,
  {
    owner,
    spaces,
    without = new Set(),
  }: {
    owner: Owner | undefined
    spaces: readonly SpaceId[]
    /** Holdings that do not count. */
    without?: ReadonlySet<number>
  },
): Presence {
  const known = new Map<PackId, Map<SpaceId, Holding>>()

  async function learn(packs: Iterable<PackId>): Promise<void> {
    const unknown = [...new Set(packs)].filter((pack) => !known.has(pack))
    if (unknown.length === 0) return
    const all = await plane.rows.holdersOf(unknown, spaces)
    const holdings = all.filter(({ id }) => !without.has(id))
    const ids = holdings.map(({ id }) => id)
    const claimed = owner && ids.length > 0 ? await plane.rows.claim(owner, ids) : new Set(ids)
    for (const pack of unknown) if (!known.has(pack)) known.set(pack, new Map())
    add(holdings.filter(({ id }) => claimed.has(id)))
  }

  function add(holdings: readonly Holding[]): void {
    for (const holding of holdings) {
      const bySpace = known.get(holding.pack) ?? new Map<SpaceId, Holding>()
      known.set(holding.pack, bySpace.set(holding.space, holding))
    }
  }

  return { learn, in: (space, pack) => known.get(pack)?.get(space), add }
}
