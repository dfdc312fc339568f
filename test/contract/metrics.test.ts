import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import {
  definition,
  gallery,
  group,
  makeDefinition,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { type Metric, readMetrics, sumOf } from '../support/read-metrics.ts'
import { diskOf } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mib = 1024 * 1024

describe('a scrape after a publish', () => {
  let installation: TestInstallation
  let before: readonly Metric[]
  let after: readonly Metric[]
  const bytes = diskOf([1, 2, 3, 0, -1, 0, 4, 5])

  async function scrape(): Promise<readonly Metric[]> {
    const response = await fetch(new URL('/metrics', installation.url))
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    return readMetrics(await response.text())
  }

  beforeAll(async () => {
    installation = await openTestInstallation()
    before = await scrape()
    await makeDefinition(installation)
    const id = await uploadDisk(installation, 'source', bytes)
    await installation.compute.galleryImageVersions.createOrUpdate(
      group,
      gallery,
      definition,
      '1.0.0',
      {
        location: 'westeurope',
        storageProfile: { osDiskImage: { source: { id } } },
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
      },
    )
    await readVersion(installation, '1.0.0', 'eastus')
    await installation.call('GET', '/subscriptions/none/nothing?api-version=2023-07-03')
    after = await scrape()
  })

  afterAll(() => installation.close())

  const moved = (name: string, labels: Record<string, string> = {}) =>
    (sumOf(after, name, labels) ?? 0) - (sumOf(before, name, labels) ?? 0)

  it('counts requests by route, method and status', () => {
    const count = 'vitrine_http_request_duration_seconds_count'
    const put = { route: 'galleries/images/versions', method: 'PUT', status: '201' }
    expect(moved(count, put)).toBe(1)
    expect(moved(count, { route: 'disks/action', method: 'POST' })).toBeGreaterThanOrEqual(4)
    expect(moved(count, { route: 'disk-bytes', method: 'PUT', status: '201' })).toBe(1)
    expect(moved(count, { route: 'sign-in' })).toBeGreaterThan(0)
    expect(moved(count, { status: '404' })).toBe(1)
    const sum = 'vitrine_http_request_duration_seconds_sum'
    expect(moved(sum, put)).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_http_requests_in_flight')).toBe(0)
  })

  it('counts bytes as they came, were stored, were copied and went', () => {
    expect(moved('vitrine_uploaded_bytes_total')).toBe(bytes.byteLength)
    expect(moved('vitrine_downloaded_bytes_total')).toBeGreaterThanOrEqual(bytes.byteLength)
    expect(moved('vitrine_ingested_bytes_total')).toBeGreaterThan(0)
    expect(moved('vitrine_replicated_bytes_total')).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_images_damaged_total')).toBe(0)
  })

  it('counts steps of work by kind and outcome, and no lease is lost', () => {
    const count = 'vitrine_work_step_duration_seconds_count'
    expect(moved(count, { kind: 'Publish', outcome: 'done' })).toBe(1)
    expect(moved(count, { kind: 'ConvergeRegion', step: 'copy', outcome: 'next' })).toBe(2)
    expect(moved(count, { outcome: 'fault' })).toBe(0)
    expect(sumOf(after, 'vitrine_work_leases_lost_total')).toBe(0)
  })

  it('tells what is under way and what ended, from the rows', () => {
    expect(sumOf(after, 'vitrine_operations_unfinished')).toBe(0)
    const ended = moved('vitrine_operations_ended_last_hour', { status: 'Succeeded' })
    expect(ended).toBeGreaterThanOrEqual(4)
    expect(sumOf(after, 'vitrine_operations_ended_last_hour', { status: 'Failed' })).toBe(0)
    expect(sumOf(after, 'vitrine_work_rows', { kind: 'Prune', queue: 'control' })).toBe(1)
    expect(sumOf(after, 'vitrine_work_rows', { kind: 'ConvergeRegion' }) ?? 0).toBe(0)
  })

  it('tells of every space whether it is there, what it holds and what room is left', () => {
    const space = 'westeurope/Standard_LRS/1'
    const zone = { space: 'eastus/Standard_ZRS/1/2', state: 'live' }
    expect(sumOf(after, 'vitrine_space_up', { space })).toBe(1)
    expect(sumOf(after, 'vitrine_space_used_bytes', zone)).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_space_packs', zone)).toBeGreaterThan(0)
    const free = sumOf(after, 'vitrine_space_free_bytes', { space }) ?? 0
    expect(free).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_space_size_bytes', { space })).toBeGreaterThan(free)
    expect(sumOf(after, 'vitrine_region_up', { region: 'eastus' })).toBe(1)
  })

  it('tells of the database, the caches, the event loop and the process', () => {
    expect(sumOf(after, 'vitrine_database_up')).toBe(1)
    expect(moved('vitrine_database_commits_total')).toBeGreaterThan(5)
    expect(sumOf(after, 'vitrine_database_connections_max')).toBeGreaterThan(0)
    expect(moved('vitrine_cache_lookups_total', { cache: 'nodes' })).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_event_loop_lag_seconds', { at: 'max' })).toBeGreaterThan(0)
    expect(sumOf(after, 'vitrine_ready')).toBe(1)
    expect(sumOf(after, 'process_resident_memory_bytes')).toBeGreaterThan(mib)
    expect(moved('process_cpu_seconds_total')).toBeGreaterThan(0)
  })

  it('counts packs that a read found damaged and mended from another zone', async () => {
    for (const zone of ['1', '2']) {
      await damagePacks(join(installation.data, 'spaces', 'eastus', 'Standard_ZRS', '1', zone))
    }
    const read = await readVersion(installation, '1.0.0', 'eastus', 'after-damage')
    expect(Buffer.compare(read, bytes)).toBe(0)
    const mended = await scrape()
    expect(sumOf(mended, 'vitrine_packs_repaired_total')).toBeGreaterThan(0)
    expect(sumOf(mended, 'vitrine_repaired_bytes_total')).toBeGreaterThan(0)
    expect(sumOf(mended, 'vitrine_images_damaged_total')).toBe(0)
    const repairs = { level: 'warn', event: 'pack-repaired' }
    expect(sumOf(mended, 'vitrine_log_events_total', repairs)).toBeGreaterThan(0)
  })

  it('has no label that a client chose', () => {
    const words = after.flatMap(({ labels }) => Object.values(labels)).join(' ')
    for (const chosen of [gallery, definition, group, installation.subscription, 'nothing']) {
      expect(words.toLowerCase()).not.toContain(chosen.toLowerCase())
    }
  })
})

/** Turns a stretch in the middle of every pack of a space around. */
async function damagePacks(space: string): Promise<void> {
  const packs = join(space, 'packs')
  const found = await readdir(packs, { withFileTypes: true, recursive: true })
  for (const entry of found.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const pack = await readFile(path)
    for (let at = 1_000; at < pack.length / 2; at += 1_000) pack[at] = ~(pack[at] ?? 0)
    await writeFile(path, pack)
  }
}

describe('who may read the metrics', () => {
  it('without a token this machine, but nobody for whom a proxy speaks', async () => {
    const installation = await openTestInstallation()
    const statusOf = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(new URL(path, installation.url), { headers })).status
    expect(await statusOf('/metrics')).toBe(200)
    expect(await statusOf('/metrics', { 'x-forwarded-for': '192.0.2.1' })).toBe(403)
    expect(await statusOf('/readyz', { 'x-forwarded-for': '192.0.2.1' })).toBe(200)
    await installation.close()
  })

  it('with a token whoever has it, and nobody else', async () => {
    const metricsTokenFile = join(tmpdir(), `vitrine-metrics-token-${process.pid}`)
    await writeFile(metricsTokenFile, 'let-me-see\n')
    const installation = await openTestInstallation({ config: { metricsTokenFile } })
    const statusOf = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization }
      return (await fetch(new URL('/metrics', installation.url), { headers })).status
    }
    expect(await statusOf()).toBe(401)
    expect(await statusOf('Bearer something else')).toBe(401)
    expect(await statusOf('Bearer let-me-see')).toBe(200)
    await installation.close()
    await rm(metricsTokenFile)
  })
})

