import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openWorld } from '../../src/world.ts'
import { definition, gallery, group, makeDefinition, uploadDisk } from '../support/main-job.ts'
import { startPostgres } from '../support/postgres-server.ts'
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
