import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiVersions } from '../src/cli/paths.ts'
import { readOwner } from '../src/cli/profile.ts'
import { openHttp } from '../src/client/http.ts'
import { openTokens } from '../src/client/tokens.ts'
import type { ResourceRow } from '../src/domain/rows.ts'
import { imageVersions } from '../src/resources/image-version.ts'
import { openWorld } from '../src/world.ts'
import type { Bench } from './bench.ts'
import {
  definition,
  gallery,
  group,
  importDisk,
  openSite,
  putVersion,
  type Site,
  settled,
} from './site.ts'

export const versionCount = 10_000
const rowsAtOnce = 500
const regions = ['westeurope', 'northeurope', 'eastus']

/** A data folder with one definition of 10,000 versions; version 1.0.0 and its disk are real, the others are its rows again. */
export async function makeManyVersions(bench: Bench): Promise<{ folder: string; disk: string }> {
  const folder = join(bench.folder, 'many')
  await mkdir(folder)
  const small = join(bench.folder, 'small.raw')
  await writeFile(small, Buffer.alloc(1 << 20, 'A small disk. '))
  const site = await openSite(folder)
  try {
    const { id } = await importDisk(site, 'small', small)
    const first = await putVersion(site, '1.0.0', { id, regions, replicas: 1 })
    const row = await settled(site, first)
    await addCopies(site, row)
    return { folder, disk: id }
  } finally {
    await site.close()
  }
}

/** With what is written down of the first one, so that a server finds nothing to make up for while it is measured. */
async function addCopies({ store }: Site, first: ResourceRow): Promise<void> {
  const replicas = await store.read.replicas.of([first.key])
  const written = await store.read.ledger.intervals({
    ...{ scopeKey: first.key, fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER },
    ...{ after: undefined, rowsMax: replicas.length },
  })
  for (let from = 1; from < versionCount; from += rowsAtOnce) {
    await store.write(async (rows) => {
      for (let at = from; at < Math.min(from + rowsAtOnce, versionCount); at++) {
        const row = copyOf(first, `1.0.${at}`)
        await rows.resources.insert(row)
        for (const replica of replicas) {
          await rows.replicas.put({ ...replica, versionKey: row.key })
        }
        for (const interval of written) {
          const subject = { ...interval, versionKey: row.key, versionId: row.id }
          await rows.ledger.record(subject, interval, interval.sinceMs)
        }
      }
    })
  }
}

function copyOf(row: ResourceRow, name: string): ResourceRow {
  const renamed = (text: string): string => text.replace(/1\.0\.0$/, name)
  const nameSort = imageVersions.nameSort?.(name) ?? name
  return { ...row, key: renamed(row.key), id: renamed(row.id), name, nameSort }
}

/** Where a server's versions are, and the header that lets one in. */
export async function openVersions(folder: string, url: string) {
  const owner = await readOwner(join(folder, 'owner.json'))
  const http = openHttp()
  const tokens = openTokens({ http, base: url, credentials: owner, world: openWorld('error') })
  const token = await tokens.get(new AbortController().signal)
  http.close()
  const path = `/subscriptions/${owner.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions`
  return {
    headers: { authorization: `Bearer ${token}` },
    list: `${url}${path}?api-version=${apiVersions.galleries}`,
    one: (name: string) => `${url}${path}/${name}?api-version=${apiVersions.galleries}`,
  }
}
