import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../test/support/postgres-database.ts'
import { StartError } from './base/start-error.ts'
import { type ConfigOverrides, readConfig } from './config.ts'
import { openFoundation } from './foundation.ts'
import { openWorld } from './world.ts'

let folder: string
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-foundation-'))
  url = await freshDatabase()
  await (await open('first')).database.close()
})
afterAll(() => rm(folder, { recursive: true }))

const keyOf = (name: string) => join(folder, name, 'installation.key')

async function open(name: string, given: ConfigOverrides = {}) {
  const config = await readConfig(undefined, {
    data: join(folder, name),
    database: { url },
    ...given,
  })
  return await openFoundation(config, openWorld('error'))
}

test('a second process without the key is told where to get it, and makes none', async () => {
  await expect(open('second')).rejects.toThrow(StartError)
  await expect(open('second')).rejects.toThrow(
    /belongs to an installation already.*installation\.key/,
  )
})

test('a second process with the key is of the same installation', async () => {
  const first = await open('first')
  const third = await open('third', { installationKeyFile: keyOf('first') })
  expect(third.installation).toBe(first.installation)
  expect(third.key).toEqual(first.key)
  await first.database.close()
  await third.database.close()
})

test('two installations on one database: the second is refused', async () => {
  await (await open('other', { database: { url: await freshDatabase() } })).database.close()
  await expect(open('other')).rejects.toThrow(/belongs to another installation/)
})

test('a data folder of another installation is refused, with the right key too', async () => {
  await expect(open('other', { installationKeyFile: keyOf('first') })).rejects.toThrow(
    /data folder .* belongs to installation/,
  )
})

test('a data folder has one process at a time', async () => {
  const first = await open('first')
  await expect(open('first')).rejects.toThrow(/Another Vitrine process/)
  await first.database.close()
})

test('what is for several processes needs a database that several can share', async () => {
  for (const given of [{ roles: ['api'] }, { ownRegions: ['eastus'] }, { peer: {} }] as const) {
    const settings = structuredClone(given) as ConfigOverrides
    await expect(readConfig(undefined, settings)).rejects.toThrow(/PostgreSQL/)
  }
  const wrong = { database: { url }, ownRegions: ['atlantis'] }
  await expect(readConfig(undefined, wrong)).rejects.toThrow(/atlantis.*westeurope/)
})
