import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { regionName } from '../src/domain/regions.ts'
import type { SpaceId } from '../src/domain/spaces.ts'
import { verifyImage } from '../src/regions/verify-image.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { expectSame } from './compare.ts'
import { formatSpread, median } from './figures.ts'
import { settle, sparseCopy } from './programs.ts'
import { importDisk, liveBytes, openSite, putVersion, type Site, settled } from './site.ts'

const regions = ['westeurope', 'northeurope', 'eastus']
const spaces = regions.flatMap((region) =>
  [1, 2].map((replica) => `${regionName(region)}/Standard_LRS/${replica}` as SpaceId),
)
const [home] = spaces
const forever = new AbortController().signal

type Taken = {
  readonly publishSeconds: number
  readonly replicateSeconds: number
  /** For v2: bytes that came to each space over the bytes that were added at home. */
  readonly moved: number
}

/** Targets 7, 8: a version in three regions with two replicas each, by the engine: six copies, each stored for itself. */
export const replicate: Group = {
  targets: [7, 8],
  name: 'replicate to 3 regions x 2',
  async run(bench: Bench) {
    const file = bench.images.v1()
    const taken: Taken[] = []
    const whole = await takePairs(
      bench.pairs,
      async () => {
        const one = await replicateOnce(bench)
        taken.push(one)
        return one.publishSeconds + one.replicateSeconds
      },
      () => fiveCopies(bench, file),
    )
    const alone = { ours: taken.map((one) => one.replicateSeconds), theirs: whole.theirs }
    bench.say({
      target: 7,
      what: 'v1 from a local disk to six verified copies over 5x cp --sparse=always + sync',
      values: ratios(whole),
      unit: 'x',
      must: { atMost: 2 },
      moonshot: { atMost: 1 },
      detail: `${formatSpread(whole.ours, 's')} over ${formatSpread(whole.theirs, 's')}; every copy read back, one compared`,
    })
    bench.say({
      target: undefined,
      what: 'of that the replication alone (PUT of the version until Succeeded)',
      values: ratios(alone),
      unit: 'x',
      detail: formatSpread(alone.ours, 's'),
    })
    const moved = taken.map((one) => one.moved)
    bench.say({
      target: 8,
      what: 'v2 to the same six: bytes moved to each over the bytes added at home',
      values: moved,
      unit: 'x',
      must: { atMost: 1.1 },
      moonshot: { atMost: 1.02 },
      detail: `the space that got most counts; ${median(moved) > 1 ? 're-packed' : 'whole packs'}`,
    })
  },
}

async function replicateOnce(bench: Bench): Promise<Taken> {
  const site = await openSite(join(bench.folder, 'site'))
  try {
    settle(bench.folder)
    let digest = '' as Awaited<ReturnType<typeof importDisk>>['image']
    let id = ''
    const publishSeconds = await secondsOf(async () => {
      const disk = await importDisk(site, 'v1', bench.images.v1())
      digest = disk.image
      id = disk.id
    })
    const replicateSeconds = await secondsOf(() => publish(site, '1.0.0', id))
    for (const space of spaces) {
      const { damaged } = await verifyImage(site.plane, { image: digest, space, signal: forever })
      if (damaged.length > 0) throw new Error(`${space} is damaged: ${damaged[0]?.why}`)
    }
    const last = spaces.at(-1) ?? ('' as SpaceId)
    await expectSame(site.plane, { digest, space: last }, bench.images.v1())
    return { publishSeconds, replicateSeconds, moved: await moveNext(site, bench) }
  } finally {
    await site.close()
    await rm(site.folder, { recursive: true })
  }
}

async function publish(site: Site, version: string, id: string): Promise<void> {
  await settled(site, await putVersion(site, version, { id, regions, replicas: 2 }))
}

async function moveNext(site: Site, bench: Bench): Promise<number> {
  const before = await Promise.all(spaces.map((space) => liveBytes(site, space)))
  const { id, addedBytes } = await importDisk(site, 'v2', bench.images.v2())
  await publish(site, '1.0.1', id)
  const after = await Promise.all(spaces.map((space) => liveBytes(site, space)))
  const moved = spaces.flatMap((space, at) =>
    space === home ? [] : [(after[at] ?? 0) - (before[at] ?? 0)],
  )
  return Math.max(...moved) / addedBytes
}

async function fiveCopies(bench: Bench, file: string): Promise<number> {
  settle(bench.folder)
  let seconds = 0
  for (let copy = 0; copy < 5; copy++) {
    seconds += sparseCopy(file, join(bench.folder, `copy-${copy}.raw`))
  }
  for (let copy = 0; copy < 5; copy++) await rm(join(bench.folder, `copy-${copy}.raw`))
  return seconds
}
