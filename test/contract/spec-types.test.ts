import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { readSpecTypes } from '../support/spec.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const envelope = ['id', 'name', 'type']
const tracked = [...envelope, 'location', 'properties.provisioningState']
const disk = [
  ...tracked,
  'properties.timeCreated',
  'properties.osType',
  'properties.creationData.createOption',
  'properties.diskSizeGB',
]

/**
 * What is said otherwise than the definitions have it, as Azure does: a word that an old api-version has no other for, and who
 * wrote an assignment or a role, which its own examples show before its definitions do.
 */
const otherwise = [
  /^201\d-[\d-]+(preview)?\.properties\.creationData\.createOption is 'Upload'/,
  /^201[67]-[\d-]+\.kind is 'StorageV2'/,
  // Of applications, and of deployments before their definitions had them: clients read them where they know them.
  /\.properties\.provisioningState is unknown$/,
  // A deployment's answer tells the type of each parameter; the definition is the request's.
  /\.properties\.parameters\.\w+\.type is unknown$/,
  /^20(1\d|20)-[\d-]+\.properties\.(templateHash|outputResources|duration|correlationId|validatedResources) is unknown$/,
  /\.properties\.(permissions\[0\]\.(notD|d)ataActions|(created|updated)(On|By)|principalType|description|condition|conditionVersion|delegatedManagedIdentityResourceId) is (unknown|a object)/,
]
const isKnownToBe = (fault: string) => otherwise.some((form) => form.test(fault))

const namespaces: Readonly<Record<string, string>> = {
  deployments: 'Microsoft.Resources',
  tags: 'Microsoft.Resources',
  locks: 'Microsoft.Authorization',
  roleAssignments: 'Microsoft.Authorization',
  roleDefinitions: 'Microsoft.Authorization',
}

/** Each type: the file of Azure's definitions, where ours is, and what Azure always shows of it. */
const shown = [
  ['Microsoft.Compute/disks', 'compute', 'disks/os', disk],
  ['Microsoft.Compute/snapshots', 'compute', 'snapshots/os', disk],
  [
    'Microsoft.Compute/images',
    'compute',
    'images/os',
    [...tracked, 'properties.storageProfile.osDisk.osState', 'properties.storageProfile.dataDisks'],
  ],
  ['Microsoft.Resources/resourceGroups', 'resources', '', tracked],
  [
    'Microsoft.Storage/storageAccounts',
    'storage',
    'storageAccounts/spectypes',
    [...tracked, 'properties.creationTime', 'properties.primaryEndpoints.blob'],
  ],
  [
    'Microsoft.Compute/galleries/applications',
    'compute',
    'galleries/spectypes/applications/app',
    [...envelope, 'location', 'properties.supportedOSType'],
  ],
  [
    'Microsoft.Resources/deployments',
    'resources',
    'deployments/spec',
    [...envelope, 'properties.provisioningState', 'properties.mode', 'properties.timestamp'],
  ],
  ['Microsoft.Resources/tags', 'resources', 'tags/default', [...envelope, 'properties.tags']],
  [
    'Microsoft.Authorization/locks',
    'authorization',
    'locks/keep',
    [...envelope, 'properties.level', 'properties.notes'],
  ],
  [
    'Microsoft.Authorization/roleAssignments',
    'authorization',
    'roleAssignments',
    [...envelope, 'properties.roleDefinitionId', 'properties.principalId', 'properties.scope'],
  ],
  [
    'Microsoft.Authorization/roleDefinitions',
    'authorization',
    'roleDefinitions',
    [...envelope, 'properties.roleName', 'properties.type', 'properties.permissions'],
  ],
] as const

describe('the published types', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, { ...west, tags: { a: 'b' } })
    const id = await arm.upload('os', dataBytes(1))
    const creationData = { createOption: 'Copy', sourceResourceId: id }
    const tags = { a: 'b' }
    await arm.make('snapshots/os', {
      ...west,
      tags,
      properties: { incremental: true, creationData },
    })
    const osDisk = { osType: 'Linux', osState: 'Generalized', managedDisk: { id } }
    await arm.make('images/os', { ...west, properties: { storageProfile: { osDisk } } })
    await arm.make(
      placeOf('storageAccounts/spectypes'),
      { ...west, kind: 'StorageV2', sku: { name: 'Standard_LRS' } },
      '2023-01-01',
    )
    await arm.make('galleries/spectypes', west)
    const properties = { supportedOSType: 'Linux', description: 'd', eula: 'e' }
    await arm.make('galleries/spectypes/applications/app', { ...west, properties }, '2024-03-03')
    const template = {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      parameters: { name: { type: 'string' } },
      resources: [
        {
          type: 'Microsoft.Compute/galleries',
          apiVersion: '2024-03-03',
          name: "[parameters('name')]",
          location: 'westeurope',
        },
      ],
      outputs: { made: { type: 'string', value: "[parameters('name')]" } },
    }
    const parameters = { name: { value: 'deployed' } }
    const deployment = { properties: { mode: 'Incremental', template, parameters } }
    await arm.put(placeOf('deployments/spec'), deployment, '2021-04-01')
    const stateOf = async () => {
      const { body } = await arm.get(placeOf('deployments/spec'), '2021-04-01')
      return valueAt(body, 'properties.provisioningState')
    }
    await vi.waitUntil(async () => (await stateOf()) === 'Succeeded', { timeout: 30_000 })
    const lock = { properties: { level: 'CanNotDelete', notes: 'n' } }
    await arm.put(placeOf('locks/keep'), lock, '2020-05-01')
  })
  afterAll(() => vitrine.close())

  function placeOf(place: string): string {
    if (place === '') return arm.groupPath
    if (/^(disks|snapshots|images|galleries)\//.test(place)) return arm.idOf(place)
    const namespace = namespaces[place.split('/')[0] ?? ''] ?? 'Microsoft.Storage'
    return `${arm.groupPath}/providers/${namespace}/${place}`
  }

  /** What GET answers; of a list, the first. `systemData` is told at every api-version. */
  async function documentAt(place: string, api: string): Promise<JsonObject> {
    const { status, body } = await arm.get(placeOf(place), api)
    expect([api, status, body.error]).toEqual([api, 200, undefined])
    const [first] = isList(body.value) ? body.value.filter(isObject) : [body]
    const { systemData: _, ...document } = first ?? {}
    return document
  }

  it.each(shown)(
    'what GET shows of %s at each published api-version is what Azure defines',
    async (type, file, place, always) => {
      const spec = readSpecTypes(file)
      const versions = spec.versionsOf(type)
      expect(versions.length).toBeGreaterThan(2)
      for (const api of versions) {
        const document = await documentAt(place, api)
        expect(spec.faultsOf(type, api, document).filter((one) => !isKnownToBe(one))).toEqual([])
        const missing = always.filter((path) => valueAt(document, path) === undefined)
        expect([api, missing]).toEqual([api, []])
        expect(document.type).toBe(type)
      }
    },
  )
})