describe('health and readiness', () => {
  it('tell what a balancer needs, and nothing else', async () => {
    const installation = await openTestInstallation()
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(new URL(path, installation.url), { method })
      return [response.status, await response.text()]
    }
    expect(await ask('/healthz')).toEqual([200, '{"status":"alive"}\n'])
    expect(await ask('/readyz')).toEqual([200, '{"status":"ready","reasons":[]}\n'])
    expect(await ask('/readyz', 'HEAD')).toEqual([200, ''])
    expect((await ask('/readyz', 'POST'))[0]).toBe(405)
    await installation.close()
  })

  it('a process that is told to stop is not ready at once, and answers until it drained', async () => {
    const installation = await openTestInstallation({ config: { drainSeconds: 4 } })
    const ask = async (path: string) => {
      const response = await fetch(new URL(path, installation.url))
      return [response.status, await response.text()]
    }
    const stopped = installation.close()
    expect(await ask('/readyz')).toEqual([503, '{"status":"not ready","reasons":["draining"]}\n'])
    expect((await ask('/healthz'))[0]).toBe(200)
    expect((await installation.call('GET', '/subscriptions?api-version=2022-12-01')).status).toBe(
      200,
    )
    await stopped
    await expect(ask('/healthz')).rejects.toThrow()
  })

  it('a process none of whose spaces is there is not ready, and tells no names', async () => {
    const regions = [{ displayName: 'West Europe' }]
    const installation = await openTestInstallation({ config: { regions } })
    await rm(join(installation.data, 'spaces'), { recursive: true })
    const ask = async () => await (await fetch(new URL('/readyz', installation.url))).text()
    await vi.waitFor(
      async () => expect(await ask()).toBe('{"status":"not ready","reasons":["spaces"]}\n'),
      { timeout: 20_000, interval: 200 },
    )
    const scraped = await (await fetch(new URL('/metrics', installation.url))).text()
    const space = 'westeurope/Standard_LRS/1'
    expect(sumOf(readMetrics(scraped), 'vitrine_space_up', { space })).toBe(0)
    expect(sumOf(readMetrics(scraped), 'vitrine_ready')).toBe(0)
    await installation.close()
  })
})
