import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import {
  bare,
  bareOfSubscription,
  galleryResource as gallery,
  nestedResource,
} from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const west = { location: 'westeurope' }
const authorization = 'Microsoft.Authorization'

/** What hangs on groups, subscriptions and resources: `scope` says where it does. */
const lock = (name: string, more: object = {}) => ({
  ...{ type: `${authorization}/locks`, apiVersion: '2020-05-01', name },
  properties: { level: 'CanNotDelete', notes: 'from a template' },
  ...more,
})
const tagged = (tags: object, more: object = {}) => ({
  ...{ type: 'Microsoft.Resources/tags', apiVersion: api, name: 'default' },
  properties: { tags },
  ...more,
})
const role = (principalId: string, more: object = {}) => ({
  ...{ type: `${authorization}/roleAssignments`, apiVersion: '2022-04-01', name: randomUUID() },
  properties: {
    roleDefinitionId: `[subscriptionResourceId('${authorization}/roleDefinitions', '${builtInRoles.reader.id}')]`,
    principalId,
  },
  ...more,
})

describe('locks, tags and roles of a template', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let somebody: OtherCaller
  let account: BlobAccount
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine, 'hung')
    await owner.put(owner.groupPath, west)
    somebody = await openOtherCaller(vitrine, [])
    account = await makeAccount(vitrine, owner, 'keysofdeployed')
  })
  afterAll(() => vitrine.close())

  const subscription = () => `/subscriptions/${vitrine.subscription}`
  const idOf = (name: string, scope = owner.groupPath) =>
    `${scope}/providers/Microsoft.Resources/deployments/${name}`
  const body = (resources: readonly object[], template: object = bare) => ({
    properties: { mode: 'Incremental', template: { ...template, resources } },
  })

  async function foretold(path: string, sent: object): Promise<readonly JsonObject[]> {
    const asked = await owner.ask('POST', `${path}/whatIf`, { body: sent, api })
    expect(asked.body).toEqual({})
    const changes = valueAt(await owner.ended(asked), 'properties.changes')
    return isList(changes) ? changes.filter((each) => isObject(each)) : []
  }

  it('hang on the group and on what is in it, and are the same when they are deployed again', async () => {
    const on = { scope: 'Microsoft.Compute/galleries/held', dependsOn: ['held'] }
    const roles = [role(somebody.objectId), role(somebody.objectId, on)]
    const resources = [
      gallery('held'),
      ...[lock('ofGroup'), lock('ofGallery', on)],
      ...[tagged({ of: 'group' }), tagged({ of: 'gallery' }, on)],
      ...roles,
    ]
    const made = await owner.put(idOf('all'), body(resources), api)
    expect(await owner.ended(made)).toEqual({ status: 'Succeeded' })
    const galleryId = owner.idOf('galleries/held')
    for (const [scope, name, is, given] of [
      [owner.groupPath, 'ofGroup', 'group', roles[0]?.name],
      [galleryId, 'ofGallery', 'gallery', roles[1]?.name],
    ] as const) {
      const { body: locked } = await owner.get(`${scope}/providers/${authorization}/locks/${name}`)
      expect(locked.properties).toEqual({ level: 'CanNotDelete', notes: 'from a template' })
      const tags = await owner.get(`${scope}/providers/Microsoft.Resources/tags/default`)
      expect(tags.body.properties).toEqual({ tags: { of: is } })
      const path = `${scope}/providers/${authorization}/roleAssignments/${given}`
      expect((await owner.get(path)).body.properties).toMatchObject({
        principalId: somebody.objectId,
      })
    }
    expect(errorOf(await owner.ask('DELETE', galleryId)).code).toBe('ScopeLocked')
    expect((await somebody.get(galleryId)).status).toBe(200)
    const hung = resources.slice(1).map((each) => ({ ...each, dependsOn: [] }))
    const changes = await foretold(idOf('all'), body(hung))
    const kinds = changes.map(({ changeType }) => changeType)
    expect(kinds.slice(0, hung.length)).toEqual(hung.map(() => 'NoChange'))
    const bare = { ...lock('ofGroup'), properties: { level: 'ReadOnly' } }
    const others = await foretold(idOf('all'), body([tagged({ now: 'this' }), bare]))
    expect(others.slice(0, 2).map(({ delta }) => delta)).toEqual([
      [
        { path: 'properties.tags.now', propertyChangeType: 'Create', after: 'this' },
        { path: 'properties.tags.of', propertyChangeType: 'Delete', before: 'group' },
      ],
      [
        {
          ...{ path: 'properties.level', propertyChangeType: 'Modify' },
          ...{ before: 'CanNotDelete', after: 'ReadOnly' },
        },
        { path: 'properties.notes', propertyChangeType: 'Delete', before: 'from a template' },
      ],
    ])
    const again = await owner.put(idOf('all'), body(resources), api)
    expect(await owner.ended(again)).toEqual({ status: 'Succeeded' })
  })

  it('hang on the subscription and on a group that is made with them', async () => {
    const at = idOf('wide', subscription())
    const newGroup = {
      ...{ type: 'Microsoft.Resources/resourceGroups', apiVersion: api, name: 'made', ...west },
    }
    const inside = nestedResource('inside', [gallery('there'), lock('inside')], 'made')
    const given = role(somebody.objectId)
    const resources = [
      newGroup,
      {
        ...inside,
        dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
      },
      ...[lock('ofAll'), tagged({ of: 'all' }), given],
    ]
    const sent = { ...west, ...body(resources, bareOfSubscription) }
    expect(await owner.ended(await owner.put(at, sent, api))).toEqual({ status: 'Succeeded' })
    const made = openArm(vitrine, 'made')
    expect((await made.get('galleries/there')).status).toBe(200)
    const paths = [
      `${made.groupPath}/providers/${authorization}/locks/inside`,
      `${subscription()}/providers/${authorization}/locks/ofAll`,
      `${subscription()}/providers/${authorization}/roleAssignments/${given.name}`,
    ]
    for (const path of paths) expect([path, (await owner.get(path)).status]).toEqual([path, 200])
    const tags = await owner.get(`${subscription()}/providers/Microsoft.Resources/tags/default`)
    expect(tags.body.properties).toEqual({ tags: { of: 'all' } })
    const elsewhere = await owner.put(at, { ...sent, location: 'eastus' }, api)
    expect([elsewhere.status, errorOf(elsewhere).code]).toEqual([409, 'InvalidDeploymentLocation'])
    expect((await owner.put(at, { ...sent, location: 'West Europe' }, api)).status).toBe(200)
    const nowhere = await owner.put(at, { ...sent, location: 'atlantis' }, api)
    expect([nowhere.status, errorOf(nowhere)]).toEqual([
      400,
      expect.objectContaining({
        code: 'LocationNotAvailableForDeployment',
        message: expect.stringMatching(/'atlantis' is not available for deployment.*westeurope/),
      }),
    ])
    for (const path of paths.slice(0, 2)) await owner.ask('DELETE', path)
  })

  it('hang on what their type and name say, as older templates have it, for who may write them', async () => {
    const on = 'Microsoft.Compute/galleries/providers'
    const resources = [
      lock('old/Microsoft.Authorization/inName', { type: `${on}/locks`, dependsOn: ['old'] }),
      role(somebody.objectId, {
        type: `${on}/roleAssignments`,
        name: `old/Microsoft.Authorization/${randomUUID()}`,
        dependsOn: ['old'],
      }),
      gallery('old'),
    ]
    const rights = [{ roleId: builtInRoles.contributor.id, scope: owner.groupPath }]
    const writer = await openOtherCaller(vitrine, rights, 'hung')
    const refused = errorOf(await writer.put(idOf('old'), body(resources), api))
    expect(refused.message).toContain("'Microsoft.Authorization/locks/write'")
    const made = await owner.put(idOf('old'), body(resources), api)
    expect(await owner.ended(made)).toEqual({ status: 'Succeeded' })
    const [same] = await foretold(idOf('old'), body([{ ...resources[0], dependsOn: [] }]))
    expect(same).toMatchObject({ changeType: 'NoChange' })
    const path = `${owner.idOf('galleries/old')}/providers/${authorization}/locks/inName`
    expect((await owner.get(path)).status).toBe(200)
    expect((await somebody.get(owner.idOf('galleries/old'))).status).toBe(200)
    await owner.ask('DELETE', path)
  })

  it('are refused to whoever may not write them, before anything is written', async () => {
    const { id: roleId } = builtInRoles.contributor
    const writer = await openOtherCaller(vitrine, [{ roleId, scope: subscription() }], 'hung')
    const on = { scope: 'Microsoft.Compute/galleries/held' }
    const resources = [
      gallery('never'),
      ...[lock('no'), lock('no', on), role(somebody.objectId), role(somebody.objectId, on)],
    ]
    for (const [path, sent] of [
      [idOf('refused'), body(resources)],
      [
        idOf('refused', subscription()),
        { ...west, ...body([lock('no'), role(somebody.objectId)], bareOfSubscription) },
      ],
    ] as const) {
      const answer = await writer.put(path, sent, api)
      expect(answer.status).toBe(403)
      const { details } = errorOf(answer)
      const targets = isList(details) ? details.map((each) => String(valueAt(each, 'target'))) : []
      const wanted = sent.properties.template.resources.length
      expect(targets.filter((id) => id.includes(authorization))).toHaveLength(
        'location' in sent ? wanted : wanted - 1,
      )
    }
    expect((await owner.get('galleries/never')).status).toBe(404)
    const tags = body([tagged({ by: 'a writer' }, on)])
    expect(await writer.ended(await writer.put(idOf('tags'), tags, api))).toEqual({
      status: 'Succeeded',
    })
  })

  it('keys of a storage account are listed to whoever may list them, and to nobody else', async () => {
    const of = `listKeys(resourceId('Microsoft.Storage/storageAccounts', '${account.name}'), '2023-01-01')`
    const outputs = { key: { type: 'string', value: `[${of}.keys[0].value]` } }
    const sent = { properties: { mode: 'Incremental', template: { ...bare, outputs } } }
    const lists = async (caller: Arm, name: string) => {
      await caller.ended(await caller.put(idOf(name), sent, api))
      return (await owner.get(idOf(name), api)).body.properties
    }
    const [key] = await account.keys()
    expect(await lists(owner, 'keys')).toMatchObject({ outputs: { key: { value: key } } })
    const definition = `${owner.groupPath}/providers/${authorization}/roleDefinitions/${randomUUID()}`
    const made = await owner.put(definition, {
      properties: {
        roleName: 'deploys and reads',
        type: 'CustomRole',
        permissions: [{ actions: ['Microsoft.Resources/deployments/*', '*/read'] }],
        assignableScopes: [owner.groupPath],
      },
    })
    expect(made.status).toBe(201)
    const given = role(somebody.objectId, { properties: {} }).name
    await owner.put(`${owner.groupPath}/providers/${authorization}/roleAssignments/${given}`, {
      properties: { roleDefinitionId: definition, principalId: somebody.objectId },
    })
    const refused = await lists(somebody, 'no-keys')
    expect(refused).toMatchObject({
      provisioningState: 'Failed',
      error: {
        code: 'DeploymentOutputEvaluationFailed',
        details: [
          { code: 'AuthorizationFailed', message: expect.stringContaining('listKeys/action') },
        ],
      },
    })
    expect(JSON.stringify(refused)).not.toContain(key)
  })
})
