import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { keyOf } from '../../src/domain/resource-id.ts'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

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

/** What of a resource does not tell when it was made, and as which one. */
function lasting(body: JsonObject): Json {
  const passing =
    /^(systemData|etag|uniqueId|sourceUniqueId|timeCreated|creationTime|publishedDate|keyCreationTime|key\d|lastEnabledTime)$/
  return JSON.parse(
    JSON.stringify(body, (name, value: unknown) => (passing.test(name) ? undefined : value)),
  )
}

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

  it('everything with bytes: deployed elsewhere, from disks to versions of images and packages, it is all there again', async () => {
    const account = await makeAccount(vitrine, there, 'sources1')
    const files = await account.container('files')
    const vhd = vhdFixed(dataBytes(8))
    const disk = files.getPageBlobClient('os.vhd')
    await disk.create(vhd.length)
    await disk.uploadPages(vhd, 0, vhd.length)
    await files.getBlockBlobClient('app.zip').uploadData(Buffer.from('packed'))
    const full = openArm(vitrine, 'full')
    const made = await stock(full, account)
    const anew = openArm(vitrine, 'anew')
    await anew.put(anew.groupPath, west)
    const exports = await full.ask('POST', place(full), { body: withDefaults, api })
    const { template, error } = exports.body
    // The names that are unique in a subscription or an installation are other ones; all else has its default.
    const parameters = {
      galleries_of_full_name: { value: 'of.anew' },
      storageAccounts_offull_name: { value: 'ofanew' },
    }
    const path = `${anew.groupPath}/providers/Microsoft.Resources/deployments/anew`
    const body = { properties: { mode: 'Incremental', template, parameters } }
    const deployed = await anew.ended(await anew.put(path, body, api))
    expect(deployed, JSON.stringify(deployed)).toMatchObject({ status: 'Succeeded' })
    expect(error).toMatchObject({
      details: [{ target: 'Microsoft.Storage/storageAccounts/blobServices/containers' }],
    })
    const renamed = (text: string) =>
      text
        .replaceAll(full.groupPath, anew.groupPath)
        .replaceAll('of.full', 'of.anew')
        .replaceAll('-OF.FULL', '-OF.ANEW')
        .replaceAll('offull', 'ofanew')
    for (const one of made) {
      const at = one.includes('storageAccounts') ? '2023-01-01' : undefined
      const [was, is] = await Promise.all([full.get(one, at), anew.get(renamed(one), at)])
      expect([one, is.status]).toEqual([one, 200])
      expect(lasting(is.body)).toEqual(lasting(JSON.parse(renamed(JSON.stringify(was.body)))))
    }
    expect(await anew.bytesOf('galleries/of.anew/images/linux', 'westeurope')).toEqual(
      await full.bytesOf('galleries/of.full/images/linux', 'westeurope'),
    )
  })

  /** One of each type, made of what lies elsewhere; their paths. */
  async function stock(full: Arm, { id: storageAccountId, endpoint }: BlobAccount) {
    await full.put(full.groupPath, west)
    const own = `${full.groupPath}/providers/Microsoft.Storage/storageAccounts/offull`
    const account = { ...west, kind: 'StorageV2', sku: { name: 'Standard_LRS' } }
    await full.ended(await full.put(own, account, '2023-01-01'))
    const created = (path: string, creationData: object) =>
      full.make(path, { ...west, properties: { osType: 'Linux', creationData } })
    const sourceUri = `${endpoint}/files/os.vhd`
    await created('disks/os', { createOption: 'Import', sourceUri, storageAccountId })
    const sourceResourceId = full.idOf('disks/os')
    await created('snapshots/os', { createOption: 'Copy', sourceResourceId })
    const managedDisk = { id: full.idOf('snapshots/os') }
    const osDisk = { osType: 'Linux', osState: 'Generalized', snapshot: managedDisk }
    await full.make('images/os', { ...west, properties: { storageProfile: { osDisk } } })
    await full.make('galleries/of.full', west)
    const image = 'galleries/of.full/images/linux'
    await full.make(image, definition)
    const source = { id: full.idOf('images/os') }
    const targetRegions = [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 2 }]
    await full.make(`${image}/versions/1.0.0`, {
      ...west,
      properties: { storageProfile: { source }, publishingProfile: { targetRegions } },
    })
    const galleryImageReference = { id: full.idOf(`${image}/versions/1.0.0`) }
    await created('disks/again', { createOption: 'FromImage', galleryImageReference })
    const application = 'galleries/of.full/applications/tool'
    await full.make(application, { ...west, properties: { supportedOSType: 'Linux' } })
    await full.make(`${application}/versions/1.0.0`, {
      ...{ ...west, tags },
      properties: {
        publishingProfile: {
          source: { mediaLink: `${endpoint}/files/app.zip` },
          manageActions: { install: 'sh [install]', remove: 'b' },
          targetRegions,
        },
      },
    })
    const disks = ['disks/os', 'disks/again', 'snapshots/os', 'images/os']
    const galleries = ['galleries/of.full', image, `${image}/versions/1.0.0`]
    return [own, ...disks, ...galleries, application, `${application}/versions/1.0.0`]
  }

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
