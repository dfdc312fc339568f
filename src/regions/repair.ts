import { openLru } from '../base/lru.ts'
import type { World } from '../base/world.ts'
import type { Blobs, BlobsAddress } from '../blobs/blobs.ts'
import { SourceSpaceAway } from '../chunks/lane-protocol.ts'
import type { Lanes } from '../chunks/lanes.ts'
import { Unavailable } from '../domain/errors.ts'
import type { Holding, HoldingRows } from '../domain/holdings.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { Moved } from './moved.ts'
import { isDamage } from './trailers.ts'

/**
 * `away`: what may have good bytes cannot be reached, or was asked to see to it; `damaged`: nothing has the pack whole,
 * what is needed of it may yet lie elsewhere; `gone`: it was swept.
 */
export type Repaired = 'repaired' | 'away' | 'damaged' | 'gone'

/** Puts good bytes under the key of a holding that has bad ones, and keeps what was found in its row. */
export type Repair = (bad: Holding, found: Found) => Promise<Repaired>

type Found = {
  readonly why: string
  readonly chunk?: string
  /** Also when it was tried in vain a short while ago. */
  readonly again?: boolean
  /** Its space is made anew: that its packs are not there is nothing to tell. */
  readonly isExpected?: boolean
}

/** Has the workers of another region repair a holding of theirs: true. False: it lies where this process writes. */
export type AskRepair = (bad: Holding) => Promise<boolean>

/** A holding that could not be repaired is left alone for this long: trying costs a read of every other copy. */
const triedAgainMs = 10 * 60_000

/** Has the workers of the space see to it that images get what they need of a pack that nothing has whole. */
export type AskHeal = (bad: Holding) => Promise<void>

/** Repairs are single flight; each is logged: `pack-repaired`, or `pack-not-whole` when no copy of the pack is good. */
export function openRepair(ports: {
  readonly rows: HoldingRows
  readonly lanes: Lanes
  readonly world: World
  readonly moved: Moved
  addressOf(space: SpaceId): BlobsAddress
  blobsOf(space: SpaceId): Blobs
  readonly askRepair?: AskRepair | undefined
  readonly askHeal?: AskHeal | undefined
}): Repair {
  const running = new Map<number, Promise<Repaired>>()
  const failedMs = openLru<number, number>(4096)

  async function act(bad: Holding, found: Found): Promise<Repaired> {
    const { why, chunk, again = false, isExpected = false } = found
    const holders = await ports.rows.holdersOf([bad.pack])
    // A holding that was swept meanwhile is missing by right.
    if (!holders.some(({ id }) => id === bad.id)) return 'gone'
    await ports.rows.foundBad(bad.id, false)
    const told = { space: bad.space, pack: bad.pack, why, ...(chunk !== undefined && { chunk }) }
    if (await ports.askRepair?.(bad)) {
      failedMs.set(bad.id, ports.world.now().getTime())
      ports.world.log({ level: 'warn', event: 'repair-asked', ...told })
      return 'away'
    }
    let away = false
    for (const from of holders.filter(({ id }) => id !== bad.id)) {
      const trouble = await mirrored(from, bad)
      if (trouble === undefined) {
        await ports.rows.foundGood([bad.id])
        ports.moved.packsRepaired += 1
        ports.moved.repairedBytes += bad.sizeBytes
        const level = isExpected ? 'debug' : 'warn'
        ports.world.log({ level, event: 'pack-repaired', ...told, from: from.space })
        return 'repaired'
      }
      if (isDamage(trouble)) await ports.rows.foundBad(from.id, false)
      else away = true
      ports.world.log({
        level: isExpected ? 'debug' : 'warn',
        event: 'pack-not-copied',
        ...told,
        from: from.space,
        trouble: trouble.message,
      })
    }
    if (away) return 'away'
    await ports.rows.foundBad(bad.id, true)
    failedMs.set(bad.id, ports.world.now().getTime())
    ports.world.log({ level: isExpected ? 'debug' : 'warn', event: 'pack-not-whole', ...told })
    if (!again && !isExpected) await ports.askHeal?.(bad)
    return 'damaged'
  }

  /** What went wrong; undefined when it is repaired. */
  async function mirrored(from: Holding, bad: Holding): Promise<Error | undefined> {
    const place = ({ space, key }: Holding) => ({ address: ports.addressOf(space), key })
    try {
      const { pack, sizeBytes } = from
      await ports.lanes.call('mirror', { from: place(from), pack, sizeBytes, to: [place(bad)] })
    } catch (error) {
      // A repair that fails now is no failure of the read that asked for it.
      if (error instanceof Unavailable || error instanceof SourceSpaceAway || isDamage(error))
        return error
      throw error
    }
    await removeIfSwept(bad)
    return undefined
  }

  /** A sweep may have deleted the blob just before it was put back: then nothing names it any more. */
  async function removeIfSwept(bad: Holding): Promise<void> {
    const holders = await ports.rows.holdersOf([bad.pack], [bad.space])
    if (holders.some(({ id }) => id === bad.id)) return
    await ports.blobsOf(bad.space).delete(bad.key, AbortSignal.timeout(60_000))
  }

  return async (bad, found) => {
    const failed = found.again ? undefined : failedMs.get(bad.id)
    if (failed !== undefined && ports.world.now().getTime() - failed < triedAgainMs)
      return 'damaged'
    const run = running.get(bad.id) ?? act(bad, found).finally(() => running.delete(bad.id))
    running.set(bad.id, run)
    return await run
  }
}
