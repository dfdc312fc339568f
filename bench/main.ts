import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { authorisation } from './authorisation.ts'
import type { Bench, Group } from './bench.ts'
import { claims } from './claims.ts'
import { createVersions } from './create-versions.ts'
import { type Figure, formatFigure, formatMissing, type Missing } from './figures.ts'
import { flatMemory } from './flat-memory.ts'
import { growth } from './growth.ts'
import { openImages } from './images.ts'
import { ingestSize } from './ingest-size.ts'
import { manyDisks } from './many-disks.ts'
import { publishOverGlance } from './publish-glance.ts'
import { publishFromDisk } from './publish-local.ts'
import { readDisk } from './read-disk.ts'
import { readVersions } from './read-versions.ts'
import { replicate } from './replicate.ts'
import { replicateStores } from './replicate-stores.ts'
import { transfer } from './transfer.ts'
import { uploadNext } from './upload-next.ts'
import { versionsOverGlance } from './versions-glance.ts'
import { versionsOnPostgres } from './versions-postgres.ts'

const groups: readonly Group[] = [
  publishFromDisk,
  publishOverGlance,
  uploadNext,
  growth,
  replicate,
  replicateStores,
  manyDisks,
  readDisk,
  readVersions,
  createVersions,
  versionsOnPostgres,
  claims,
  versionsOverGlance,
  ingestSize,
  flatMemory,
  transfer,
  authorisation,
]

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    only: { type: 'string' },
    images: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'vitrine-bench') },
  },
})

const only = options.only?.split(',').map(Number)
await mkdir(options.work, { recursive: true })
const folder = await mkdtemp(join(options.work, 'run-'))
const images = openImages(join(options.work, 'images'), options.images)
const lines: string[] = []

const bench: Bench = {
  pairs: Math.max(1, Number(options.pairs)),
  folder,
  images,
  say: (figure: Figure) => tell(formatFigure(figure)),
  missing: (what: Missing) => tell(formatMissing(what)),
}

function tell(line: string): void {
  lines.push(line)
  console.log(line)
}

console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}`)
console.log(`${images.what}; ${bench.pairs} pairs, interleaved; median [least–most]\n`)
try {
  for (const group of groups) {
    if (only && !group.targets.some((target) => only.includes(target))) continue
    const load = loadavg()[0]?.toFixed(1)
    console.log(`    ${group.name} (targets ${group.targets.join(', ')}; load ${load})`)
    try {
      await group.run(bench)
    } catch (error) {
      process.exitCode = 1
      tell(`    ${group.name} broke: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
  console.log(`\nAll figures again:\n\n${lines.join('\n')}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
