import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openHttp } from '../src/client/http.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { createRate, versionBody } from './create-versions.ts'
import { formatSpread } from './figures.ts'
import { type Glance, imageBody, startGlance, whyNoGlance } from './glance.ts'
import { connections, loadOf } from './load.ts'
import { makeManyVersions, openVersions, versionCount } from './many-versions.ts'
import { allPages } from './read-versions.ts'

/** What Glance lists at most in one answer. */
const listed = 1000
const imagesAtOnce = 80

/** Targets 11, 13, 14: versions read, listed and made, over images of OpenStack Glance. Both over plain HTTP, by the same client. */
export const versionsOverGlance: Group = {
  targets: [11, 13, 14],
  name: 'versions over images of Glance',
  async run(bench: Bench) {
    const why = whyNoGlance()
    if (why !== undefined) {
      for (const target of this.targets)
        bench.missing({ target, what: 'versions over images of Glance', why })
      return
    }
    const { folder, disk } = await makeManyVersions(bench)
    const server = await startVitrine(folder, {
      plainHttp: true,
      limits: { versionsPerRegion: 1_000_000 },
    })
    try {
      const versions = await openVersions(folder, server.url)
      const glance = await startGlance(join(bench.folder, 'glance'))
      try {
        await makeImages(glance)
        await readBoth(bench, { versions, glance })
        await createBoth(bench, { versions, disk, glance })
      } finally {
        await glance.stop()
      }
    } finally {
      await server.stop()
      await rm(folder, { recursive: true })
    }
  },
}

type Sides = {
  readonly versions: Awaited<ReturnType<typeof openVersions>>
  readonly glance: Glance
}

async function makeImages(glance: Glance): Promise<void> {
  const http = openHttp()
  await createRate(() => ({ ...imageRequest(glance), http }), listed)
  http.close()
}

function imageRequest({ images, headers }: Glance) {
  const body = JSON.stringify(imageBody('made', 'raw'))
  return { method: 'POST', url: images, headers, body } as const
}

async function createBoth(bench: Bench, { versions, glance, disk }: Sides & { disk: string }) {
  const http = openHttp()
  const { one, headers } = versions
  const body = JSON.stringify(versionBody(disk))
  try {
    const paired = await takePairs(
      bench.pairs,
      (round) =>
        createRate((at) => ({ method: 'PUT', url: one(`3.${round}.${at}`), headers, body, http })),
      () => createRate(() => ({ ...imageRequest(glance), http }), imagesAtOnce),
    )
    bench.say({
      target: 14,
      what: 'durable create of a version, 8 at once, over a create of Glance',
      values: ratios(paired),
      unit: 'x',
      must: { atLeast: 10 },
      moonshot: { atLeast: 30 },
      detail: `${formatSpread(paired.ours, '/s')}, its replication starting meanwhile, over ${formatSpread(paired.theirs, '/s')}; ${different}`,
    })
  } finally {
    http.close()
  }
}

const different = 'Glance checks policy in Python, and no token'

async function readBoth(bench: Bench, { versions, glance }: Sides): Promise<void> {
  const id = await glance.create('one', 'raw')
  const urls = Array.from({ length: 1000 }, (_, at) => versions.one(`1.0.${at}`))
  const gets = await takePairs(
    bench.pairs,
    async () => loadOf(urls, versions.headers).rate,
    async () => loadOf(`${glance.images}/${id}`, glance.headers).rate,
  )
  bench.say({
    target: 11,
    what: `GET of ${urls.length} versions in turn over a GET of Glance`,
    values: ratios(gets),
    unit: 'x',
    must: { atLeast: 50 },
    moonshot: { atLeast: 100 },
    detail: `${formatSpread(gets.ours, '/s')} over ${formatSpread(gets.theirs, '/s')}, ${connections} connections; ${different}`,
  })
  const lists = await takePairs(
    bench.pairs,
    () => secondsOf(() => allPages(versions)),
    () => secondsOf(() => listImages(glance)),
  )
  bench.say({
    target: 13,
    what: `all ${versionCount} versions listed, page after page, over 10x Glance's list of ${listed}`,
    values: ratios(lists).map((ratio) => ratio / 10),
    unit: 'x',
    must: { atMost: 1 / 10 },
    moonshot: { atMost: 1 / 30 },
    detail: `${formatSpread(lists.ours, 's')} over 10x ${formatSpread(lists.theirs, 's')}; ${different}`,
  })
}

async function listImages({ images, headers }: Glance): Promise<void> {
  const answer = await fetch(`${images}?limit=${listed}`, { headers })
  const page: unknown = await answer.json()
  const found = typeof page === 'object' && page !== null && 'images' in page ? page.images : []
  if (!Array.isArray(found) || found.length < listed) throw new Error('Glance listed too few')
}
