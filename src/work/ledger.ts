import type { World } from '../base/world.ts'
import type { Existing, LedgerSubject } from '../domain/ledger.ts'
import { type RegionName, regionName } from '../domain/regions.ts'
import type { ResourceRow } from '../domain/rows.ts'
import { parseSpaceId, type Space } from '../domain/spaces.ts'
import { versionContent } from '../resources/image-version.ts'
import type { Rows } from '../store/store.ts'

/**
 * Writes down what exists of a version in a region now, in the transaction in which that changed: nothing while the region
 * is not usable. The first copy that is usable in a region other than its own is written down as one that is paid for, unless it is known
 * to be none (`isCopy`).
 */
export async function recordReplicas(
  rows: Rows,
  version: Pick<ResourceRow, 'key' | 'id' | 'region' | 'status'>,
  {
    region,
    atMs,
    isCopy = true,
  }: { readonly region: string; readonly atMs: number; readonly isCopy?: boolean },
): Promise<void> {
  const to = regionName(region)
  const subject = { versionKey: version.key, versionId: version.id, region: to }
  const now = await existingIn(rows, version, region)
  const before = await rows.ledger.record(subject, now, atMs)
  const from = regionName(version.region ?? '')
  if (before || !now || from === to || !isCopy) return
  const { occupiedBytes: billedBytes } = now
  await rows.ledger.addMove({
    ...subject,
    ...{ from, atMs, billedBytes, movedBytes: 0, tookMs: 0 },
  })
}

/** What roots say that lies there whole; undefined for nothing. */
async function existingIn(
  rows: Rows,
  { key, status }: Pick<ResourceRow, 'key' | 'status'>,
  region: string,
): Promise<Existing | undefined> {
  const replica = (await rows.replicas.of([key])).find((row) => row.region === region)
  if (!replica?.usable) return undefined
  const { disks } = versionContent(status)
  const here = (await rows.placements.rootsOf(key)).flatMap(({ space, image }) => {
    const parsed = parseSpaceId(space)
    return parsed?.region === region ? [{ space: parsed, image }] : []
  })
  const isWhole = ({ id }: Space) =>
    disks.every((disk) => here.some(({ space, image }) => space.id === id && image === disk.image))
  const whole = here.map(({ space }) => space).filter(isWhole)
  const [first] = whole
  if (!first) return undefined
  // The zones of one ZRS copy are one replica.
  const replicas = new Set(whole.map(({ storageType, ordinal }) => `${storageType}/${ordinal}`))
  const occupiedBytes = disks.reduce((sum, disk) => sum + disk.occupiedBytes, 0)
  return { storageType: first.storageType, replicas: replicas.size, occupiedBytes }
}

export type Crossings = ReturnType<typeof openCrossings>

type Crossed = {
  readonly bytes: ReadonlyMap<RegionName, number>
  readonly fromMs: number
  readonly untilMs: number
}

/** Bytes that come from other regions, until they are written down: a death in between loses no more than these. */
export function openCrossings(subject: LedgerSubject, world: Pick<World, 'now'>) {
  let bytes = new Map<RegionName, number>()
  let fromMs = world.now().getTime()

  function add(from: RegionName, more: number): void {
    bytes.set(from, (bytes.get(from) ?? 0) + more)
  }

  /** What came since it was last taken. */
  function take(): Crossed {
    const untilMs = world.now().getTime()
    const taken = { bytes, fromMs, untilMs }
    bytes = new Map()
    fromMs = untilMs
    return taken
  }

  /** It could not be written. */
  function giveBack(taken: Crossed): void {
    for (const [from, more] of taken.bytes) add(from, more)
    fromMs = taken.fromMs
  }

  async function writeDown(rows: Rows, taken: Crossed, atMs: number): Promise<void> {
    const tookMs = Math.max(0, taken.untilMs - taken.fromMs)
    for (const [from, movedBytes] of taken.bytes) {
      await rows.ledger.addMove({ ...subject, from, atMs, billedBytes: 0, movedBytes, tookMs })
    }
  }

  return { add, take, giveBack, writeDown }
}
