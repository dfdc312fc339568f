import { layout } from '../chunks/layout.ts'
import type { Digest } from '../domain/digest.ts'
import type { LostPart } from '../domain/health.ts'
import { limits } from '../domain/limits.ts'
import { everyWant } from './needs.ts'
import type { Plane } from './plane.ts'
import {
  GoodNowhere,
  type Held,
  type ImagePlace,
  locateAll,
  useWants,
  type Want,
} from './sources.ts'
import { manifestOf } from './tree.ts'

/** Nodes that are lost and gone around; below each nothing is known. */
const detoursMax = 1_000

/**
 * What of an image is good nowhere, at most `limits.lostPartsMax`: only what lies in packs that are known to be bad is read.
 * `meets` is told where each thing lies that the image consists of, as far as its tree can be read. Throws Unavailable
 * when something that may be good cannot be reached.
 */
export async function lostParts(
  plane: Plane,
  place: ImagePlace,
  meets: (places: readonly Held[]) => void = () => undefined,
): Promise<readonly LostPart[]> {
  const lost = new Map<Digest, LostPart>()
  const note = ({ kind, digest, offsetBytes = 0 }: Want): void => {
    if (lost.size < limits.lostPartsMax) lost.set(digest, { kind, digest, offsetBytes })
  }
  const sizeBytes = await orLost(note, async () => {
    const { manifest } = await manifestOf(plane, place)
    return manifest.virtualSizeBytes
  })
  let fromBytes = 0
  for (let detours = 0; fromBytes < (sizeBytes ?? 0) && detours < detoursMax; detours++) {
    if (lost.size === limits.lostPartsMax) break
    try {
      for await (const wants of everyWant(plane, place, fromBytes)) {
        for (const want of await suspects(plane, place, { wants, meets })) {
          await orLost(note, () => checkOne(plane, place, want))
        }
        const last = wants.at(-1)?.offsetBytes ?? 0
        fromBytes = Math.max(fromBytes, last - (last % layout.leafBytes))
      }
      break
    } catch (error) {
      if (!(error instanceof GoodNowhere)) throw error
      note(error.want)
      const at = Math.max(fromBytes, error.want.offsetBytes ?? 0)
      fromBytes = at - (at % layout.leafBytes) + layout.leafBytes
    }
  }
  return [...lost.values()]
}

/** Those that lie in no pack, or in such alone as are known to be bad. */
async function suspects(
  plane: Plane,
  place: ImagePlace,
  { wants, meets }: { readonly wants: readonly Want[]; meets(places: readonly Held[]): void },
): Promise<Want[]> {
  const located = await locateAll(plane, place, wants)
  for (const places of located) meets(places)
  const ids = located.flat().flatMap(({ holders }) => holders.map(({ id }) => id))
  const bad = await plane.rows.badAmong([...new Set(ids)])
  return wants.filter((_, at) =>
    (located[at] ?? []).every(({ holders }) => holders.every(({ id }) => bad.has(id))),
  )
}

async function checkOne(plane: Plane, place: ImagePlace, want: Want): Promise<void> {
  await useWants(plane, place, {
    wants: [want],
    use: async (holding, frames) => {
      const from = { address: plane.addressOf(holding.space), key: holding.key }
      return (await plane.lanes.call('fetch', { from, frames })).bad
    },
  })
}

async function orLost<Result>(
  note: (want: Want) => void,
  act: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof GoodNowhere)) throw error
    note(error.want)
    return undefined
  }
}
