import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { keyOf } from '../../src/domain/resource-id.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const west = { location: 'westeurope' }
const tags = { note: '[not an expression]' }
const definition = {
  ...{ ...west, tags },
  properties: {
    ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V1' },
    identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'One' },
  },
}
const all = { resources: ['*'] }
const withDefaults = { ...all, options: 'IncludeParameterDefaultValue' }
const gallery = "parameters('galleries_from_here_name')"
const idOfGallery = `[resourceId('Microsoft.Compute/galleries', ${gallery})]`
const idOfDefinition = `[resourceId('Microsoft.Compute/galleries/images', ${gallery}, 'linux')]`
const idOfDisk = "[resourceId('Microsoft.Compute/disks', parameters('disks_os_name'))]"

describe('a resource group is exported as a template', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let there: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine, 'exported')
    there = openArm(vitrine, 'deployed')
    for (const { groupPath } of [arm, there]) await arm.put(groupPath, west)
    await arm.make('galleries/from.here', { ...west, properties: { description: 'is here' } })
    await arm.make('galleries/from.here/images/linux', definition)
    const id = await arm.upload('os', dataBytes(7))
    const storageProfile = { osDiskImage: { source: { id } } }
    await arm.make('galleries/from.here/images/linux/versions/1.0.0', {
      ...{ ...west, properties: { storageProfile } },
    })
  })
  afterAll(() => vitrine.close())

  const place = (group: Arm) => `${group.groupPath}/exportTemplate`
  const exported = async (body: object) => (await arm.ask('POST', place(arm), { body, api })).body
  const byType = ({ template }: JsonObject) => {
    const resources = isObject(template) && isList(template.resources) ? template.resources : []
    const rows = resources.filter((one) => isObject(one))
    return new Map(rows.map((one) => [String(one.type).replace(/^.*\//, ''), one]))
  }

  it('with its names as parameters, each after what it needs, and nothing that is only read', async () => {
    const answer = await exported(withDefaults)
    expect(answer).not.toHaveProperty('error')
    expect(answer.template).toMatchObject({
      $schema: 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      parameters: {
        galleries_from_here_name: { defaultValue: 'from.here', type: 'String' },
        disks_os_name: { defaultValue: 'os', type: 'String' },
      },
    })
    const told = byType(answer)
    expect([...told.keys()].toSorted()).toEqual(['disks', 'galleries', 'images', 'versions'])
    expect(told.get('galleries')).toEqual({
      ...{ type: 'Microsoft.Compute/galleries', apiVersion: '2025-12-03', ...west },
      ...{ name: `[${gallery}]`, properties: { description: 'is here' } },
    })
    expect(told.get('images')).toMatchObject({
      ...{ name: `[concat(${gallery}, '/linux')]`, dependsOn: [idOfGallery] },
      tags: { note: '[[not an expression]' },
    })
    expect(told.get('versions')).toMatchObject({
      name: `[concat(${gallery}, '/linux/1.0.0')]`,
      dependsOn: [idOfGallery, idOfDefinition, idOfDisk],
      properties: { storageProfile: { osDiskImage: { source: { id: idOfDisk } } } },
    })
    expect(JSON.stringify(answer)).not.toMatch(/provisioningState|publishedDate|diskState|uniqueId/)
  })

  it('what is named alone, and deployed elsewhere it is the same again', async () => {
    const resources = ['galleries/from.here', 'galleries/from.here/images/linux'].map(arm.idOf)
    const { template } = await exported({ resources })
    expect(valueAt(template, 'parameters')).toEqual({
      galleries_from_here_name: { type: 'String' },
    })
    const path = `${there.groupPath}/providers/Microsoft.Resources/deployments/again`
    const parameters = { galleries_from_here_name: { value: 'to.there' } }
    const body = { properties: { mode: 'Incremental', template, parameters } }
    const answer = await there.put(path, body, api)
    expect(await there.ended(answer)).toMatchObject({ status: 'Succeeded' })
    for (const part of ['', '/images/linux']) {
      const [was, is] = [`galleries/from.here${part}`, `galleries/to.there${part}`]
      const { id: _, name: __, systemData: ___, ...here } = (await arm.get(was)).body
      const { identifier, ...properties } = isObject(here.properties) ? here.properties : {}
      const same = part === '' ? { ...here, properties } : here
      expect(identifier).toBeDefined()
      expect((await there.get(is)).body).toMatchObject(same)
    }
  })

  it('as its options say: names as they are, ids of others as parameters, or none; comments', async () => {
    const resources = [arm.idOf('galleries/from.here/images/linux/versions/1.0.0')]
    const id = arm.idOf('disks/os')
    const sourceOf = (body: JsonObject) =>
      valueAt(byType(body).get('versions'), 'properties.storageProfile.osDiskImage.source.id')
    const named = await exported({ resources, options: 'SkipResourceNameParameterization' })
    expect(byType(named).get('versions')).toMatchObject({ name: 'from.here/linux/1.0.0' })
    expect(byType(named).get('versions')).not.toHaveProperty('dependsOn')
    expect(sourceOf(named)).toBe("[parameters('disks_os_externalid')]")
    expect(valueAt(named.template, 'parameters')).toEqual({
      disks_os_externalid: { type: 'String' },
    })
    const options = 'skipallparameterization, IncludeComments'
    const plain = await exported({ resources, options })
    expect(sourceOf(plain)).toBe(id)
    expect(valueAt(plain.template, 'parameters')).toEqual({})
    expect(byType(plain).get('versions')).toMatchObject({
      comments: `Generalized from resource: '${resources[0]}'.`,
    })
  })

  it('what it cannot hold is told beside it: what lies in storage accounts', async () => {
    const account = { ...west, kind: 'StorageV2', sku: { name: 'Standard_LRS' } }
    const path = `${there.groupPath}/providers/Microsoft.Storage/storageAccounts/exported1`
    await there.ended(await there.put(path, account, '2023-01-01'))
    const { body } = await there.ask('POST', place(there), { body: { resources: [path] }, api })
    expect(byType(body).get('storageAccounts')).toMatchObject({ kind: 'StorageV2' })
    const target = 'Microsoft.Storage/storageAccounts/blobServices/containers'
    expect(body.error).toMatchObject({
      code: 'ExportTemplateCompletedWithErrors',
      details: [{ code: 'ExportTemplateProviderError', target }],
    })
  })

  it('only what the caller may read, which is asked of the group and of each that is named', async () => {
    // Reads groups, galleries and what is in them, but no disks.
    const roleId = builtInRoles.computeGalleryArtifactsPublisher.id
    const other = await openOtherCaller(vitrine, [{ roleId, scope: arm.groupPath }])
    const seen = await other.ask('POST', place(arm), { body: all, api })
    expect([...byType(seen.body).keys()]).toEqual(['galleries', 'images', 'versions'])
    const body = { resources: [arm.idOf('disks/os')] }
    const refused = await other.ask('POST', place(arm), { body, api })
    expect(errorOf(refused)).toMatchObject({ code: 'AuthorizationFailed' })
    expect((await other.ask('POST', place(there), { body: all, api })).status).toBe(403)
  })

  it('what is not there, elsewhere, no option or too much is refused', async () => {
    const refused = async (body: object, path = place(arm)) => {
      const answer = await arm.ask('POST', path, { body, api })
      return [answer.status, errorOf(answer).code, errorOf(answer).target]
    }
    const many = Array.from({ length: 201 }, (_, at) => arm.idOf(`disks/d${at}`))
    const limit = [409, 'ExportTemplateResourcesLimitExceeded', undefined]
    expect(await refused({ resources: many })).toEqual(limit)
    const none = [404, 'ResourceNotFound', undefined]
    expect(await refused({ resources: many.slice(1) })).toEqual(none)
    for (const id of ['os', there.idOf('disks/os'), arm.groupPath]) {
      expect(await refused({ resources: [id] })).toEqual([400, 'InvalidParameter', 'resources'])
    }
    const wrong = { ...all, options: 'IncludeAll' }
    expect(await refused(wrong)).toEqual([400, 'InvalidParameter', 'options'])
    expect((await refused({ resources: '*' }))[0]).toBe(400)
    const gone = [404, 'ResourceGroupNotFound', undefined]
    expect(await refused(all, `${arm.groupPath}gone/exportTemplate`)).toEqual(gone)
    const { store } = vitrine.installation
    const disk = await store.read.resources.get(keyOf(arm.idOf('disks/os')))
    if (!disk) throw new Error('the disk is there')
    await store.write(async (rows) => {
      // With the disk, the gallery, the definition and the version: one more than there may be.
      for (const id of many.slice(4)) {
        const name = id.split('/').at(-1) ?? ''
        await rows.resources.insert({ ...disk, id, key: keyOf(id), name, nameSort: name })
      }
    })
    expect(await refused(all)).toEqual(limit)
  })
})
