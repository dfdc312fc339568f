import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { mapBounded } from '../src/base/bounded.ts'
import { apiVersions } from '../src/cli/paths.ts'
import { objectIn } from '../src/client/client.ts'
import { readImage } from '../src/regions/read-image.ts'
import { contentOf } from '../src/resources/content.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { formatSpread, median } from './figures.ts'
import { isInstalled, run, settle } from './programs.ts'
import {
  databaseFile,
  group,
  importDisk,
  openSite,
  putVersion,
  type Site,
  settled,
} from './site.ts'

const disks = 1000
const overlays = 100
const atOnce = 16
const forever = new AbortController().signal

/** Target 9: disks from a version through the API, each durable when it is answered, its first block read. */
export const manyDisks: Group = {
  targets: [9],
  name: '1000 VM disks from a version',
  async run(bench: Bench) {
    const what = '1000 VM disks from a version over the qemu-img overlay rate'
    if (!isInstalled('qemu-img')) {
      bench.missing({ target: 9, what, why: 'qemu-img is not installed' })
      return
    }
    const file = bench.images.v1()
    const site = await openSite(join(bench.folder, 'site'))
    try {
      const { id } = await importDisk(site, 'v1', file)
      const regions = ['westeurope']
      const version = await putVersion(site, '1.0.0', { id, regions, replicas: 1 })
      await settled(site, version)
      const bytes: number[] = []
      const paired = await takePairs(
        bench.pairs,
        async (round) => {
          const had = await databaseBytes(site)
          const rate = await createDisks(site, version, round)
          bytes.push(((await databaseBytes(site)) - had) / disks)
          return rate
        },
        () => createOverlays(bench, file),
      )
      bench.say({
        target: 9,
        what,
        values: ratios(paired),
        unit: 'x',
        must: { atLeast: 10 },
        moonshot: { atLeast: 30 },
        detail: `${formatSpread(paired.ours, '/s')}, ${atOnce} at once over HTTP, over ${formatSpread(paired.theirs, '/s')}, one process a disk; ${Math.round(median(bytes))} bytes a disk`,
      })
    } finally {
      await site.close()
      await rm(site.folder, { recursive: true })
    }
  },
}

async function createDisks(site: Site, version: string, round: number): Promise<number> {
  settle(site.folder)
  const seconds = await secondsOf(() =>
    mapBounded(Array(disks).keys(), atOnce, (at) => createDisk(site, version, `d-${round}-${at}`)),
  )
  return disks / seconds
}

async function createDisk(
  { client, paths, store, plane }: Site,
  version: string,
  name: string,
): Promise<void> {
  const creationData = { createOption: 'FromImage', galleryImageReference: { id: version } }
  const body = { location: 'westeurope', properties: { creationData } }
  const options = { apiVersion: apiVersions.disks, body, signal: forever }
  const { id } = objectIn(await client.call('PUT', paths.disk(group, name), options))
  const row = await store.read.resources.get(String(id).toLowerCase())
  const [content] = contentOf(row?.status ?? {})
  if (row?.state !== 'Succeeded' || !content) throw new Error(`${name} is not ready`)
  const spaces = (await store.read.placements.ofKeepers([row.key])).map(({ space }) => space)
  const first = { offsetBytes: 0, lengthBytes: 4096 }
  await readImage(plane, { image: content.image, spaces, signal: forever, ...first })
}

async function databaseBytes({ folder }: Site): Promise<number> {
  const database = new DatabaseSync(databaseFile(folder))
  database.exec('pragma wal_checkpoint(passive)')
  database.close()
  return (await stat(databaseFile(folder))).size
}

async function createOverlays(bench: Bench, file: string): Promise<number> {
  const folder = join(bench.folder, 'overlays')
  await mkdir(folder)
  settle(folder)
  const seconds = await secondsOf(async () => {
    for (let at = 0; at < overlays; at++) {
      const overlay = join(folder, `${at}.qcow2`)
      run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', file, overlay])
    }
    run('sync', ['-f', folder])
  })
  await rm(folder, { recursive: true })
  return overlays / seconds
}
