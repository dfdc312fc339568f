import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mapBounded } from '../src/base/bounded.ts'
import { openHttp } from '../src/client/http.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { formatSpread } from './figures.ts'
import { makeManyVersions, openVersions } from './many-versions.ts'

const creates = 400
const atOnce = 8
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
      const create = async (name: string): Promise<void> => {
        const sent = { ...headers, 'content-type': 'application/json' }
        const request = { method: 'PUT', url: one(name), headers: sent, body, signal } as const
        const answer = await http.send(request)
        if (answer.status !== 201) throw new Error(`${name}: ${answer.status} ${answer.body}`)
      }
      const paired = await takePairs(
        bench.pairs,
        (round) => createRate(round, create),
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

function versionBody(disk: string) {
  return {
    location: 'westeurope',
    properties: {
      publishingProfile: { targetRegions: [{ name: 'westeurope', regionalReplicaCount: 1 }] },
      storageProfile: { osDiskImage: { source: { id: disk } } },
    },
  }
}

async function createRate(round: number, create: (name: string) => Promise<void>) {
  const seconds = await secondsOf(() =>
    mapBounded(Array(creates).keys(), atOnce, (at) => create(`2.${round}.${at}`)),
  )
  return creates / seconds
}

function appendRate(bench: Bench): number {
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
