import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { gallery, makeDefinition } from '../support/main-job.ts'
import { bodyFaults } from '../support/spec.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const file = new URL('../golden/spec/published.json', import.meta.url)
const published = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(file, 'utf8')))

const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const group = `/subscriptions/${guid}/resourceGroups/myGalleryRG`
const resources = 'Microsoft.Resources'
const authorization = 'Microsoft.Authorization'

type Place = {
  /** As in the golden. */
  readonly ask: string
  /** Of the file of published api-versions. */
  readonly type: string
  readonly path: string
  /** How Azure spells the ids of what is told. */
  readonly id: string | undefined
  /** What each always has. */
  readonly always: readonly string[]
}

const places: readonly Place[] = [
  {
    ask: 'GET usages',
    type: 'Microsoft.Compute/locations/usages',
    path: '{s}/providers/Microsoft.Compute/locations/westeurope/usages',
    id: undefined,
    always: ['limit', 'unit', 'currentValue', 'name.value', 'name.localizedValue'],
  },
  {
    ask: 'GET tenants',
    type: `${resources}/subscriptions`,
    path: '/tenants',
    id: `/tenants/${guid}`,
    always: ['id', 'tenantId', 'displayName', 'tenantCategory'],
  },
  {
    ask: 'GET subscriptions',
    type: `${resources}/subscriptions`,
    path: '/subscriptions',
    id: `/subscriptions/${guid}`,
    always: ['id', 'subscriptionId', 'tenantId', 'displayName', 'state', 'subscriptionPolicies'],
  },
  {
    ask: 'GET subscription',
    type: `${resources}/subscriptions`,
    path: '{s}',
    id: `/subscriptions/${guid}`,
    always: ['id', 'subscriptionId', 'tenantId', 'displayName', 'state', 'subscriptionPolicies'],
  },
  {
    ask: 'GET locations',
    type: `${resources}/subscriptions`,
    path: '{s}/locations',
    id: `/subscriptions/${guid}/locations/[a-z0-9]+`,
    always: ['id', 'name', 'displayName', 'regionalDisplayName', 'metadata.regionType'],
  },
  {
    ask: 'GET providers',
    type: `${resources}/subscriptions`,
    path: '{s}/providers',
    id: `/subscriptions/${guid}/providers/(Microsoft|Vitrine)\\.[A-Z][A-Za-z]+`,
    always: ['id', 'namespace', 'registrationState', 'resourceTypes'],
  },
  {
    ask: 'GET provider',
    type: `${resources}/subscriptions`,
    path: '{s}/providers/microsoft.compute',
    id: `/subscriptions/${guid}/providers/Microsoft.Compute`,
    always: ['id', 'namespace', 'registrationState', 'resourceTypes'],
  },
  {
    ask: 'GET resources',
    type: `${resources}/resourceGroups`,
    path: '{s}/resources',
    id: `${group}/providers/Microsoft.(Compute/galleries|Compute/galleries/.*|Storage/storageAccounts)/\\w+`,
    always: ['id', 'name', 'type', 'location'],
  },
  {
    ask: `GET ${resources}/resourceGroups list`,
    type: `${resources}/resourceGroups`,
    path: '{s}/resourcegroups',
    id: group,
    always: ['id', 'name', 'type', 'location', 'properties.provisioningState'],
  },
  {
    ask: 'GET tagNames list',
    type: `${resources}/tags`,
    path: '{s}/tagNames',
    id: `/subscriptions/${guid}/tagNames/dept`,
    always: ['id', 'tagName', 'count.type', 'count.value', 'values'],
  },
  {
    ask: 'GET deployment operations list',
    type: `${resources}/deployments`,
    path: `{g}/providers/${resources}/deployments/shaped/operations`,
    id: `${group}/providers/${resources}/deployments/shaped/operations/[0-9A-F]+`,
    always: ['id', 'operationId', 'properties.provisioningState', 'properties.timestamp'],
  },
  {
    ask: `GET ${authorization}/roleAssignments list`,
    type: `${authorization}/roleAssignments`,
    path: `{g}/providers/${authorization}/roleAssignments`,
    id: `(${group})?/providers/${authorization}/roleAssignments/${guid}`,
    always: ['id', 'name', 'type', 'properties.roleDefinitionId', 'properties.principalId'],
  },
  {
    ask: `GET ${authorization}/roleDefinitions list`,
    type: `${authorization}/roleDefinitions`,
    path: `{g}/providers/${authorization}/roleDefinitions`,
    id: `(/subscriptions/${guid})?/providers/${authorization}/roleDefinitions/${guid}`,
    always: ['id', 'name', 'type', 'properties.roleName', 'properties.permissions'],
  },
  {
    ask: 'GET permissions',
    type: `${authorization}/roleDefinitions`,
    path: `{g}/providers/${authorization}/permissions`,
    id: undefined,
    always: ['actions', 'notActions'],
  },
]

const template = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources: [
    {
      type: 'Microsoft.Compute/galleries',
      apiVersion: '2024-03-03',
      name: 'deployed',
      location: 'westeurope',
    },
  ],
}

/** Otherwise than the definitions have it, as Azure does; `systemData` is told at every api-version. */
const otherwise = [
  /^[\d-]+(preview)?\.nextLink is missing$/,
  /\.systemData is unknown$/,
  /\.properties\.trackingId is unknown$/,
  /^201[57]-[\d-]+(preview)?\.value\[\d+\]\.(properties\.permissions\[\d+\]\.)?(notD|d)ataActions is unknown$/,
  /^20(1\d|20)-[\d-]+(preview)?\.value\[\d+\]\.properties\.((created|updated)(On|By)|principalType|description|condition|conditionVersion|delegatedManagedIdentityResourceId) is unknown$/,
  // Null is told of what nobody said.
  /\.properties\.((created|updated)(On|By)|description|condition|conditionVersion|delegatedManagedIdentityResourceId) is a object, not a string$/,
]
const isKnownToBe = (fault: string) => otherwise.some((form) => form.test(fault))

describe('what is told of subscriptions, tenants, places, providers, resources and roles', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const tagged = { location: 'westeurope', tags: { dept: 'a' } }
    await arm.put(`galleries/${gallery}`, tagged)
    const deployment = { properties: { mode: 'Incremental', template } }
    const at = `${arm.groupPath}/providers/${resources}/deployments/shaped`
    expect(await arm.ended(await arm.put(at, deployment, '2021-04-01'))).toMatchObject({
      status: 'Succeeded',
    })
  })
  afterAll(() => vitrine.close())

  it.each(places)(
    '$ask has at each api-version every member that Azure always has, and none that it does not define',
    async ({ ask, type, path, id, always }) => {
      const spelt = new RegExp(`^${id}$`)
      const place = path
        .replace('{s}', `/subscriptions/${vitrine.subscription}`)
        .replace('{g}', arm.groupPath)
      for (const api of published[type] ?? []) {
        const { status, body } = await arm.get(place, api)
        expect([api, status]).toEqual([api, 200])
        expect(bodyFaults(ask, api, body).filter((one) => !isKnownToBe(one))).toEqual([])
        const told: readonly Json[] = isList(body.value) ? body.value : [body]
        expect(told.length).toBeGreaterThan(0)
        for (const one of told.filter(isObject)) {
          const missing = always.filter((member) => valueAt(one, member) === undefined)
          expect([api, missing]).toEqual([api, []])
          if (id !== undefined) expect(one.id).toMatch(spelt)
        }
      }
    },
  )
})
