import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('python/life.py', import.meta.url))
const Told = z.record(z.string(), z.array(z.string()))

let vitrine: TestInstallation
beforeAll(async () => {
  vitrine = await openTestInstallation()
})
afterAll(() => vitrine.close())

it('R118 a life through the Python SDKs, read at every api-version that they ever sent', async () => {
  const { objectId } = await openOtherCaller(vitrine, [])
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: vitrine.data,
    PYTHONDONTWRITEBYTECODE: '1',
    // Clients of ARM and of blobs both trust what this one names.
    REQUESTS_CA_BUNDLE: join(vitrine.data, 'tls', 'ca.pem'),
    VITRINE_URL: vitrine.url,
    VITRINE_OWNER: join(vitrine.data, 'owner.json'),
    VITRINE_PRINCIPAL: objectId,
  }
  // Debian's, which has the packages; not whatever else is called python3.
  const { stdout } = await run('/usr/bin/python3', [script], { env })
  const read = Told.parse(JSON.parse(stdout))
  expect(read.galleries).toContain('2018-06-01')
  expect(read.versions).toContain('2022-03-03')
  expect(read.disks).toContain('2022-07-02')
  expect(read.images).toContain('2022-08-01')
})
