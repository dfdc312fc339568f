import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { builtInRoles } from '../src/access/built-in-roles.ts'
import { readOwner } from '../src/cli/profile.ts'
import { openHttp } from '../src/client/http.ts'
import { openTokens } from '../src/client/tokens.ts'
import { freshSecret, hashSecret } from '../src/identity/client-secret.ts'
import { openWorld } from '../src/world.ts'
import { type Bench, type Group, ratios, takePairs } from './bench.ts'
import { startVitrine } from './child-server.ts'
import { formatSpread } from './figures.ts'
import { connections, loadOf, loadSeconds } from './load.ts'
import { makeManyVersions, openVersions, versionCount } from './many-versions.ts'
import { openSite, type Site } from './site.ts'

const rowsAtOnce = 500
const pageRows = 100

/** Target 18: what it costs that who asks was given 10,000 roles, over one who was given one. */
export const authorisation: Group = {
  targets: [18],
  name: 'GET and list by one who has 10,000 roles',
  async run(bench: Bench) {
    const { folder } = await makeManyVersions(bench)
    const readers = await makeReaders(folder)
    const server = await startVitrine(folder)
    try {
      const headersOf = await openHeaders(folder, server.url, readers)
      const { one, list } = await openVersions(folder, server.url)
      const urls = Array.from({ length: 1_000 }, (_, at) => one(`1.0.${at}`))
      await compare(
        bench,
        'GET of 1,000 versions in turn: 10,000 role assignments over one',
        urls,
        {
          pid: server.pid,
          ours: headersOf.many,
          theirs: headersOf.one,
          must: { atMost: 1.15 },
        },
      )
      await compare(bench, 'list of a page of 100: 10,000 role assignments over one', [list], {
        pid: server.pid,
        ours: headersOf.many,
        theirs: headersOf.one,
        must: { atMost: 1.15 },
      })
      await compare(
        bench,
        'the same list, roles at versions alone: 10,000 of them over 100',
        [list],
        {
          pid: server.pid,
          ours: headersOf.manyAlone,
          theirs: headersOf.fewAlone,
        },
      )
    } finally {
      await server.stop()
      await rm(folder, { recursive: true })
    }
  },
}

type Headers = Readonly<Record<string, string>>
type Sides = {
  readonly pid: number
  readonly ours: Headers
  readonly theirs: Headers
  readonly must?: { readonly atMost: number }
}

async function compare(
  bench: Bench,
  what: string,
  urls: readonly string[],
  { pid, ours, theirs, must }: Sides,
): Promise<void> {
  const costOf = (headers: Headers) => async () => {
    const before = cpuSeconds(pid)
    const { rate } = loadOf(urls, headers)
    return ((cpuSeconds(pid) - before) / (rate * loadSeconds)) * 1e6
  }
  const paired = await takePairs(bench.pairs, costOf(ours), costOf(theirs))
  bench.say({
    target: must ? 18 : undefined,
    what: `CPU time of the server, ${what}`,
    values: ratios(paired),
    unit: 'x',
    ...(must && { must }),
    detail: `${formatSpread(paired.ours, 'us')} over ${formatSpread(paired.theirs, 'us')}, ${connections} connections, plain HTTP`,
  })
}

/** What a process has used since it began; Linux counts it in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

type Reader = { readonly clientId: string; readonly clientSecret: string }
type Kind = 'one' | 'many' | 'fewAlone' | 'manyAlone'
type Readers = Readonly<Record<Kind, Reader>>

/** One with a role at the gallery's group; the same with a role at each version too; those with roles at versions alone. */
async function makeReaders(folder: string): Promise<Readers> {
  const { tenantId } = await readOwner(join(folder, 'owner.json'))
  const site = await openSite(folder)
  try {
    const [first] = (
      await site.store.read.resources.list({
        type: 'Microsoft.Compute/galleries/images/versions',
        ...{ scopes: 'all', after: undefined, rowsMax: 1 },
      })
    ).rows
    const definition = first?.parentKey ?? ''
    const gallery = definition.replace(/\/images\/[^/]+$/, '')
    const versions = Array.from({ length: versionCount - 1 }, (_, at) => {
      return `${definition}/versions/1.0.${at}`
    })
    const make = (scopes: readonly string[]) => makeReader(site, tenantId, scopes)
    return {
      one: await make([gallery]),
      many: await make([gallery, ...versions]),
      fewAlone: await make(versions.toSorted().slice(0, pageRows + 1)),
      manyAlone: await make(versions),
    }
  } finally {
    await site.close()
  }
}

async function makeReader(
  { store }: Site,
  tenantId: string,
  scopes: readonly string[],
): Promise<Reader> {
  const world = openWorld('error')
  const clientSecret = freshSecret()
  const { clientId, objectId } = await store.directory.applications.putIfAbsent({
    ...{ clientId: world.id(), objectId: world.id(), tenantId, displayName: 'a reader' },
    secretHash: await hashSecret(clientSecret),
  })
  for (let from = 0; from < scopes.length; from += rowsAtOnce) {
    await Promise.all(
      scopes.slice(from, from + rowsAtOnce).map((scope) =>
        store.directory.assignments.put({
          ...{ id: world.id(), principalId: objectId, principalType: 'ServicePrincipal', scope },
          ...{ roleId: builtInRoles.reader.id, tenantId, description: undefined },
          ...{ createdMs: 1, createdBy: '', updatedMs: 1, updatedBy: '' },
        }),
      ),
    )
  }
  return { clientId, clientSecret }
}

async function openHeaders(folder: string, url: string, readers: Readers) {
  const owner = await readOwner(join(folder, 'owner.json'))
  const http = openHttp()
  const world = openWorld('error')
  const headersOf = async (kind: Kind): Promise<Headers> => {
    const tokens = openTokens({
      ...{ http, base: url, world },
      credentials: { ...owner, ...readers[kind] },
    })
    return { authorization: `Bearer ${await tokens.get(new AbortController().signal)}` }
  }
  const [one, many, fewAlone, manyAlone] = await Promise.all([
    headersOf('one'),
    headersOf('many'),
    headersOf('fewAlone'),
    headersOf('manyAlone'),
  ])
  http.close()
  return { one, many, fewAlone, manyAlone }
}
