import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { startJsonServer, startVitrine } from './child-server.ts'
import { formatSpread, median } from './figures.ts'
import { connections, loadOf } from './load.ts'
import { makeManyVersions, openVersions, versionCount } from './many-versions.ts'

const Page = z.object({ value: z.array(z.unknown()), nextLink: z.string().optional() })

/** Versions that are asked for in turn. */
export const asked = 1000

type Versions = Awaited<ReturnType<typeof openVersions>>

/** Targets 11 to 13: GET and lists of versions, authorised, from the store, over a server that only stringifies the same. */
export const readVersions: Group = {
  targets: [11, 12, 13],
  name: 'GET and list of versions',
  async run(bench: Bench) {
    const { folder } = await makeManyVersions(bench)
    const server = await startVitrine(folder)
    try {
      const versions = await openVersions(folder, server.url)
      await getOne(bench, versions)
      const pages = await allPages(versions)
      await listPages(bench, versions, pages)
      await listAll(bench, versions)
    } finally {
      await server.stop()
      await rm(folder, { recursive: true })
    }
  },
}

async function getOne(bench: Bench, versions: Versions): Promise<void> {
  const urls = Array.from({ length: asked }, (_, at) => versions.one(`1.0.${at}`))
  const paired = await overCeiling(bench, urls, versions)
  bench.say({
    target: 11,
    what: `GET of ${asked} versions in turn over node:http + stringify of such a document`,
    values: ratios(paired),
    unit: 'x',
    must: { atLeast: 0.5 },
    moonshot: { atLeast: 0.75 },
    detail: `${formatSpread(paired.ours, '/s')} over ${formatSpread(paired.theirs, '/s')}, ${connections} connections, plain HTTP`,
  })
}

async function listPages(bench: Bench, versions: Versions, pages: readonly string[]) {
  const [first = '', last = ''] = [pages[0], pages.at(-1)]
  const paired = await overCeiling(bench, [first], versions)
  bench.say({
    target: 12,
    what: `list of a page of 100 among ${versionCount} versions over node:http + stringify of the same page`,
    values: ratios(paired),
    unit: 'x',
    must: { atLeast: 0.4 },
    moonshot: { atLeast: 0.7 },
    detail: `${formatSpread(paired.ours, 'pages/s')} over ${formatSpread(paired.theirs, 'pages/s')}`,
  })
  const turning = await overCeiling(bench, pages, versions)
  bench.say({
    target: 12,
    what: 'the same, all pages in turn: more than are kept in memory',
    values: ratios(turning),
    unit: 'x',
    detail: formatSpread(turning.ours, 'pages/s'),
  })
  const ends = await takePairs(
    bench.pairs,
    async () => loadOf(last, versions.headers).p50Ms,
    async () => loadOf(first, versions.headers).p50Ms,
  )
  bench.say({
    target: 12,
    what: 'last page over first page, median time',
    values: ratios(ends),
    unit: 'x',
    must: { atMost: 1.5 },
    moonshot: { atMost: 1.1 },
    detail: `${formatSpread(ends.ours, 'ms')} over ${formatSpread(ends.theirs, 'ms')}`,
  })
}

async function listAll(bench: Bench, versions: Versions): Promise<void> {
  const seconds: number[] = []
  for (let round = 0; round < bench.pairs; round++) {
    seconds.push(await secondsOf(() => allPages(versions)))
  }
  bench.say({
    target: undefined,
    what: `all ${versionCount} versions listed, page after page`,
    values: seconds,
    unit: 's',
    detail: `${Math.round(versionCount / median(seconds))} versions/s`,
  })
}

/** The URLs of all pages, asked one after another. */
export async function allPages({ list, headers }: Versions): Promise<string[]> {
  const pages: string[] = []
  let count = 0
  // The load of a child process stops this one: connections that the server closed meanwhile are noticed now.
  await wait(20)
  for (let next: string | undefined = list; next !== undefined; ) {
    pages.push(next)
    const page = await pageAt(next, headers)
    count += page.value.length
    next = page.nextLink
  }
  if (count !== versionCount) throw new Error(`${count} versions were listed`)
  return pages
}

async function pageAt(url: string, headers: Versions['headers']) {
  return Page.parse(await (await fetch(url, { headers })).json())
}

async function overCeiling(bench: Bench, urls: readonly string[], { headers }: Versions) {
  const document = join(bench.folder, 'document.json')
  await writeFile(document, await (await fetch(urls[0] ?? '', { headers })).text())
  const ceiling = await startJsonServer(document)
  try {
    return await takePairs(
      bench.pairs,
      async () => loadOf(urls, headers).rate,
      async () => loadOf(ceiling.url, headers).rate,
    )
  } finally {
    await ceiling.stop()
  }
}
