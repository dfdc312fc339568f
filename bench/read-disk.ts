import { rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { mapBounded } from '../src/base/bounded.ts'
import { apiVersions } from '../src/cli/paths.ts'
import { accessOf, readOwner } from '../src/cli/profile.ts'
import { openSession } from '../src/cli/session.ts'
import { isObject } from '../src/client/client.ts'
import { clientLimits } from '../src/client/client-limits.ts'
import { joinNear, rangesByBlock } from '../src/client/data-runs.ts'
import { openPageBlob } from '../src/client/page-blob.ts'
import type { ByteRange } from '../src/domain/byte-range.ts'
import { openWorld } from '../src/world.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startFileServer, startVitrine } from './child-server.ts'
import { formatSpread } from './figures.ts'
import { group, importDisk, openSite } from './site.ts'

const atOnce = 4
const { signal } = new AbortController()
const world = openWorld('error')

/** Target 10: the data of a disk, read in full through its SAS, over the same ranges streamed from a hot file. */
export const readDisk: Group = {
  targets: [10],
  name: 'read a disk in full',
  async run(bench: Bench) {
    const folder = join(bench.folder, 'read')
    const file = bench.images.v1()
    const site = await openSite(folder)
    await importDisk(site, 'v1', file)
    await site.close()
    const ours = await startVitrine(folder)
    const theirs = await startFileServer(file)
    try {
      const { url, ranges } = await openRead(folder)
      const bytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0)
      const rate = async (from: string): Promise<number> =>
        bytes / 1e6 / (await secondsOf(() => readAll(from, ranges)))
      await rate(url)
      const paired = await takePairs(
        bench.pairs,
        () => rate(url),
        () => rate(theirs.url),
      )
      bench.say({
        target: 10,
        what: 'read a disk in full, its data alone, over a hot file stream of the same bytes',
        values: ratios(paired),
        unit: 'x',
        must: { atLeast: 0.5 },
        moonshot: { atLeast: 0.8 },
        detail: `${formatSpread(paired.ours, 'MB/s')} over ${formatSpread(paired.theirs, 'MB/s')}, plain HTTP, ${atOnce} ranges at once`,
      })
    } finally {
      await theirs.stop()
      await ours.stop()
      await rm(folder, { recursive: true })
    }
  },
}

/** The SAS of the disk and where it has data, in pieces as our client asks for them. */
async function openRead(folder: string) {
  const { client, paths } = await openSession(
    accessOf(await readOwner(join(folder, 'owner.json'))),
    world,
  )
  try {
    const body = { access: 'Read', durationInSeconds: 3600 }
    const path = `${paths.disk(group, 'v1')}/beginGetAccess`
    const answer = await client.call('POST', path, { apiVersion: apiVersions.disks, body, signal })
    const given = await client.wait(answer, { signal })
    const url = isObject(given) ? String(given.accessSAS) : ''
    const blob = openPageBlob({ http: client.http, sasUrl: url, world })
    // The file has no footer.
    const endBytes = (await blob.sizeBytes(signal)) - 512
    const found = await blob.dataRanges(signal)
    const inFile = found.filter((range) => range.offsetBytes < endBytes)
    const blocks = rangesByBlock(inFile, clientLimits.blockBytes)
    return { url, ranges: [...blocks.values()].flatMap((each) => [...joinNear(each)]) }
  } finally {
    client.close()
  }
}

async function readAll(url: string, ranges: readonly ByteRange[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  try {
    await mapBounded(ranges, atOnce, (range) => readRange(agent, url, range))
  } finally {
    agent.destroy()
  }
}

/** Reads and counts; the bytes go nowhere. */
function readRange(agent: Agent, url: string, range: ByteRange): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const last = range.offsetBytes + range.lengthBytes - 1
  const headers = { 'x-ms-range': `bytes=${range.offsetBytes}-${last}` }
  get(url, { agent, headers }, (answer) => {
    let left = range.lengthBytes
    answer.on('data', (part: Buffer) => {
      left -= part.length
    })
    answer.on('end', () =>
      left === 0 ? resolve() : reject(new Error(`${left} bytes are missing`)),
    )
    answer.on('error', reject)
  }).on('error', reject)
  return promise
}
