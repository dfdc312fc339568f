import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mapBounded } from '../src/base/bounded.ts'
import { type Http, openHttp } from '../src/client/http.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { formatSpread } from './figures.ts'
import { makeManyVersions, openVersions } from './many-versions.ts'

const creates = 400
export const atOnce = 8
const appends = 1000
const documentBytes = 1100
const { signal } = new AbortController()

/** Target 14: creates of versions, durable when answered, over appends of a document that are each synced. */
export const createVersions: Group = {
  targets: [14],
  name: 'durable creates of versions',
  async run(bench: Bench) {
    const { folder, disk } = await makeManyVersions(bench)
    const server = await startVitrine(folder, {
      plainHttp: true,
      limits: { versionsPerRegion: 1_000_000 },
    })
    const http = openHttp()
    try {
      const { one, headers } = await openVersions(folder, server.url)
      const body = JSON.stringify(versionBody(disk))
      const paired = await takePairs(
        bench.pairs,
        (round) =>
          createRate((at) => ({
            method: 'PUT',
            url: one(`2.${round}.${at}`),
            headers,
            body,
            http,
          })),
        async () => appendRate(bench),
      )
      bench.say({
        target: 14,
        what: `durable create of a version, ${atOnce} at once, over append + fdatasync of ${documentBytes} bytes`,
        values: ratios(paired),
        unit: 'x',
        must: { atLeast: 0.5 },
        moonshot: { atLeast: 1 },
        detail: `${formatSpread(paired.ours, '/s')}, its replication starting meanwhile, over ${formatSpread(paired.theirs, '/s')}`,
      })
    } finally {
      http.close()
      await server.stop()
      await rm(folder, { recursive: true })
    }
  },
}

export function versionBody(disk: string) {
  return {
    location: 'westeurope',
    properties: {
      publishingProfile: { targetRegions: [{ name: 'westeurope', regionalReplicaCount: 1 }] },
      storageProfile: { osDiskImage: { source: { id: disk } } },
    },
  }
}

type Create = {
  readonly method: 'PUT' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly http: Http
}

/** Creates a second, eight at once. */
export async function createRate(
  requestOf: (at: number) => Create,
  count = creates,
): Promise<number> {
  const create = async (at: number): Promise<void> => {
    const { http, ...request } = requestOf(at)
    const headers = { ...request.headers, 'content-type': 'application/json' }
    const answer = await http.send({ ...request, headers, signal })
    if (answer.status !== 201) throw new Error(`${request.url}: ${answer.status} ${answer.body}`)
  }
  return count / (await secondsOf(() => mapBounded(Array(count).keys(), atOnce, create)))
}

/** Appends a second to one file, each synced. */
export function appendRate(bench: Bench): number {
  const file = openSync(join(bench.folder, 'appends'), 'w')
  const document = Buffer.alloc(documentBytes, 'x')
  const start = performance.now()
  for (let at = 0; at < appends; at++) {
    writeSync(file, document)
    fdatasyncSync(file)
  }
  const seconds = (performance.now() - start) / 1000
  closeSync(file)
  return appends / seconds
}
