import { setImmediate as nextTurn } from 'node:timers/promises'
import { kinds } from '../chunks/layout.ts'
import type { Holding, PackId } from '../domain/holdings.ts'
import { limits } from '../domain/limits.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { type NeededPack, planCopy } from './plan-copy.ts'
import type { Plane } from './plane.ts'
import type { Presence } from './presence.ts'
import { openSlotSet, type SlotSet } from './slot-set.ts'
import { goodNowhere, type Held, type ImagePlace, locateAll, type Want } from './sources.ts'
import { manifestOf, visitNodes } from './tree.ts'

/** The frames of one pack that a space lacks. */
export type PackNeed = NeededPack & { readonly sizeBytes: number; readonly slots: SlotSet }

/** What one target space has and lacks of an image: of a size that goes with its packs, not with its chunks. */
export type SpaceNeeds = {
  readonly space: SpaceId
  readonly present: ReadonlyMap<PackId, Holding>
  readonly whole: readonly PackNeed[]
  readonly repack: readonly PackNeed[]
}

type Growing = {
  readonly present: Map<PackId, Holding>
  readonly lacking: Map<PackId, Mutable<PackNeed>>
}

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

/** Walks the image once and finds, for each target, which packs it has and which frames it lacks. Throws as `readImage`. */
export async function needsOf(
  plane: Plane,
  place: ImagePlace,
  { targets, presence }: { targets: readonly SpaceId[]; presence: Presence },
): Promise<readonly SpaceNeeds[]> {
  const growing = new Map<SpaceId, Growing>(
    targets.map((space) => [space, { present: new Map(), lacking: new Map() }]),
  )
  for await (const wants of everyWant(plane, place)) {
    const located = await locateAll(plane, place, wants)
    const packs = located.flat().map(({ pack }) => pack)
    await presence.learn(packs)
    for (const [space, needs] of growing) {
      wants.forEach((want, at) => {
        note(want, located[at] ?? [], { needs, space, presence, place })
      })
    }
    // Look-ups of a warm index never wait: others get their turn.
    await nextTurn()
  }
  return [...growing].map(([space, needs]) => decided(place, { space, needs }))
}

function note(
  want: Want,
  places: readonly Held[],
  at: { needs: Growing; space: SpaceId; presence: Presence; place: ImagePlace },
): void {
  for (const { pack } of places) {
    const holding = at.presence.in(at.space, pack)
    if (holding === undefined) continue
    at.needs.present.set(pack, holding)
    return
  }
  const { lacking } = at.needs
  if (places.some(({ pack, slot }) => lacking.get(pack)?.slots.has(slot))) return
  // Few packs, each needed for much, rather than many.
  const chosen = places.find(({ pack }) => lacking.has(pack)) ?? places[0]
  const holding = chosen?.holders[0]
  if (!chosen || !holding) throw goodNowhere(at.place, want, [])
  const need = lacking.get(chosen.pack) ?? emptyNeed(chosen, holding)
  lacking.set(chosen.pack, need)
  need.slots.add(chosen.slot)
  need.neededBytes += chosen.frame.storedBytes
}

function emptyNeed({ pack, framesBytes }: Held, { sizeBytes }: Holding): Mutable<PackNeed> {
  return { pack, sizeBytes, allBytes: framesBytes, neededBytes: 0, slots: openSlotSet() }
}

function decided(
  place: ImagePlace,
  { space, needs }: { space: SpaceId; needs: Growing },
): SpaceNeeds {
  const sameRegion = place.spaces.some((from) => regionOf(from) === regionOf(space))
  const { whole, repack } = planCopy([...needs.lacking.values()], { sameRegion })
  const needOf = (pack: PackId): PackNeed[] => {
    const need = needs.lacking.get(pack)
    return need ? [need] : []
  }
  return {
    space,
    present: needs.present,
    whole: whole.flatMap(needOf),
    repack: repack.flatMap(needOf),
  }
}

export const regionOf = (space: SpaceId): string => space.slice(0, space.indexOf('/'))

/** Everything the image consists of, or what of it touches the bytes from `fromBytes` on: a node's worth at a time. */
export async function* everyWant(
  plane: Plane,
  place: ImagePlace,
  fromBytes = 0,
): AsyncGenerator<Want[]> {
  const { manifest } = await manifestOf(plane, place)
  yield [{ kind: kinds.manifest, digest: place.image, offsetBytes: 0 }]
  const all = { manifest, fromBytes, toBytes: manifest.virtualSizeBytes }
  for await (const { digest, node, offsetBytes } of visitNodes(plane, place, all)) {
    const self: Want = { kind: kinds.node, digest, offsetBytes }
    if (node.level > 0) {
      yield [self]
      continue
    }
    const chunks = node.children.flatMap((chunk, at): Want[] =>
      chunk === undefined
        ? []
        : [{ kind: kinds.chunk, digest: chunk, offsetBytes: offsetBytes + at * limits.chunkBytes }],
    )
    yield [self, ...chunks]
  }
}
