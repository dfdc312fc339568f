import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeDefinition, publishVersion, readVersion, uploadDisk } from '../support/main-job.ts'
import { type SystemPostgres, startSystemPostgres } from '../support/system-postgres.ts'
import { diskOf } from '../support/test-disks.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let postgres: SystemPostgres
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-dump-'))
  postgres = await startSystemPostgres()
})

afterAll(async () => {
  await postgres.remove()
  await rm(folder, { recursive: true, force: true })
})

async function publish(installation: TestInstallation, name: string, seeds: readonly number[]) {
  const source = await uploadDisk(
    installation,
    `source-${name.replaceAll('.', '-')}`,
    diskOf(seeds),
  )
  const targetRegions = [{ name: 'westeurope' }, { name: 'eastus' }]
  return publishVersion(installation, name, { source, targetRegions })
}

it('pg_dump, then the files: restored as docs/operate.md says, every version is there and the next one is made', async () => {
  const before = await openTestInstallation({
    config: { database: { url: postgres.createDatabase('lived') } },
  })
  await makeDefinition(before)
  await publish(before, '1.0.0', [1, 2, 3])
  const busy = publish(before, '2.0.0', [4, 5, 6])
  const dump = join(folder, 'vitrine.dump')
  postgres.run('pg_dump', ['--format=custom', `--file=${dump}`, postgres.url('lived')])
  const copy = join(folder, 'data')
  await cp(before.data, copy, { recursive: true, filter: (path) => !/spaces.*\/tmp$/.test(path) })
  await busy
  await before.close()

  const url = postgres.createDatabase('restored')
  postgres.run('pg_restore', ['--exit-on-error', `--dbname=${url}`, dump])
  const after = await openTestInstallation({ data: copy, config: { database: { url } } })
  for (const region of ['westeurope', 'eastus']) {
    expect(await readVersion(after, '1.0.0', region)).toEqual(diskOf([1, 2, 3]))
  }
  await publish(after, '3.0.0', [1, 7])
  expect(await readVersion(after, '3.0.0', 'eastus')).toEqual(diskOf([1, 7]))
  await after.close()
})
