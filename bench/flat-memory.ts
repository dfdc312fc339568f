import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Bench, type Group, ratios } from './bench.ts'
import { formatSpread } from './figures.ts'
import { run, settle } from './programs.ts'

const Peaks = z.record(z.string(), z.number())
type Peaks = z.infer<typeof Peaks>

const disks = [
  ['s100', '100 GiB with 2 GiB of data'],
  ['m100', '100 GiB with 65,000 scattered pages of 4 KiB'],
] as const

/** Target 17: whatever is done with a disk of 100 GiB, its size is not seen in memory. */
export const flatMemory: Group = {
  targets: [17],
  name: 'memory of a 100 GiB disk',
  async run(bench: Bench) {
    if (!existsSync('/proc/self/clear_refs')) {
      bench.missing({ target: 17, what: 'peak memory', why: 'it is read from Linux’ /proc' })
      return
    }
    const runs = { v1: [] as Peaks[], s100: [] as Peaks[], m100: [] as Peaks[] }
    for (let pair = 0; pair < bench.pairs; pair++) {
      for (const name of ['v1', 's100', 'm100'] as const) {
        runs[name].push(peaksOf(bench, bench.images[name]()))
      }
    }
    for (const [name, what] of disks) {
      for (const deed of Object.keys(runs[name][0] ?? {})) {
        const [ours, theirs] = [runs[name], runs.v1].map((each) =>
          each.map((peaks) => (peaks[deed] ?? Number.NaN) / 1e6),
        )
        bench.say({
          target: 17,
          what: `${deed}: peak memory with ${what}, over v1`,
          values: ratios({ ours: ours ?? [], theirs: theirs ?? [] }),
          unit: 'x',
          must: { atMost: 1.2 },
          moonshot: { atMost: 1.05 },
          detail: `${formatSpread(ours ?? [], 'MB')} over ${formatSpread(theirs ?? [], 'MB')}`,
        })
      }
    }
  },
}

function peaksOf(bench: Bench, file: string): Peaks {
  settle(bench.folder)
  const child = join(import.meta.dirname, 'flat-memory-child.ts')
  return Peaks.parse(JSON.parse(run(process.execPath, [child, file, join(bench.folder, 'child')])))
}
