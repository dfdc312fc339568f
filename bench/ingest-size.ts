import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Bench, type Group, ratios } from './bench.ts'
import { formatSpread } from './figures.ts'
import { run, settle } from './programs.ts'

const Child = z.object({ seconds: z.number(), occupiedBytes: z.number(), peakBytes: z.number() })
type Child = z.infer<typeof Child>

/** Targets 15, 16: memory and time follow the data of a disk, not its size. Each ingest runs in a process of its own. */
export const ingestSize: Group = {
  targets: [15, 16],
  name: 'ingest of a 127 GiB disk',
  async run(bench: Bench) {
    if (!existsSync('/proc/self/status')) {
      bench.missing({ target: 15, what: 'peak memory', why: 'it is read from Linux’ /proc' })
      return
    }
    const runs = { v1: [] as Child[], s8: [] as Child[], s127: [] as Child[] }
    const names = ['v1', 's8', 's127'] as const
    for (let pair = 0; pair < bench.pairs; pair++) {
      for (const name of names) runs[name].push(ingestInChild(bench, bench.images[name]()))
    }
    sayMemory(bench, runs)
    sayTime(bench, runs)
  },
}

type Runs = Readonly<Record<'v1' | 's8' | 's127', readonly Child[]>>

function sayMemory(bench: Bench, runs: Runs): void {
  const [v1, s127] = [runs.v1, runs.s127].map((taken) => taken.map((one) => one.peakBytes / 1e6))
  bench.say({
    target: 15,
    what: 'peak memory of a process that ingests s127',
    values: s127 ?? [],
    unit: 'MB',
    must: { atMost: 200 },
    moonshot: { atMost: 120 },
    detail: 'VmHWM of all of it: rows, lanes, Node itself',
  })
  bench.say({
    target: 15,
    what: 'the same over v1',
    values: ratios({ ours: s127 ?? [], theirs: v1 ?? [] }),
    unit: 'x',
    must: { atMost: 1.2 },
    moonshot: { atMost: 1.05 },
    detail: `v1: ${formatSpread(v1 ?? [], 'MB')}`,
  })
}

function sayTime(bench: Bench, runs: Runs): void {
  const [ours, theirs] = [runs.s127, runs.s8].map((taken) =>
    taken.map((one) => (one.seconds / one.occupiedBytes) * 1e9),
  )
  bench.say({
    target: 16,
    what: 'ingest of s127 over s8, for each byte of data',
    values: ratios({ ours: ours ?? [], theirs: theirs ?? [] }),
    unit: 'x',
    must: { atMost: 1.5 },
    moonshot: { atMost: 1.1 },
    detail: `${formatSpread(ours ?? [], 's/GB')} over ${formatSpread(theirs ?? [], 's/GB')}`,
  })
}

function ingestInChild(bench: Bench, file: string): Child {
  settle(bench.folder)
  const child = join(import.meta.dirname, 'ingest-child.ts')
  const printed = run(process.execPath, [child, file, join(bench.folder, 'child')])
  return Child.parse(JSON.parse(printed))
}
