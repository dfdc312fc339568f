import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openWorld } from '../../src/world.ts'
import { definition, gallery, group, makeDefinition, uploadDisk } from '../support/main-job.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { readMetrics, sumOf } from '../support/read-metrics.ts'
import { openTestInstallation } from '../support/test-installation.ts'

test('while PostgreSQL is away requests get 503 with Retry-After; work pauses, goes on, and ends', async () => {
  const server = await startPostgres()
  onTestFinished(server.remove)
  const database = { url: await server.createDatabase('rows') }
  const world = { ...openWorld('error'), log: () => undefined }
  const installation = await openTestInstallation({ config: { database }, world })
  onTestFinished(installation.close)
  await makeDefinition(installation)
  const source = await uploadDisk(installation, 'source', Buffer.alloc(4 << 20, 'x'))
  const { compute } = installation
  const poller = compute.galleryImageVersions.createOrUpdate(group, gallery, definition, '1.0.0', {
    location: 'westeurope',
    storageProfile: { osDiskImage: { source: { id: source } } },
    publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
  })
  await poller.submitted()
  await server.stop('kill')
  const stateOf = async () => {
    const version = await compute.galleryImageVersions.get(group, gallery, definition, '1.0.0')
    return version.provisioningState
  }
  const path = `/subscriptions/${installation.config.subscriptions[0]?.id}/resourceGroups?api-version=2021-04-01`
  const away = await installation.call('GET', path)
  expect(away.status).toBe(503)
  expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)
  await sleep(1_500)
  await server.start()
  await expect.poll(stateOf, { timeout: 120_000, interval: 200 }).toBe('Succeeded')
})

test('while PostgreSQL is away a process lives, is not ready, and tells what it can; then it is ready again', async () => {
  const server = await startPostgres()
  onTestFinished(server.remove)
  const database = { url: await server.createDatabase('rows') }
  const world = { ...openWorld('error'), log: () => undefined }
  const installation = await openTestInstallation({ config: { database }, world })
  onTestFinished(installation.close)
  const ask = (path: string) => fetch(new URL(path, installation.url))
  const metrics = async () => readMetrics(await (await ask('/metrics')).text())
  expect(sumOf(await metrics(), 'vitrine_database_up')).toBe(1)

  await server.stop('kill')
  const notReady = '{"status":"not ready","reasons":["database"]}\n'
  await expect.poll(async () => (await ask('/readyz')).text(), { timeout: 30_000 }).toBe(notReady)
  expect((await ask('/healthz')).status).toBe(200)
  const away = await metrics()
  expect(sumOf(away, 'vitrine_database_up')).toBe(0)
  expect(sumOf(away, 'vitrine_ready')).toBe(0)
  expect(sumOf(away, 'process_resident_memory_bytes')).toBeGreaterThan(0)
  expect(sumOf(away, 'vitrine_operations_unfinished')).toBeUndefined()

  await server.start()
  await expect.poll(async () => (await ask('/readyz')).status, { timeout: 30_000 }).toBe(200)
  expect(sumOf(await metrics(), 'vitrine_database_up')).toBe(1)
})
