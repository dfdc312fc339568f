import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, type ConfigOverrides, readConfig } from '../../src/config.ts'
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

  return { folder, database, publicUrl, installationKeyFile, balancer, start, stop, clients, close }
}
