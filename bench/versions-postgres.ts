import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openHttp } from '../src/client/http.ts'
import { moveRows } from '../src/store/move-rows.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { type Bench, type Group, ratios, secondsOf, takePairs } from './bench.ts'
import { type ChildServer, startJsonServer, startVitrine } from './child-server.ts'
import { appendRate, atOnce, createRate, versionBody } from './create-versions.ts'
import { formatSpread } from './figures.ts'
import { connections, loadOfAll } from './load.ts'
import { makeManyVersions, openVersions, versionCount } from './many-versions.ts'
import { allPages, asked } from './read-versions.ts'

/** As a database in use is set; tests have it off. */
export const durable = { fsync: 'on', full_page_writes: 'on' }

type Versions = Awaited<ReturnType<typeof openVersions>>

/** Targets 11 to 14 with the rows in PostgreSQL, answered by one process and by two. */
export const versionsOnPostgres: Group = {
  targets: [11, 12, 13, 14],
  name: 'versions in PostgreSQL, 1 and 2 API processes',
  async run(bench: Bench) {
    const { folder, disk } = await makeManyVersions(bench)
    const postgres = await startPostgres(undefined, durable)
    const servers: ChildServer[] = []
    try {
      const url = await postgres.createDatabase('bench')
      await moveRows(join(folder, 'vitrine.db'), { url })
      servers.push(await startVitrine(folder, settingsFor(url)))
      servers.push(await startSecond(bench, folder, url))
      const processes = await Promise.all(servers.map((each) => openVersions(folder, each.url)))
      const counts = [processes.slice(0, 1), processes]
      for (const versions of counts) await readWith(bench, versions)
      // Last: what they set in motion goes on behind them.
      for (const versions of counts) await createWith(bench, versions, disk)
    } finally {
      for (const server of servers) await server.stop()
      await postgres.remove()
      await rm(folder, { recursive: true })
    }
  },
}

function settingsFor(url: string) {
  const limits = { versionsPerRegion: 1_000_000 }
  return { plainHttp: true, limits, database: { url, poolMax: 16 } }
}

/** Another process of the installation, which answers clients alone. */
async function startSecond(bench: Bench, folder: string, url: string): Promise<ChildServer> {
  const second = join(bench.folder, 'second')
  await mkdir(second)
  await copyFile(join(folder, 'installation.key'), join(second, 'installation.key'))
  return startVitrine(second, { ...settingsFor(url), roles: ['api'], ownRegions: [] })
}

const by = (processes: readonly Versions[]) =>
  `PostgreSQL, ${processes.length} API process${processes.length === 1 ? '' : 'es'}`

async function readWith(bench: Bench, processes: readonly Versions[]): Promise<void> {
  const [first] = processes
  if (!first) return
  const names = Array.from({ length: asked }, (_, at) => `1.0.${at}`)
  const gets = processes.map(({ one, headers }) => ({ urls: names.map(one), headers }))
  const single = await overCeiling(bench, gets)
  bench.say({
    target: 11,
    what: `GET of ${asked} versions in turn over node:http + stringify; ${by(processes)}`,
    values: ratios(single),
    unit: 'x',
    detail: `${formatSpread(single.ours, '/s')} over ${formatSpread(single.theirs, '/s')}, ${connections} connections`,
  })
  const pages = await Promise.all(processes.map((each) => allPages(each)))
  const lists = processes.map(({ headers }, at) => ({ urls: pages[at] ?? [], headers }))
  const paged = await overCeiling(bench, lists)
  bench.say({
    target: 12,
    what: `all pages of ${versionCount} versions in turn over node:http + stringify of a page; ${by(processes)}`,
    values: ratios(paged),
    unit: 'x',
    detail: `${formatSpread(paged.ours, 'pages/s')} over ${formatSpread(paged.theirs, 'pages/s')}`,
  })
  if (processes.length > 1) return
  const seconds: number[] = []
  for (let round = 0; round < bench.pairs; round++) {
    seconds.push(await secondsOf(() => allPages(first)))
  }
  const what = `all ${versionCount} versions listed, page after page; ${by(processes)}`
  bench.say({ target: 13, what, values: seconds, unit: 's', detail: 'asked of one process' })
}

/** Over one server that only stringifies, whatever the number of processes. */
async function overCeiling(bench: Bench, servers: Parameters<typeof loadOfAll>[0]) {
  const [first] = servers
  const document = join(bench.folder, 'document.json')
  const headers = { ...first?.headers }
  await writeFile(document, await (await fetch(first?.urls[0] ?? '', { headers })).text())
  const ceiling = await startJsonServer(document)
  try {
    return await takePairs(
      bench.pairs,
      () => loadOfAll(servers),
      () => loadOfAll([{ urls: [ceiling.url], headers }]),
    )
  } finally {
    await ceiling.stop()
  }
}

async function createWith(bench: Bench, processes: readonly Versions[], disk: string) {
  const http = openHttp()
  const body = JSON.stringify(versionBody(disk))
  const major = processes.length + 1
  try {
    const paired = await takePairs(
      bench.pairs,
      (round) =>
        createRate((at) => {
          const { one, headers } = processes[at % processes.length] as Versions
          return { method: 'PUT', url: one(`${major}.${round}.${at}`), headers, body, http }
        }),
      async () => appendRate(bench),
    )
    bench.say({
      target: 14,
      what: `durable create of a version, ${atOnce} at once, over append + fdatasync; ${by(processes)}`,
      values: ratios(paired),
      unit: 'x',
      detail: `${formatSpread(paired.ours, '/s')}, its replication starting meanwhile, over ${formatSpread(paired.theirs, '/s')}`,
    })
  } finally {
    http.close()
  }
}
