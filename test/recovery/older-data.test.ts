import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { moveEmbedded } from '../../src/database.ts'
import { expectFirst, expectMore, goldenRegions, makeGolden } from '../support/golden-data.ts'
import { definition, gallery, group, readVersion, uploadDisk } from '../support/main-job.ts'
import { freshDatabase } from '../support/postgres-database.ts'
import { diskOf } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

/** Data folders of earlier releases, and whether they hold what came after the first; see the README of each. */
const releases = [
  ['data-0.1.0', ['1.0.0', '1.1.0'], false],
  ['data-0.1.0-schema-11', ['1.0.0', '1.1.0', '1.2.0'], true],
] as const

const regions = [...goldenRegions]

describe.each(releases)('%s', { timeout: 240_000 }, (release, versions, hasMore) => {
  let data = ''

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'vitrine-older-'))
    const golden = fileURLToPath(new URL(`../golden/${release}`, import.meta.url))
    await cp(golden, data, { recursive: true })
  })

  afterEach(() => rm(data, { recursive: true, force: true }))

  it('is read, migrated and gone on with', async () => {
    const installation = await openTestInstallation({
      data,
      config: { regions, database: undefined },
    })
    await expectAll(installation, versions)
    if (hasMore) await expectMore(installation)
    await publishOn(installation)
    await installation.close()
    const database = new DatabaseSync(join(data, 'vitrine.db'), { readOnly: true })
    const { schema } = database.prepare('select max(number) as schema from migrations').get() ?? {}
    database.close()
    expect(schema).toBeGreaterThan(1)
  })

  it('moves to PostgreSQL, and is read there', async () => {
    const url = await freshDatabase()
    await moveEmbedded(await readConfig(undefined, { data }), url, undefined)
    const installation = await openTestInstallation({
      data,
      config: { regions, database: { url } },
    })
    await expectAll(installation, versions)
    if (hasMore) await expectMore(installation)
    await installation.close()
  })
})

it('what the newest folder holds is made by this release too', { timeout: 240_000 }, async () => {
  const installation = await openTestInstallation({ config: { regions } })
  await makeGolden(installation)
  await expectFirst(installation)
  await expectMore(installation)
  await installation.close()
})

async function expectAll(
  installation: TestInstallation,
  versions: readonly string[],
): Promise<void> {
  const { compute } = installation
  const names = []
  for await (const { name } of compute.galleryImageVersions.listByGalleryImage(
    group,
    gallery,
    definition,
  )) {
    names.push(name)
  }
  expect(names).toEqual(versions)
  await expectFirst(installation)
}

/** A new version, of new bytes and of those that were there. */
async function publishOn(installation: TestInstallation): Promise<void> {
  const bytes = diskOf([-1, -9])
  const id = await uploadDisk(installation, 'new', bytes)
  await installation.compute.galleryImageVersions.createOrUpdate(
    group,
    gallery,
    definition,
    '2.0.0',
    {
      location: 'westeurope',
      storageProfile: { osDiskImage: { source: { id } } },
      publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'westus' }] },
    },
  )
  expect(await readVersion(installation, '2.0.0', 'westus')).toEqual(bytes)
}
