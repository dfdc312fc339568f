import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, openArm } from '../support/arm.ts'
import { bare, galleryResource as gallery, nestedResource } from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const west = { location: 'westeurope' }
const disk = (name: string, more: object = {}) => ({
  ...{ type: 'Microsoft.Compute/disks', apiVersion: '2022-07-02', name, ...west },
  properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
  ...more,
})
const definition = (features: readonly object[]) => ({
  ...{ ...gallery('there/linux'), type: 'Microsoft.Compute/galleries/images' },
  apiVersion: '2024-03-03',
  properties: {
    ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V2' },
    identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'One' },
    allowUpdateImage: true,
    features,
  },
})
const feature = (name: string, value: string) => ({ name, value })

describe('what a deployment would change is told as Azure tells it', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine, 'foretold')
    await arm.put(arm.groupPath, west)
    await arm.make('galleries/there', { ...west, properties: { description: 'was' } })
    const { properties } = definition([feature('DiskControllerTypes', 'SCSI')])
    await arm.make('galleries/there/images/linux', { ...west, properties })
    for (const name of ['same', 'tagged']) {
      const { location, properties: said } = disk(name)
      await arm.make(`disks/${name}`, { location, properties: said })
    }
    await arm.make('galleries/beside', west)
  })
  afterAll(() => vitrine.close())

  async function foretold(
    resources: readonly object[],
    mode = 'Incremental',
  ): Promise<Map<string, JsonObject>> {
    const path = `${arm.groupPath}/providers/Microsoft.Resources/deployments/if/whatIf`
    const body = { properties: { mode, template: { ...bare, resources } } }
    const answer = await arm.ask('POST', path, { body, api })
    expect(answer.body).toEqual({})
    const changes = valueAt(await arm.ended(answer), 'properties.changes')
    const rows = isList(changes) ? changes.filter((row) => isObject(row)) : []
    return new Map(
      rows.map((row) => [String(row.resourceId).slice(arm.groupPath.length + 11), row]),
    )
  }
  const compute = 'Microsoft.Compute'
  const kindsOf = (told: Map<string, JsonObject>) =>
    Object.fromEntries([...told].map(([id, { changeType }]) => [id, changeType]))

  it('each resource by its kind of change; what nested templates hold in their place', async () => {
    const later = "[reference('new').uniqueId]"
    const waiting = { ...gallery('waits'), tags: { of: later } }
    const resources = [disk('same'), disk('tagged', { tags: { a: '1' } }), disk('new'), waiting]
    const told = await foretold([...resources, nestedResource('n', [gallery('inside')])])
    expect(kindsOf(told)).toEqual({
      [`${compute}/disks/same`]: 'NoChange',
      [`${compute}/disks/tagged`]: 'Modify',
      [`${compute}/disks/new`]: 'Create',
      [`${compute}/galleries/waits`]: 'Unsupported',
      [`${compute}/galleries/inside`]: 'Create',
      [`${compute}/galleries/there`]: 'Ignore',
      [`${compute}/galleries/there/images/linux`]: 'Ignore',
      [`${compute}/galleries/beside`]: 'Ignore',
    })
    expect(told.get(`${compute}/galleries/waits`)).toMatchObject({
      unsupportedReason: expect.stringContaining('disks/new'),
    })
    expect(told.get(`${compute}/disks/new`)).toMatchObject({
      after: { apiVersion: '2022-07-02', name: 'new', properties: { diskSizeGB: 1 } },
    })
    const [same, beside] = ['disks/same', 'galleries/beside'].map((id) =>
      told.get(`${compute}/${id}`),
    )
    for (const side of ['before', 'after']) {
      expect(valueAt(same, side)).toMatchObject({ apiVersion: '2022-07-02' })
      expect(valueAt(beside, side)).toMatchObject({ apiVersion: expect.stringMatching(/^20/) })
    }
    expect(same?.delta).toEqual([])
    const complete = kindsOf(await foretold([disk('same'), gallery('there')], 'Complete'))
    expect(complete).toMatchObject({
      [`${compute}/disks/tagged`]: 'Delete',
      [`${compute}/galleries/beside`]: 'Delete',
      [`${compute}/galleries/there`]: 'Modify',
      [`${compute}/galleries/there/images/linux`]: 'Ignore',
    })
  })

  it('each property by its path, with what it is and what it would be, lists by their elements', async () => {
    const features = [
      feature('DiskControllerTypes', 'SCSI, NVMe'),
      feature('IsHibernateSupported', 'True'),
    ]
    const told = await foretold([{ ...gallery('there'), tags: { a: '1' } }, definition(features)])
    expect(told.get(`${compute}/galleries/there`)).toMatchObject({
      before: { properties: { description: 'was' } },
      delta: [
        { path: 'properties.description', propertyChangeType: 'Delete', before: 'was' },
        { path: 'tags', propertyChangeType: 'Create', after: { a: '1' } },
      ],
    })
    expect(valueAt(told.get(`${compute}/galleries/there/images/linux`), 'delta')).toEqual([
      {
        path: 'properties.features',
        propertyChangeType: 'Array',
        before: [feature('DiskControllerTypes', 'SCSI')],
        after: features,
        children: [
          {
            path: '0',
            propertyChangeType: 'Modify',
            before: feature('DiskControllerTypes', 'SCSI'),
            after: features[0],
            children: [
              { path: 'value', propertyChangeType: 'Modify', before: 'SCSI', after: 'SCSI, NVMe' },
            ],
          },
          { path: '1', propertyChangeType: 'Create', after: features[1] },
        ],
      },
    ])
  })

  it('what is said of properties that are only read has no effect, and is no change', async () => {
    const sku = { name: 'Standard_LRS', tier: 'Premium' }
    const properties = { ...disk('same').properties, uniqueId: 'mine' }
    const told = await foretold([disk('same', { sku, properties })])
    expect(told.get(`${compute}/disks/same`)).toMatchObject({
      changeType: 'NoChange',
      delta: [
        { path: 'sku.tier', propertyChangeType: 'NoEffect', after: 'Premium' },
        { path: 'properties.uniqueId', propertyChangeType: 'NoEffect', after: 'mine' },
      ],
    })
    expect(valueAt(told.get(`${compute}/disks/same`), 'after.sku.tier')).toBe('Standard')
  })

  it('what would be refused is refused, by the name of the resource and its line', async () => {
    const wrong = { ...definition([]), name: 'there/wrong' }
    const resources = [
      disk('same'),
      { ...wrong, properties: { ...wrong.properties, osType: 'OS/2' } },
    ]
    const body = { properties: { mode: 'Incremental', template: { ...bare, resources } } }
    const path = `${arm.groupPath}/providers/Microsoft.Resources/deployments/if/whatIf`
    const { status, body: told } = await arm.ask('POST', path, { body, api })
    expect(status).toBe(400)
    expect(told).toMatchObject({
      error: {
        code: 'InvalidTemplateDeployment',
        message: expect.stringMatching(/'there\/wrong'.*'OS\/2' of parameter osType/),
        details: [{ code: 'InvalidParameter', target: expect.stringContaining('images/wrong') }],
        additionalInfo: [
          { type: 'TemplateViolation', info: { path: 'properties.template.resources[1]' } },
        ],
      },
    })
  })
})
