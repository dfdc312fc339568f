import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ConfigOverrides } from '../../src/config.ts'
import { limits } from '../../src/domain/limits.ts'
import { type Child, openChild } from '../soak/child.ts'
import { type Balancer, openBalancer } from '../support/balancer.ts'
import { openPostgresTables, type Tables } from '../support/engine-database.ts'
import { freePort } from '../support/free-port.ts'
import { makeDefinition, publishVersion, readVersion, uploadDisk } from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { type OwnerClients, openOwnerClients } from '../support/owner-clients.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { readMetrics, sumOf } from '../support/read-metrics.ts'

const mib = 1024 * 1024
const diskBytes = 64 * mib
const north = 'northeurope/Standard_LRS/1'
/** Of one lane: what may be sent again, in bytes; and indexes, trees and TLS besides, in parts of all that is sent. */
const openPackBytes = limits.packBytesMax
const besides = 0.02
const patience = { timeout: 60_000, interval: 200 }

/** One API process, and a worker for each of two regions that reach each other through a link of ours alone. */
describe('a copy between two processes, cut at half', { timeout: 300_000 }, () => {
  let folder: string
  let link: Balancer
  let tables: Tables
  let vitrine: OwnerClients
  const children: Child[] = []

  async function start(name: string, own: ConfigOverrides): Promise<Child> {
    const child = openChild(name, { folder, config: own, env: {} })
    children.push(child)
    await child.ready()
    return child
  }

  let copier: Child
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vitrine-cut-copy-'))
    link = await openBalancer()
    const database = { url: await freshDatabase() }
    tables = openPostgresTables(database.url)
    const port = await freePort()
    const installationKeyFile = join(folder, 'installation.key')
    const common = {
      database,
      installationKeyFile,
      lanes: 1,
      publicUrl: `https://127.0.0.1:${port}`,
    }
    await start('api', { ...common, port, roles: ['api'], ownRegions: [] })
    const peerPort = await freePort()
    link.spread([peerPort])
    const peer = { port: peerPort, url: `https://127.0.0.1:${link.port}` }
    await start('west', { ...common, port: 0, roles: ['worker'], ownRegions: ['westeurope'], peer })
    copier = await start('north', {
      ...common,
      port: 0,
      roles: ['worker'],
      ownRegions: ['northeurope'],
      // Slow enough to be cut where we want.
      replication: { bytesPerSecond: 16 * mib },
    })
    const data = join(folder, 'api')
    vitrine = await openOwnerClients(data, {
      url: common.publicUrl,
      subscription: '00000000-0000-4000-8000-000000000001',
      caFile: join(data, 'tls', 'ca.pem'),
    })
    // Until the API process has heard of the worker that keeps its pages.
    const feed = new URL('/metrics', common.publicUrl)
    const west = { region: 'westeurope' }
    await vi.waitFor(async () => {
      const told = readMetrics(await (await fetch(feed)).text())
      expect(sumOf(told, 'vitrine_region_up', west)).toBe(1)
    }, patience)
    await makeDefinition(vitrine)
  }, 240_000)
  afterAll(async () => {
    await Promise.all(children.map((child) => child.stop()))
    await tables.close()
    await link.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Stored bytes that lie in North Europe since the row `afterId`. */
  async function arrivedBytes(afterId: number): Promise<number> {
    const [row] = await tables.all(
      `select coalesce(sum(size_bytes), 0) as bytes from holdings
       where space = '${north}' and state = 'live' and id > ${afterId}`,
    )
    return Number(row?.bytes)
  }

  const cuts: readonly (readonly [string, string, () => void])[] = [
    ['its connection is dropped', '1.0.0', () => link.cut()],
    ['the target’s process is restarted', '1.0.1', () => copier.restart(0)],
    ['the target’s process is killed', '1.0.2', () => copier.kill(0)],
  ]

  it.each(cuts)('%s: no more than one open pack a lane is sent again', async (_, version, cut) => {
    const bytes = noise(Number(version.at(-1)) + 1, diskBytes)
    const disk = await uploadDisk(vitrine, `disk-${version.replaceAll('.', '-')}`, bytes)
    const [last] = await tables.all('select coalesce(max(id), 0) as id from holdings')
    const afterId = Number(last?.id)
    const carriedBefore = link.carriedBytes()
    const lrs = { storageAccountType: 'Standard_LRS' }
    const targetRegions = ['westeurope', 'northeurope'].map((name) => ({ name, ...lrs }))
    const published = publishVersion(vitrine, version, { source: disk, targetRegions })
    const isHalf = async (): Promise<boolean> => (await arrivedBytes(afterId)) >= diskBytes / 2
    await expect.poll(isHalf, { interval: 20 }).toBe(true)
    cut()
    const cutAtBytes = await arrivedBytes(afterId)
    expect((await published).provisioningState).toBe('Succeeded')
    const storedBytes = await arrivedBytes(afterId)
    const carriedBytes = link.carriedBytes() - carriedBefore
    expect(cutAtBytes).toBeLessThan(storedBytes * 0.8)
    expect(carriedBytes).toBeGreaterThanOrEqual(storedBytes)
    expect(carriedBytes - storedBytes).toBeLessThanOrEqual(openPackBytes + storedBytes * besides)
    // Nor was anything written twice that was whole: rows are made before blobs, and those of lost ones stay for a while.
    const [begun] = await tables.all(
      `select sum(size_bytes) as bytes from holdings where space = '${north}' and id > ${afterId}`,
    )
    expect(Number(begun?.bytes) - storedBytes).toBeLessThanOrEqual(openPackBytes)
    expect(Buffer.compare(await readVersion(vitrine, version, 'northeurope'), bytes)).toBe(0)
  })
})
