import type { World } from './base/world.ts'
import type { PeerAddress } from './blobs/blobs.ts'
import { RegionAway, Unavailable } from './domain/errors.ts'
import { type ProcessRow, peerName } from './domain/processes.ts'
import type { RegionName } from './domain/regions.ts'
import { parseSpaceId, type SpaceId } from './domain/spaces.ts'
import type { PeerIdentity } from './identity/peer-identity.ts'
import type { Store } from './store/store.ts'

const tellEveryMs = 5_000
/** Silent for longer, a process counts as gone. */
const goneAfterMs = 20_000
/** Its row is kept for people who look what became of it. */
const forgottenAfterMs = 24 * 3_600_000
const processesMax = 1_000

/** What the other processes of the installation are known to serve. */
export type Processes = {
  /** Where the blobs of another region's space are asked for. Throws Unavailable when no process lets others reach them. */
  addressOf(space: SpaceId): PeerAddress
  /** No worker of the region was heard of late: nothing goes on there until one returns. */
  isAway(region: RegionName): boolean
  /** Says goodbye. */
  close(): Promise<void>
}

/** The one process of an embedded database reaches all regions that there are. */
export const alone: Processes = {
  addressOf(space) {
    throw new Unavailable(
      `${space} is no space of this process, and an embedded database has no other: leave out ownRegions, or use PostgreSQL.`,
    )
  },
  isAway: () => false,
  close: async () => undefined,
}

type Parts = {
  readonly store: Store
  readonly world: World
  readonly self: Omit<ProcessRow, 'startedMs' | 'seenMs'>
  identity(): PeerIdentity
  /** The database's time, which this process goes by from then on: epoch milliseconds. */
  askTime(): Promise<number>
}

/**
 * Tells the others that this process is here, every few seconds, and hears who else is. Throws Unavailable. When the
 * database is away later, what was heard last holds.
 */
export async function openProcesses({
  store,
  world,
  self,
  identity,
  askTime,
}: Parts): Promise<Processes> {
  const startedMs = await store.nowMs()
  const closing = new AbortController()
  let others: readonly ProcessRow[] = []
  await tell()
  warnOfOtherUrls()
  const telling = tellForEver()

  async function tell(): Promise<void> {
    const nowMs = await askTime()
    await store.write((rows) => rows.processes.put({ ...self, startedMs, seenMs: nowMs }))
    const all = await store.read.processes.all(processesMax)
    others = all.filter(({ seenMs }) => nowMs - seenMs < goneAfterMs)
  }

  async function tellForEver(): Promise<void> {
    for (let told = 1; !closing.signal.aborted; told++) {
      await world.sleep(tellEveryMs, closing.signal).catch(() => undefined)
      if (closing.signal.aborted) return
      try {
        await tell()
        if (told % 720 === 0) await forgetOld()
      } catch (error) {
        world.log({ level: 'warn', event: 'process-not-told', error: String(error) })
      }
    }
  }

  async function forgetOld(): Promise<void> {
    const beforeMs = (await store.nowMs()) - forgottenAfterMs
    await store.write((rows) => rows.processes.prune(beforeMs))
  }

  /** Tokens name the URL that issued them: a process with another one refuses them. */
  function warnOfOtherUrls(): void {
    for (const { id, publicUrl } of others) {
      if (!self.publicUrl || !publicUrl || publicUrl === self.publicUrl) continue
      const fix = 'Give all processes the same publicUrl, that of the balancer in front of them.'
      world.log({ level: 'warn', event: 'other-public-url', process: id, publicUrl, fix })
    }
  }

  function addressOf(space: SpaceId): PeerAddress {
    const region = parseSpaceId(space)?.region
    if (!region) throw new Unavailable(`There is no space '${space}'.`)
    const urls = others.flatMap(({ regions, peerUrl }) =>
      peerUrl !== undefined && regions.includes(region) ? [peerUrl] : [],
    )
    if (urls.length === 0) {
      throw new RegionAway(
        `The region ${region} is out of reach: none of its processes that let others in (setting peer) was heard of late.`,
      )
    }
    return { kind: 'peer', space, urls, serverName: peerName(region), identity: identity() }
  }

  function isAway(region: RegionName): boolean {
    return !others.some(
      ({ roles, regions }) => roles.includes('worker') && regions.includes(region),
    )
  }

  async function close(): Promise<void> {
    closing.abort()
    await telling
    await store.write((rows) => rows.processes.remove(self.id)).catch(() => undefined)
  }

  return { addressOf, isAway, close }
}
