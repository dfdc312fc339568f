import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { LogEvent } from '../../src/base/world.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { openWorld } from '../../src/world.ts'
import { openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const home = 'westeurope/Standard_LRS/1'
const path = '/providers/Vitrine.Gallery/locations/westeurope/spaces/Standard_LRS-1'

let vitrine: TestInstallation
afterEach(() => vitrine.close())

it('B18 a space with blobs of storage accounts alone is not made anew at once, and what it lost is told', async () => {
  const logged: LogEvent[] = []
  const world = { ...openWorld('error'), log: (event: LogEvent) => void logged.push(event) }
  vitrine = await openTestInstallation({ world, config: { rebuildAfterMinutes: 0.3 } })
  const arm = openArm(vitrine)
  await arm.put(arm.groupPath, { location: 'westeurope' })
  const container = await (await makeAccount(vitrine, arm, 'lostblobs1')).container('data')
  const blob = container.getBlockBlobClient('keep')
  await blob.uploadData(noise(1, 1024 * 1024))
  const properties = async () => valueAt((await arm.get(path)).body, 'properties')
  const stateNow = async () => valueAt((await properties()) ?? null, 'state')
  const whyNow = async () => valueAt((await properties()) ?? null, 'why')

  const folder = join(vitrine.data, 'spaces', home)
  await rm(folder, { recursive: true })
  await expect.poll(stateNow, { timeout: 20_000 }).toBe('gone')
  // Where nothing lay, it would be made anew within the next look.
  await wait(2_500)
  expect(existsSync(folder)).toBe(false)

  const asked = await arm.ask('POST', `${path}/rebuild`)
  expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
  expect(await stateNow()).toBe('here')
  expect(await whyNow()).toMatch(/storage accounts .* are lost: lostblobs1$/)
  const rebuilt = logged.find(({ event }) => event === 'space-rebuilt')
  expect(rebuilt).toMatchObject({ level: 'error', why: expect.stringContaining('lostblobs1') })

  await expect(blob.downloadToBuffer()).rejects.toMatchObject({ statusCode: 500 })
  expect(logged.find(({ event }) => event === 'blob-request-failed')).toMatchObject({
    code: 'ImageDamaged',
    message: expect.stringMatching(/offset 0 is damaged or missing in westeurope/),
  })
  expect(logged.map(({ event }) => event)).not.toContain('blob-request-broken')
  // Another look leaves it told.
  await wait(2_500)
  expect(await whyNow()).toMatch(/lostblobs1$/)
  await blob.uploadData(noise(2, 1024))
  expect(Buffer.compare(await blob.downloadToBuffer(), noise(2, 1024))).toBe(0)
}, 90_000)
