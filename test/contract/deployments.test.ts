import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { bare, bareOfSubscription, galleryResource as gallery } from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const group = 'deployed'
const west = { location: 'westeurope' }

const { $schema } = bare

/** A gallery with a definition in it. */
const template = {
  $schema,
  contentVersion: '1.0.0.0',
  parameters: {
    galleryName: { type: 'string' },
    location: { type: 'string', defaultValue: '[resourceGroup().location]' },
  },
  resources: [
    {
      type: 'Microsoft.Compute/galleries/images',
      apiVersion: '2023-07-03',
      name: "[concat(parameters('galleryName'), '/linux')]",
      location: "[parameters('location')]",
      dependsOn: ["[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]"],
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'One' },
      },
    },
    {
      type: 'Microsoft.Compute/galleries',
      apiVersion: '2023-07-03',
      name: "[parameters('galleryName')]",
      location: "[parameters('location')]",
    },
  ],
  outputs: {
    id: {
      type: 'string',
      value: "[resourceId('Microsoft.Compute/galleries', parameters('galleryName'))]",
    },
  },
}

describe('template deployments', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine, group)
    await vitrine.resources.resourceGroups.createOrUpdate(group, west)
  })
  afterAll(() => vitrine.close())

  const idOf = (name: string) =>
    `${arm.groupPath}/providers/Microsoft.Resources/deployments/${name}`

  /** Sends it and waits for its end; what GET shows then. */
  async function deployed(name: string, properties: object): Promise<JsonObject> {
    const answer = await arm.put(
      idOf(name),
      { properties: { mode: 'Incremental', ...properties } },
      api,
    )
    expect(answer.body, JSON.stringify(answer.body)).not.toHaveProperty('error')
    await arm.ended(answer)
    return (await arm.get(idOf(name), api)).body
  }

  it('a gallery and what is in it are there when it has ended, in their order', async () => {
    expect(await deployed('first', { template, parameters: named('one') })).toMatchObject({
      id: idOf('first'),
      name: 'first',
      type: 'Microsoft.Resources/deployments',
      properties: {
        provisioningState: 'Succeeded',
        mode: 'Incremental',
        parameters: { galleryName: { type: 'String', value: 'one' } },
        outputs: { id: { value: arm.idOf('galleries/one') } },
      },
    })
    expect((await arm.get('galleries/one/images/linux')).status).toBe(200)
  })

  it('every scope, list and part answers in Azure’s shape, and case does not matter', async () => {
    const list = await arm.get(`${arm.groupPath}/providers/Microsoft.Resources/deployments/`, api)
    expect(list.body.value).toMatchObject([{ name: 'first' }])
    const failed = `${arm.groupPath}/providers/Microsoft.Resources/deployments?$filter=provisioningState%20eq%20'Failed'`
    expect((await arm.get(failed, api)).body.value).toEqual([])
    expect((await arm.ask('HEAD', idOf('first').toUpperCase(), { api })).status).toBe(204)
    expect((await arm.ask('HEAD', idOf('none'), { api })).status).toBe(404)
    expect(errorOf(await arm.get(idOf('none'), api))).toMatchObject({ code: 'DeploymentNotFound' })
    const hashing = '/providers/Microsoft.Resources/calculateTemplateHash'
    const { body: hashed } = await arm.ask('POST', hashing, { body: template, api })
    const { templateHash } = Object((await arm.get(idOf('first'), api)).body.properties)
    expect(hashed).toEqual({ minifiedTemplate: JSON.stringify(template), templateHash })
    expect((await arm.get(hashing, api)).status).toBe(405)
    const operations = await arm.get(`${arm.groupPath}/deployments/first/operations`, api)
    const [one] = listIn(operations.body)
    expect(listIn(operations.body)).toHaveLength(2)
    expect(one).toMatchObject({
      operationId: expect.stringMatching(/^[\dA-F]{16}$/),
      properties: {
        provisioningOperation: 'Create',
        provisioningState: 'Succeeded',
        statusCode: 'OK',
        targetResource: {
          resourceType: 'Microsoft.Compute/galleries/images',
          resourceName: 'one/linux',
        },
      },
    })
    const again = await arm.get(`${idOf('first')}/operations/${String(one?.operationId)}`, api)
    expect(again.body).toEqual(one)
    const exported = await arm.ask('POST', `${idOf('first')}/exportTemplate`, { api })
    expect(exported.body).toEqual({ template })
  })

  it('the same one again changes nothing, and is answered with 200', async () => {
    const body = { properties: { mode: 'Incremental', template, parameters: named('one') } }
    const before = (await arm.get('galleries/one')).headers.get('etag')
    const answer = await arm.put(idOf('first'), body, api)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('azure-asyncoperation')).toContain('/operationStatuses/')
    expect(await arm.ended(answer)).toEqual({ status: 'Succeeded' })
    expect((await arm.get('galleries/one')).headers.get('etag')).toBe(before)
  })

  it('what is wrong is told before anything is written: type, api-version, name, template', async () => {
    const gallery = { type: 'Microsoft.Compute/galleries', apiVersion: '2023-07-03', ...west }
    const refused = async (resource: object) => {
      const wrong = { ...template, parameters: {}, outputs: {}, resources: [resource] }
      const body = { properties: { mode: 'Incremental', template: wrong } }
      const answer = await arm.put(idOf('wrong'), body, api)
      expect(answer.status).toBe(400)
      const { code, message } = errorOf(answer)
      return `${String(code)} ${String(message)}`
    }
    const machine = { ...gallery, type: 'Microsoft.Compute/virtualMachines', name: 'vm' }
    expect(await refused(machine)).toMatch(
      /InvalidTemplateDeployment.*'Microsoft.Compute\/virtualMachines'.*later release/,
    )
    expect(await refused({ ...gallery, name: 'g', apiVersion: '2000-01-01' })).toMatch(
      /'2000-01-01', which is not served/,
    )
    expect(await refused({ ...gallery, name: 'not-allowed' })).toMatch(
      /InvalidTemplateDeployment.*'not-allowed'/,
    )
    expect(await refused({ ...gallery, name: 'far', location: 'marsnorth' })).toMatch(
      /InvalidTemplateDeployment.*'far'.*location 'marsnorth' is not available/,
    )
    expect(await refused({ ...gallery, name: "[nothing('x')]" })).toMatch(
      /InvalidTemplate .*nothing/,
    )
    expect((await arm.get(idOf('wrong'), api)).status).toBe(404)
  })

  it('the body of az is read, which is no JSON, and an error names the line', async () => {
    const text = (name: string) => `{"properties": {"mode": "incremental", template:{
      // a comment
      $schema: '${$schema}', "contentVersion": "1.0.0.0",
      "resources": [{ "type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03",
        "name": "${name}", "location": "westeurope" }]
    }}}`
    const authorization = `Bearer ${vitrine.token}`
    const send = (path: string, body: string, method = 'PUT') =>
      fetch(`${vitrine.url}${path}?api-version=${api}`, {
        method,
        body,
        headers: { authorization },
      })
    expect((await send(`${idOf('az')}/validate`, text('az'), 'POST')).status).toBe(200)
    expect((await send(idOf('az'), text('az'))).status).toBe(201)
    const wrong = await send(`${idOf('bad')}/validate`, text("[concat('a',]"), 'POST')
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({
      error: {
        code: 'InvalidTemplate',
        additionalInfo: [{ type: 'TemplateViolation', info: { lineNumber: 5 } }],
      },
    })
    expect((await send(idOf('bad'), '{ "properties": ')).status).toBe(400)
  })

  it('links are not followed, and nothing is rolled back by itself', async () => {
    const mode = 'Incremental'
    const file = { uri: 'https://elsewhere.example/t.json' }
    const spec = { id: `${arm.groupPath}/templateSpecs/s/versions/1` }
    const onErrorDeployment = { type: 'LastSuccessful' }
    const codes = [
      { mode, templateLink: file },
      { mode, templateLink: spec },
      { mode, template: bare, parametersLink: file },
      { mode, template: bare, onErrorDeployment },
    ].map(async (properties) => {
      const answer = await arm.put(idOf('linked'), { properties }, api)
      return `${answer.status} ${errorOf(answer).code}`
    })
    const refused = '400 InvalidContentLink'
    expect(await Promise.all(codes)).toEqual([refused, refused, refused, '400 InvalidDeployment'])
  })

  it('a resource that fails is told with its error; what does not depend on it goes on', async () => {
    const clash = {
      ...definition('linux2', 'one'),
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'Contoso', offer: 'Linux', sku: 'One' },
      },
    }
    const resources = [
      clash,
      gallery('beside'),
      { ...gallery('behind'), dependsOn: ['one/linux2'] },
    ]
    const { properties } = await deployed('failing', { template: { ...bare, resources } })
    expect(properties).toMatchObject({
      provisioningState: 'Failed',
      error: {
        code: 'DeploymentFailed',
        details: [{ target: arm.idOf('galleries/one/images/linux2'), message: expect.any(String) }],
      },
    })
    expect((await arm.get('galleries/beside')).status).toBe(200)
    expect((await arm.get('galleries/behind')).status).toBe(404)
  })

  it('complete mode deletes what the template has not, with all below it, and nothing when it fails', async () => {
    const left = { mode: 'Complete', template: { ...bare, resources: [gallery('kept')] } }
    const inner = openArm(vitrine, 'complete')
    await vitrine.resources.resourceGroups.createOrUpdate('complete', west)
    const at = `${inner.groupPath}/providers/Microsoft.Resources/deployments/all`
    await inner.make('galleries/kept', west)
    await inner.make('galleries/kept/images/deep', { ...west, ...definition('deep', 'kept') })
    await inner.make('galleries/other', west)
    await inner.make('galleries/other/images/deep', { ...west, ...definition('deep', 'other') })
    await inner.ended(await inner.put(at, { properties: left }, api))
    expect((await inner.get(at, api)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    })
    expect((await inner.get('galleries/kept/images/deep')).status).toBe(200)
    expect((await inner.get('galleries/other')).status).toBe(404)
    const operations = listIn((await inner.get(`${at}/operations`, api)).body)
    const names = operations.map((row) => valueAt(row, 'properties.targetResource.resourceName'))
    expect(names).toEqual(expect.arrayContaining(['kept', 'other', 'other/deep']))
  })

  it('what-if tells what a deployment would change, and changes nothing', async () => {
    const foretold = async (more: object) => {
      const answer = await arm.ask('POST', `${idOf('if')}/whatIf`, {
        body: { properties: more },
        api,
      })
      expect([answer.status, answer.body]).toEqual([202, {}])
      const { properties } = await arm.ended(answer)
      return isObject(properties) ? properties.changes : undefined
    }
    const resources = [{ ...gallery('one'), tags: { a: '1' } }, gallery('new')]
    const changes = await foretold({ mode: 'Incremental', template: { ...bare, resources } })
    const one = arm.idOf('galleries/one')
    expect(changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          resourceId: one,
          changeType: 'Modify',
          delta: [{ path: 'tags', propertyChangeType: 'Create', after: { a: '1' } }],
        }),
        expect.objectContaining({ resourceId: arm.idOf('galleries/new'), changeType: 'Create' }),
        expect.objectContaining({ resourceId: arm.idOf('galleries/beside'), changeType: 'Ignore' }),
      ]),
    )
    const same = { template: { ...bare, resources: [gallery('one')] }, mode: 'Complete' }
    const whatIfSettings = { resultFormat: 'ResourceIdOnly' }
    expect(await foretold(same)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ resourceId: one, changeType: 'NoChange' }),
      ]),
    )
    expect(await foretold({ ...same, whatIfSettings })).toEqual(
      expect.arrayContaining([
        { resourceId: one, changeType: 'Deploy' },
        { resourceId: arm.idOf('galleries/beside'), changeType: 'Delete' },
      ]),
    )
    expect((await arm.get(idOf('if'), api)).status).toBe(404)
    expect((await arm.get('galleries/new')).status).toBe(404)
  })

  it('a deployment that has ended can be forgotten, not cancelled; what it made stays', async () => {
    expect(errorOf(await arm.ask('POST', `${idOf('first')}/cancel`, { api }))).toMatchObject({
      code: 'DeploymentCannotBeCancelled',
    })
    const removed = await arm.ask('DELETE', idOf('first'), { api })
    expect(removed.status).toBe(202)
    expect(await arm.ended(removed)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.ask('DELETE', idOf('first'), { api })).status).toBe(204)
    expect((await arm.get('galleries/one')).status).toBe(200)
  })

  it('what secure parameters hold is in no row, answer or error', async () => {
    const secret = 'aVerySecretWord'
    const parameters = { word: { type: 'securestring' } }
    // Known when its turn comes.
    const waiting = `reference('${arm.idOf('galleries/one')}', '2023-07-03').provisioningState`
    const location = `[concat(${waiting}, parameters('word'))]`
    const resources = [{ ...gallery('hushed'), location }]
    const outputs = { word: { type: 'string', value: "[parameters('word')]" } }
    const sent = { parameters: { word: { value: secret } } }
    const failing = await deployed('fails', {
      template: { ...bare, parameters, resources },
      ...sent,
    })
    const done = await deployed('hushed', { template: { ...bare, parameters, outputs }, ...sent })
    expect(failing.properties).toMatchObject({ provisioningState: 'Failed' })
    expect(done.properties).toMatchObject({ parameters: { word: { type: 'SecureString' } } })
    const { store } = vitrine.installation
    const rows = await Promise.all(
      ['fails', 'hushed'].map((name) => store.read.deployments.get(idOf(name).toLowerCase())),
    )
    const steps = await store.read.deployments.steps(idOf('fails').toLowerCase())
    const operation = await store.read.operations.get(String(rows[0]?.run))
    expect(JSON.stringify([failing, done, rows, steps, operation])).not.toContain(secret)
    expect(rows.map((row) => row?.sealed)).toEqual([undefined, undefined])
  })

  it('what secure parameters hold is not shown by a template that has it from the one around', async () => {
    const [secret, word] = ['anotherSecretWord', "[parameters('word')]"]
    const state = `reference('${arm.idOf('galleries/one')}', '2023-07-03').provisioningState`
    const location = `[concat(parameters('word'), if(equals(${state}, ''), '', ''))]`
    const outputs = { word: { type: 'string', value: word } }
    const inner = { ...bare, outputs, resources: [{ ...gallery('said'), location }] }
    const nested = {
      ...{ type: 'Microsoft.Resources/deployments', apiVersion: api, name: 'nestouter' },
      tags: { word },
      properties: { mode: 'Incremental', template: inner },
    }
    const parameters = { word: { type: 'securestring' } }
    const template = { ...bare, parameters, resources: [nested] }
    await deployed('around', { template, parameters: { word: { value: secret } } })
    const shown = await arm.get(idOf('nestouter'), api)
    expect(shown.body).toMatchObject({ tags: { word: '*******' } })
    const steps = await arm.get(`${idOf('nestouter')}/operations`, api)
    expect(JSON.stringify([shown, steps])).not.toContain(secret)
  })

  it('a subscription has deployments of its own, and they make resource groups', async () => {
    const scope = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Resources/deployments`
    const newGroup = {
      type: 'Microsoft.Resources/resourceGroups',
      apiVersion: '2021-04-01',
      name: 'made',
      ...west,
    }
    const made = { ...bareOfSubscription, resources: [newGroup] }
    const properties = { mode: 'Incremental', template: made }
    expect(errorOf(await arm.put(`${scope}/sub`, { properties }, api))).toMatchObject({
      code: 'InvalidDeployment',
    })
    const answer = await arm.put(`${scope}/sub`, { ...west, properties }, api)
    expect(await arm.ended(answer)).toEqual({ status: 'Succeeded' })
    expect((await arm.get(`${scope}/sub`, api)).body).toMatchObject(west)
    expect(
      (await arm.get(`/subscriptions/${vitrine.subscription}/resourceGroups/made`, api)).status,
    ).toBe(200)
    const names = listIn((await arm.get(scope, api)).body).map(({ name }) => name)
    expect(names).toEqual(['sub'])
  })

  it('the end of a group is the end of its deployments', async () => {
    const inner = `${openArm(vitrine, 'complete').groupPath}/providers/Microsoft.Resources/deployments/all`
    await vitrine.resources.resourceGroups.delete('complete')
    await vitrine.resources.resourceGroups.createOrUpdate('complete', west)
    expect(errorOf(await arm.get(inner, api))).toMatchObject({ code: 'DeploymentNotFound' })
  })
})

const named = (galleryName: string) => ({ galleryName: { value: galleryName } })

const definition = (name: string, inside: string) => ({
  ...gallery(`${inside}/${name}`),
  type: 'Microsoft.Compute/galleries/images',
  properties: {
    osType: 'Linux',
    osState: 'Generalized',
    identifier: { publisher: 'Contoso', offer: 'Linux', sku: name },
  },
})

function listIn({ value }: JsonObject): readonly JsonObject[] {
  return Array.isArray(value) ? value : []
}
