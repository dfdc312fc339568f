import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const file = new URL('../golden/spec/published.json', import.meta.url)
const published = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(file, 'utf8')))

/** Where each type is asked for; `{s}` the subscription, `{g}` the group. */
const places: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.Compute/galleries': [`{g}/providers/Microsoft.Compute/galleries/${gallery}`],
  'Microsoft.Compute/galleries/images': [
    `{g}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}`,
  ],
  'Microsoft.Compute/galleries/images/versions': [
    `{g}/providers/Microsoft.Compute/galleries/${gallery}/images/${definition}/versions`,
  ],
  'Microsoft.Compute/disks': ['{g}/providers/Microsoft.Compute/disks'],
  'Microsoft.Compute/snapshots': ['{g}/providers/Microsoft.Compute/snapshots'],
  'Microsoft.Compute/images': ['{g}/providers/Microsoft.Compute/images'],
  'Microsoft.Compute/locations/usages': [
    '{s}/providers/Microsoft.Compute/locations/westeurope/usages',
  ],
  'Microsoft.Resources/resourceGroups': ['{g}', '{s}/resourceGroups', '{s}/resources'],
  'Microsoft.Resources/subscriptions': [
    '/tenants',
    '/subscriptions',
    '{s}',
    '{s}/locations',
    '{s}/providers',
    '{s}/tagNames',
  ],
  'Microsoft.Authorization/roleAssignments': [
    '{g}/providers/Microsoft.Authorization/roleAssignments',
  ],
  'Microsoft.Authorization/roleDefinitions': [
    '{g}/providers/Microsoft.Authorization/roleDefinitions',
  ],
  'Microsoft.Authorization/locks': ['{g}/providers/Microsoft.Authorization/locks'],
  'Microsoft.Compute/galleries/applications': [
    `{g}/providers/Microsoft.Compute/galleries/${gallery}/applications`,
  ],
  'Microsoft.Resources/deployments': ['{g}/providers/Microsoft.Resources/deployments'],
  'Microsoft.Insights/eventtypes': [
    "{s}/providers/Microsoft.Insights/eventtypes/management/values?$filter=eventTimestamp ge '2020-01-01T00:00:00Z'",
  ],
  'Microsoft.Storage/storageAccounts': ['{g}/providers/Microsoft.Storage/storageAccounts'],
}

/** What hangs on the others: refused at the same versions, each by its own name. */
const parts: readonly string[] = [
  '{g}/providers/Microsoft.Storage/storageAccounts/none/blobServices',
  '{g}/providers/Microsoft.Resources/tags/default',
  '{g}/providers/Microsoft.Authorization/permissions',
  `{g}/providers/Microsoft.Compute/galleries/${gallery}/softDeletedArtifactTypes/Images/artifacts/${definition}/versions`,
  '{s}/providers/Microsoft.Compute/locations/westeurope/sharedGalleries',
  '{s}/providers/Microsoft.Compute/locations/westeurope/communityGalleries/none',
  '{s}/providers/Microsoft.Storage/locations/westeurope/usages',
]

describe('R138 api-versions that Azure has published and its clients send', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  const placed = (place: string) =>
    place.replaceAll('{s}', `/subscriptions/${vitrine.subscription}`).replace('{g}', arm.groupPath)

  it.each(Object.entries(places))('%s is answered at each of them', async (type, paths) => {
    const versions = published[type] ?? []
    expect(versions.length).toBeGreaterThan(2)
    for (const version of versions) {
      for (const path of paths) {
        const { status, body } = await arm.get(placed(path), version)
        expect([version, status, body.error]).toEqual([version, 200, undefined])
      }
    }
  })

  const asked = [...Object.entries(places), ['its parts', parts] as const]
  it.each(asked)('another one of %s is told which there are', async (_, paths) => {
    for (const version of ['2013-01-01', '2099-12-31', '2024-03-04-preview']) {
      for (const path of paths) {
        const answer = await arm.get(placed(path), version)
        const { code, message } = errorOf(answer)
        const ofArm = /^\/(tenants|subscriptions)/.test(path) || /^\{[sg]\}(\/[a-z]+)?$/i.test(path)
        const [status, name] = ofArm
          ? [400, 'InvalidApiVersionParameter']
          : [404, 'InvalidResourceType']
        expect([path, answer.status, code]).toEqual([path, status, name])
        expect(message).toContain(`'${version}'`)
        expect(message).toMatch(/The supported (api-)?versions are '20\d\d-/)
      }
    }
  })

  it('a POST at another one is told the same', async () => {
    for (const [path, type] of [
      ['{s}/providers/Microsoft.Storage/checkNameAvailability', 'checkNameAvailability'],
      [
        '/providers/Microsoft.Compute/locations/westeurope/tenantLevelSharedGallerySubscriptions/00000000-0000-4000-8000-000000000001/sharedGalleries/none/accept',
        'locations/tenantLevelSharedGallerySubscriptions/sharedGalleries',
      ],
    ] as const) {
      const answer = await arm.ask('POST', placed(path), { body: {}, api: '2099-12-31' })
      const { code, message } = errorOf(answer)
      expect([answer.status, code]).toEqual([404, 'InvalidResourceType'])
      expect(message).toContain(`The resource type '${type}' could not be found`)
    }
  })
})
