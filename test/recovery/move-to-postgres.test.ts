import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { moveEmbedded } from '../../src/database.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { openTestInstallation } from '../support/test-installation.ts'

test('an embedded installation moves to PostgreSQL while it is stopped, and serves on from there', async () => {
  const data = await mkdtemp(join(tmpdir(), 'vitrine-test-'))
  const before = await openTestInstallation({ data, config: { database: undefined } })
  await makeDefinition(before)
  const made = await before.compute.galleryImages.get(group, gallery, definition)
  const url = await freshDatabase()
  await expect(moveEmbedded(before.config, url, undefined)).rejects.toThrow('Another Vitrine')
  await before.close()
  await moveEmbedded(before.config, url, undefined)
  const after = await openTestInstallation({ data, config: { database: { url } } })
  expect(after.installation.owner?.created).toBe(false)
  expect(await after.compute.galleryImages.get(group, gallery, definition)).toEqual(made)
  await after.compute.galleries.createOrUpdate(group, 'another', { location: 'westeurope' })
  await after.close()
  await rm(data, { recursive: true })
})
