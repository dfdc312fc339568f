import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { apiVersions, type Paths } from '../src/cli/paths.ts'
import { accessOf, readOwner } from '../src/cli/profile.ts'
import { openSession } from '../src/cli/session.ts'
import { type Client, isObject, objectIn } from '../src/client/client.ts'
import { readConfig } from '../src/config.ts'
import type { Json, JsonObject, ResourceRow } from '../src/domain/rows.ts'
import type { Plane } from '../src/regions/plane.ts'
import { statusWith } from '../src/resources/pending-content.ts'
import { serve } from '../src/serve.ts'
import type { Store } from '../src/store/store.ts'
import { openWorld } from '../src/world.ts'
import { publishLocal } from './bench-plane.ts'
import { unlimited } from './child-server.ts'

export const group = 'bench'
export const gallery = 'bench'
export const definition = 'disk'
export const location = 'westeurope'
const forever = new AbortController().signal

/** A whole installation in this process, and a client of its API that is signed in as its owner. */
export type Site = {
  readonly folder: string
  readonly store: Store
  readonly plane: Plane
  readonly client: Client
  readonly paths: Paths
  /** PUT, waited for; the body's `location` is filled in. */
  put(path: string, apiVersion: string, body: JsonObject): Promise<JsonObject>
  close(): Promise<void>
}

/** Plain HTTP: a measurement names it when it uses TLS. Gallery and definition are there. */
export async function openSite(folder: string): Promise<Site> {
  const config = await readConfig(undefined, {
    ...{ data: folder, port: 0, plainHttp: true, rateLimits: unlimited },
  })
  const world = openWorld('error')
  const serving = await serve(config, world)
  const { store, plane, ownerFile } = serving.installation
  const { client, paths } = await openSession(accessOf(await readOwner(ownerFile)), world)

  async function put(path: string, apiVersion: string, body: JsonObject): Promise<JsonObject> {
    const options = { apiVersion, body: { location, ...body }, signal: forever }
    const answer = await client.call('PUT', path, options)
    const made: Json | undefined = await client.wait(answer, { signal: forever })
    return isObject(made) ? made : objectIn(answer)
  }

  async function close(): Promise<void> {
    client.close()
    await serving.stop()
  }

  const site: Site = { folder, store, plane, client, paths, put, close }
  await makeDefinition(site)
  return site
}

async function makeDefinition({ paths, put }: Site): Promise<void> {
  await put(paths.group(group), apiVersions.groups, {})
  await put(paths.gallery(group, gallery), apiVersions.galleries, { properties: {} })
  await put(paths.definition(group, gallery, definition), apiVersions.galleries, {
    properties: {
      osType: 'Linux',
      osState: 'Generalized',
      hyperVGeneration: 'V1',
      identifier: { publisher: 'Bench', offer: 'Bench', sku: 'Bench' },
    },
  })
}

/**
 * A managed disk with the bytes of a local file. The API has no way in but an upload, so that the bytes are stored here by
 * what an upload's work calls: ingest, root, seal.
 */
export async function importDisk(site: Site, name: string, file: string) {
  const { paths, put, store, plane } = site
  const properties = {
    creationData: { createOption: 'Upload', uploadSizeBytes: 20972032 },
    osType: 'Linux',
    hyperVGeneration: 'V1',
  }
  const disk = await put(paths.disk(group, name), apiVersions.disks, { properties })
  const id = String(disk.id)
  const key = id.toLowerCase()
  const made = await publishLocal({ plane, store }, file, key)
  await store.write(async (rows) => {
    const row = await rows.resources.lock(key)
    if (row) await rows.resources.setStatus(key, { status: statusWith(row, undefined, made) })
  })
  return { id, ...made }
}

/** Publishes a version of a disk; `replicas` in each of the regions. Answers when the API has taken it. */
export async function putVersion(
  { client, paths }: Site,
  version: string,
  source: { readonly id: string; readonly regions: readonly string[]; readonly replicas: number },
): Promise<string> {
  const path = paths.version({ group, gallery, definition, version })
  const body = {
    location,
    properties: {
      publishingProfile: {
        targetRegions: source.regions.map((name) => ({
          name,
          regionalReplicaCount: source.replicas,
          storageAccountType: 'Standard_LRS',
        })),
      },
      storageProfile: { osDiskImage: { source: { id: source.id } } },
    },
  }
  await client.call('PUT', path, { apiVersion: apiVersions.galleries, body, signal: forever })
  return path.toLowerCase()
}

/** Waits until a resource has come to its end, without asking the API: the wait costs nothing that is measured. */
export async function settled({ store }: Site, key: string): Promise<ResourceRow> {
  for (;;) {
    const row = await store.read.resources.get(key)
    if (row?.state === 'Succeeded') return row
    if (row?.state === 'Failed') throw new Error(`${key} failed`)
    await wait(5)
  }
}

/** Stored bytes of the packs that are live in a space. */
export async function liveBytes({ store }: Site, space: string): Promise<number> {
  let bytes = 0
  let after = 0
  for (;;) {
    const page = await store.holdings.liveAfter(space as never, after, 1000)
    const last = page.at(-1)
    if (!last) return bytes
    bytes += page.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    after = last.id
  }
}

/** The database file and what has not been copied into it yet. */
export const databaseFile = (folder: string): string => join(folder, 'vitrine.db')
