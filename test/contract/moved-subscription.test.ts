import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { openArm } from '../support/arm.ts'
import { grant } from '../support/grants.ts'
import { gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

let vitrine: TestInstallation
beforeAll(async () => {
  vitrine = await openTestInstallation()
  await makeDefinition(vitrine)
})
afterAll(() => vitrine.close())

it('what a former owner of a subscription granted is over, and seen and deleted by who owns it now', async () => {
  const owner = openArm(vitrine)
  const scope = owner.idOf(`galleries/${gallery}`)
  const grants = `${scope}/providers/Vitrine.Gallery/grants`
  const { assignments } = vitrine.installation.store.directory
  await assignments.put(
    grant({
      ...{ id: `${scope.toLowerCase()}/grants/old`, scope, principalId: 'other' },
      ...{ principalType: 'Tenant', tenantId: 'former' },
      roleId: builtInRoles.computeGalleryImageReader.id,
    }),
  )
  const { body } = await owner.get(grants)
  expect(body.value).toMatchObject([{ id: `${grants}/old`, properties: { state: 'Expired' } }])
  expect((await owner.ask('DELETE', `${grants}/old`)).status).toBe(200)
  expect((await owner.get(grants)).body.value).toEqual([])
})
