import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { galleryResource as gallery, nestedResource as nested } from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const west = { location: 'westeurope' }

/** May write deployments and disks in one group, and nothing of galleries or roles. */
describe('whoever may deploy and not write a resource', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let elsewhere: Arm
  let deployer: OtherCaller
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine, 'own')
    elsewhere = openArm(vitrine, 'elsewhere')
    for (const group of ['own', 'elsewhere']) {
      await vitrine.resources.resourceGroups.createOrUpdate(group, {
        ...west,
        tags: { plan: 'merger' },
      })
    }
    await owner.make('galleries/there', west)
    const roleId = builtInRoles.virtualMachineContributor.id
    const rights = [{ roleId, scope: owner.groupPath }]
    deployer = await openOtherCaller(vitrine, rights, 'own')
  })
  afterAll(() => vitrine.close())

  const idOf = (name: string, arm: Arm = owner) =>
    `${arm.groupPath}/providers/Microsoft.Resources/deployments/${name}`

  const body = (resources: readonly object[], more: object = {}) => ({
    properties: {
      mode: 'Incremental',
      template: { ...bare, resources, ...more },
    },
  })

  async function refused(name: string, resources: readonly object[]): Promise<JsonObject> {
    const answer = await deployer.put(idOf(name), body(resources), api)
    expect(answer.status, JSON.stringify(answer.body)).toBe(403)
    expect((await owner.get(idOf(name), api)).status).toBe(404)
    return errorOf(answer)
  }

  async function failed(
    name: string,
    resources: readonly object[],
    more?: object,
  ): Promise<string> {
    const answer = await deployer.put(idOf(name), body(resources, more), api)
    expect(answer.body, JSON.stringify(answer.body)).not.toHaveProperty('error')
    await deployer.ended(answer)
    const { properties } = (await owner.get(idOf(name), api)).body
    expect(properties).toMatchObject({ provisioningState: 'Failed' })
    return JSON.stringify(properties)
  }

  it('may deploy what he may write', async () => {
    const answer = await deployer.put(idOf('disk'), body([disk('mine')]), api)
    expect(await deployer.ended(answer)).toEqual({ status: 'Succeeded' })
    expect((await owner.get('disks/mine')).status).toBe(200)
  })

  it('is refused each resource that he may not write, before anything is written', async () => {
    const one = await refused('one', [disk('before'), gallery('g')])
    expect(one.code).toBe('AuthorizationFailed')
    expect(one.message).toContain("'Microsoft.Compute/galleries/write' at scope")
    expect((await owner.get('disks/before')).status).toBe(404)
    const copied = { ...gallery("[concat('g', copyIndex())]"), copy: { name: 'each', count: 3 } }
    const many = await refused('many', [copied])
    expect(many.details).toHaveLength(3)
  })

  it('is refused what hangs on resources: roles, for himself least of all', async () => {
    const role = {
      type: 'Microsoft.Authorization/roleAssignments',
      apiVersion: '2022-04-01',
      name: randomUUID(),
      properties: {
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.owner.id}`,
        principalId: deployer.objectId,
      },
    }
    const { message } = await refused('role', [role])
    expect(message).toContain("'Microsoft.Authorization/roleAssignments/write'")
  })

  it('is refused the same in nested templates, in this group and in others', async () => {
    await refused('inner', [nested('n', [gallery('g')])])
    await refused('outer', [nested('n', [gallery('g')], undefined, 'outer')])
    const { message } = await refused('far', [nested('n', [disk('d')], 'elsewhere')])
    expect(message).toContain("'Microsoft.Resources/deployments/write'")
    expect((await elsewhere.get('disks/d')).status).toBe(404)
  })

  it('learns nothing of a group in which he may not deploy: tags, or that it is there', async () => {
    const telling = disk("[concat('told-', resourceGroup().tags.plan, '!')]")
    const told = (group: string) => nested('n', [telling], group)
    const far = await refused('far', [told('elsewhere')])
    expect(JSON.stringify(far)).not.toContain('merger')
    const none = await refused('far', [told('no-such-one')])
    const alike = JSON.stringify(none).replaceAll('no-such-one', 'elsewhere')
    expect(JSON.parse(alike)).toEqual(far)
    for (const part of ['validate', 'whatIf']) {
      const asked = { body: body([told('elsewhere')]), api }
      const answer = await deployer.ask('POST', `${idOf('far')}/${part}`, asked)
      expect(errorOf(answer)).toEqual(far)
    }
  })

  it('is refused in a nested template that waits for others, when its turn comes', async () => {
    const waiting = nested('late', [gallery("[parameters('name')]")])
    const properties = {
      ...waiting.properties,
      parameters: { name: { value: "[reference('waited').provisioningState]" } },
    }
    const template = { ...waiting.properties.template, parameters: { name: { type: 'string' } } }
    const late = { ...waiting, properties: { ...properties, template } }
    const told = await failed('waits', [disk('waited'), late])
    expect(told).toContain('AuthorizationFailed')
    expect(told).toContain('Microsoft.Compute/galleries/write')
    expect((await owner.get('disks/waited')).status).toBe(200)
    expect((await owner.get('galleries/Succeeded')).status).toBe(404)
  })

  it('reads by references only what he may read', async () => {
    const id = owner.idOf('galleries/there')
    const value = `[reference('${id}', '2023-07-03').provisioningState]`
    const outputs = { state: { type: 'string', value } }
    const told = await failed('peeks', [], { outputs })
    expect(told).toContain('AuthorizationFailed')
    expect(told).toContain('Microsoft.Compute/galleries/read')
  })

  it('is not told by complete mode what it would delete and he may not know, and deletes nothing', async () => {
    const complete = { ...body([disk('waited')]).properties, mode: 'Complete' }
    const answer = await deployer.put(idOf('all'), { properties: complete }, api)
    await deployer.ended(answer)
    const { properties } = (await deployer.get(idOf('all'), api)).body
    expect(properties).toMatchObject({
      provisioningState: 'Failed',
      error: { code: 'AuthorizationFailed', message: expect.stringContaining('1 resources') },
    })
    const operations = await deployer.get(`${idOf('all')}/operations`, api)
    expect(JSON.stringify([properties, operations])).not.toContain('galleries/there')
    expect((await owner.get('disks/mine')).status).toBe(200)
  })

  it('may not ask what a deployment would do where he may not deploy, nor see others’', async () => {
    for (const part of ['validate', 'whatIf']) {
      const asked = { body: body([disk('d')]), api }
      const answer = await deployer.ask('POST', `${idOf('x', elsewhere)}/${part}`, asked)
      expect(errorOf(answer).code).toBe('AuthorizationFailed')
    }
    expect((await deployer.get(idOf('x', elsewhere), api)).status).toBe(403)
  })

  it('what-if in complete mode keeps what nested templates write, and an unchanged disk and role', async () => {
    const name = randomUUID()
    const role = {
      ...{ type: 'Microsoft.Authorization/roleAssignments', apiVersion: '2022-04-01', name },
      properties: {
        roleDefinitionId: `/subscriptions/${vitrine.subscription}/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.reader.id}`,
        principalId: deployer.objectId,
      },
    }
    const id = `${elsewhere.groupPath}/providers/Microsoft.Resources/deployments/same`
    const { properties } = body([nested('n', [disk('same'), role])])
    expect(await owner.ended(await owner.put(id, { properties }, api))).toMatchObject({
      status: 'Succeeded',
    })
    const asked = { body: { properties: { ...properties, mode: 'Complete' } }, api }
    const told = await owner.ended(await owner.ask('POST', `${id}/whatIf`, asked))
    const changes = valueAt(told, 'properties.changes')
    const rows = Array.isArray(changes) ? changes : []
    expect(rows.map(({ changeType, delta }) => [changeType, delta])).toEqual([
      ['NoChange', []],
      ['NoChange', []],
    ])
  })
})

const $schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'
const bare = { $schema, contentVersion: '1.0.0.0' }

const disk = (name: string) => ({
  type: 'Microsoft.Compute/disks',
  apiVersion: '2022-07-02',
  name,
  ...west,
  properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
})
