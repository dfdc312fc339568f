import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '../../src/domain/limits.ts'
import type { Balancer } from '../support/balancer.ts'
import type { Chance } from './chance.ts'
import type { Site } from './site.ts'

type Fault = {
  readonly name: string
  /** How often it is chosen. */
  readonly weight: number
  /** Ends when the fault is over. */
  befall(site: Site, chance: Chance): Promise<void>
}

const hourMs = 3_600_000

const faults: readonly Fault[] = [
  {
    name: 'kill',
    weight: 6,
    async befall({ children }, chance) {
      chance.of(children).kill(chance.between(0, 2_000))
    },
  },
  {
    name: 'kill two',
    weight: 2,
    async befall({ children }, chance) {
      for (let killed = 0; killed < 2; killed++) {
        chance.of(children).kill(chance.between(0, 2_000))
      }
    },
  },
  {
    // Some outlast a lease: others do its work by then, and it must not write.
    name: 'stall',
    weight: 2,
    async befall({ children }, chance) {
      chance.of(children).stall(chance.of([1_000, 5_000, limits.leaseMs + 5_000]))
    },
  },
  {
    name: 'restart with a wrong clock',
    weight: 2,
    async befall({ children }, chance) {
      chance.of(children).restart(chance.of([-5, -1, 0, 1, 5]) * hourMs)
    },
  },
  {
    name: 'drop connections',
    weight: 6,
    async befall(site, chance) {
      for (let drops = chance.between(1, 8); drops > 0; drops--) {
        anyLink(site, chance).cut()
        await sleep(chance.between(10, 200))
      }
    },
  },
  {
    name: 'delay',
    weight: 4,
    async befall(site, chance) {
      const link = anyLink(site, chance)
      link.delay(chance.between(20, 300))
      await sleep(chance.between(500, 3_000))
      link.delay(0)
    },
  },
  {
    name: 'stop PostgreSQL',
    weight: 2,
    async befall({ postgres }, chance) {
      await postgres.stop(chance.of(['fast', 'kill']))
      await sleep(chance.between(100, 4_000))
      await postgres.start()
    },
  },
  {
    name: 'stop S3',
    weight: 2,
    async befall({ s3 }, chance) {
      await s3.stop()
      await sleep(chance.between(100, 4_000))
      await s3.start()
    },
  },
  { name: 'fill the disk', weight: 2, befall: fillDisk },
]

/** Until no page is left; then there is room again. */
async function fillDisk({ disk }: Site, chance: Chance): Promise<void> {
  if (!disk.isSmall) return
  const ballast = join(disk.folder, 'ballast')
  const mib = Buffer.alloc(1024 * 1024)
  try {
    for (;;) await writeFile(ballast, mib, { flag: 'a' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
  await sleep(chance.between(500, 4_000))
  await rm(ballast)
}

function anyLink({ links }: Site, chance: Chance): Balancer {
  return chance.of([links.api, links.postgres, links.s3, ...links.peers])
}

/** One fault after another, each at least once, with some calm in between, until `signal`. Answers how many of each there were. */
export async function befallUntil(
  site: Site,
  chance: Chance,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map(faults.map(({ name }) => [name, 0]))
  const weighted = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault))
  const first = chance.shuffled(faults)
  while (first.length > 0 || !signal.aborted) {
    const { name, befall } = first.pop() ?? chance.of(weighted)
    counts.set(name, (counts.get(name) ?? 0) + 1)
    await befall(site, chance)
    await sleep(chance.between(100, 1_500))
  }
  for (const child of site.children) await child.awake()
  return counts
}
