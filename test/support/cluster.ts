import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { type Config, type ConfigOverrides, ownRegionsOf, readConfig } from '../../src/config.ts'
import { RegionAway } from '../../src/domain/errors.ts'
import { type RegionName, regionName } from '../../src/domain/regions.ts'
import { diskSpace } from '../../src/domain/spaces.ts'
import type { Installation } from '../../src/installation.ts'
import { type Serving, serve } from '../../src/serve.ts'
import { openWorld } from '../../src/world.ts'
import { openBalancer } from './balancer.ts'
import { openOwnerClients } from './owner-clients.ts'
import { freshDatabase } from './postgres-database.ts'

export type Cluster = Awaited<ReturnType<typeof openCluster>>

/**
 * Processes of one installation on one PostgreSQL database, each with a data folder of its own, behind a balancer that
 * sends each connection to the next API process.
 */
export async function openCluster() {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-cluster-'))
  const database = { url: await freshDatabase() }
  const balancer = await openBalancer()
  const publicUrl = `https://127.0.0.1:${balancer.port}`
  const installationKeyFile = join(folder, 'installation.key')
  const running = new Map<string, { readonly serving: Serving; readonly config: Config }>()
  const everyFolder = new Map<string, string>()

  async function start(name: string, given: ConfigOverrides): Promise<Serving> {
    const data = everyFolder.get(name) ?? join(folder, name)
    everyFolder.set(name, data)
    await mkdir(data, { recursive: true })
    const base = { data, port: 0, lanes: 1, database, publicUrl, installationKeyFile }
    const config = await readConfig(undefined, { ...base, ...given })
    const serving = await serve(config, openWorld('error'))
    running.set(name, { serving, config })
    spread()
    return serving
  }

  async function stop(name: string): Promise<void> {
    const one = running.get(name)
    running.delete(name)
    spread()
    await one?.serving.stop()
  }

  function spread(): void {
    const apis = [...running.values()].filter(({ config }) => config.roles.includes('api'))
    balancer.spread(apis.map(({ serving }) => serving.port))
  }

  /** Until each process knows where every region is served by those that run now, and by nobody else. */
  async function allHeardOfAll(): Promise<void> {
    for (const { serving, config } of running.values()) {
      const { plane, store } = serving.installation
      const processes = await store.read.processes.all(running.size)
      const regions = config.regions.map(({ displayName }) => regionName(displayName))
      for (const region of regions.filter((one) => !ownRegionsOf(config).includes(one))) {
        const serves = processes.filter(({ regions }) => regions.includes(region))
        const urls = serves.flatMap(({ peerUrl }) => peerUrl ?? [])
        const heard = () => expect(urlsOf(plane, region)).toEqual(urls.sort())
        await vi.waitFor(heard, { timeout: 30_000, interval: 50 })
      }
    }
  }

  /** Azure's own clients, through the balancer, as the owner that the process `name` made. */
  async function clients(name: string) {
    const data = join(folder, name)
    const caFile = join(data, 'tls', 'ca.pem')
    const subscription = '00000000-0000-4000-8000-000000000001'
    return await openOwnerClients(data, { url: publicUrl, subscription, caFile })
  }

  async function close(): Promise<void> {
    for (const name of [...running.keys()].reverse()) await stop(name)
    await balancer.close()
    await rm(folder, { recursive: true, force: true })
  }

  return {
    ...{ folder, database, publicUrl, installationKeyFile, balancer },
    ...{ start, stop, allHeardOfAll, clients, close },
  }
}

/** Where a process asks for blobs of another one's region. */
function urlsOf({ addressOf }: Installation['plane'], region: RegionName): readonly string[] {
  try {
    const address = addressOf(diskSpace(region).id)
    return address.kind === 'peer' ? address.urls.toSorted() : []
  } catch (error) {
    if (error instanceof RegionAway) return []
    throw error
  }
}
