import { mapBounded } from '../base/bounded.ts'
import { release } from '../base/release.ts'
import type { Frame } from '../chunks/pack-format.ts'
import type { Digest } from '../domain/digest.ts'
import { type Holding, imageOwner } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import { cover, followSpace } from './follow.ts'
import { everyWant } from './needs.ts'
import type { Plane } from './plane.ts'
import { type Held, locateAll, type Want } from './sources.ts'
import { isDamage } from './trailers.ts'

export type DamageFound = {
  /** Of a pack, or of the chunk, node or manifest that is bad or missing. */
  readonly digest: Digest
  /** On the disk; undefined for a pack. */
  readonly offsetBytes: number | undefined
  readonly why: string
  /** Good bytes were put in its place, from another space. */
  readonly repaired: boolean
}

export type Verified = {
  /** Chunks, nodes and manifest that were read, unpacked and compared with their digests. */
  readonly checkedCount: number
  /** What was missing or bad in that space, at most 100 named. */
  readonly damaged: readonly DamageFound[]
}

const damagedMax = 100

type Check = {
  readonly plane: Plane
  readonly space: SpaceId
  readonly signal: AbortSignal
  note(damage: DamageFound): void
}

/**
 * Reads all of an image in one space alone: every pack against its id, then everything that the image consists of against
 * its digest. What is bad is repaired from other spaces. Throws ImageDamaged when its tree is good nowhere, Unavailable.
 */
export async function verifyImage(
  plane: Plane,
  order: { readonly image: Digest; readonly space: SpaceId; readonly signal: AbortSignal },
): Promise<Verified> {
  const damaged: DamageFound[] = []
  const note = (damage: DamageFound): void => {
    if (damaged.length < damagedMax) damaged.push(damage)
  }
  const check: Check = { plane, space: order.space, signal: order.signal, note }
  const sealed = await plane.rows.heldBy(imageOwner(order.space, order.image))
  await mapBounded(sealed, plane.lanes.count, (holding) => checkPack(check, holding))

  await cover(plane, sealed)
  await followSpace(plane, order.space, order.signal)

  let checkedCount = 0
  const seen = new Set(sealed.map(({ id }) => id))
  const place = { image: order.image, spaces: [order.space], signal: order.signal }
  for await (const wants of everyWant(plane, place)) {
    const parts = hereOf(check, { wants, located: await locateAll(plane, place, wants) })
    checkedCount += parts.length
    for (const [holding, those] of Map.groupBy(parts, ({ holding }) => holding)) {
      if (!seen.has(holding.id)) await checkPack(check, holding)
      seen.add(holding.id)
      await checkFrames(check, holding, those)
    }
  }
  return { checkedCount, damaged }
}

type Part = { readonly want: Want; readonly holding: Holding; readonly frame: Frame }

/** The one pack of the space where each want is read; what is in none is noted. */
function hereOf(
  check: Check,
  { wants, located }: { wants: readonly Want[]; located: readonly (readonly Held[])[] },
): Part[] {
  return wants.flatMap((want, at) => {
    for (const { holders, frame } of located[at] ?? []) {
      const holding = holders.find(({ space }) => space === check.space)
      if (holding) return [{ want, holding, frame }]
    }
    const { digest, offsetBytes } = want
    check.note({ digest, offsetBytes, why: 'is in no pack of the space', repaired: false })
    return []
  })
}

async function checkPack({ plane, signal, note }: Check, holding: Holding): Promise<void> {
  signal.throwIfAborted()
  const { pack, sizeBytes } = holding
  try {
    await plane.lanes.call('check', { from: placeOf(plane, holding), pack, sizeBytes })
  } catch (error) {
    if (!isDamage(error)) throw error
    const repaired = await plane.repair(holding, { why: error.message })
    const isRepaired = repaired === 'repaired'
    note({ digest: pack, offsetBytes: undefined, why: error.message, repaired: isRepaired })
  }
}

async function checkFrames(
  { plane, signal, note }: Check,
  holding: Holding,
  parts: readonly Part[],
): Promise<void> {
  signal.throwIfAborted()
  const frames = parts.map(({ frame }) => frame)
  const { plain, bad } = await plane.lanes.call('fetch', { from: placeOf(plane, holding), frames })
  release(plain)
  for (const { at, why } of bad) {
    const want = parts[at]?.want
    if (want) note({ digest: want.digest, offsetBytes: want.offsetBytes, why, repaired: false })
  }
}

const placeOf = (plane: Plane, { space, key }: Holding) => ({
  address: plane.addressOf(space),
  key,
})
