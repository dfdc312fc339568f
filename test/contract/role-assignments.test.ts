import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { Json } from '../../src/domain/rows.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const authorization = 'providers/Microsoft.Authorization'

const listed = ({ body }: Answer): readonly Json[] => (isList(body.value) ? body.value : [])

const nowhere = `/subscriptions/${randomUUID()}`

describe('roles and who has them', () => {
  let vitrine: TestInstallation
  let owner: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  const roleIdOf = (id: string, scope = `/subscriptions/${vitrine.subscription}`) =>
    `${scope}/${authorization}/roleDefinitions/${id}`
  const assignmentAt = (scope: string, id = randomUUID()) =>
    `${scope}/${authorization}/roleAssignments/${id}`
  const body = (roleId: string, principalId: string, more = {}) => ({
    properties: { roleDefinitionId: roleIdOf(roleId), principalId, ...more },
  })

  it('R87 R88 R93 a role that is given reaches the scope and what is below, until it is taken back', async () => {
    const guest = await openOtherCaller(vitrine, [])
    const galleryId = owner.idOf(`galleries/${gallery}`)
    const definitionId = owner.idOf(`galleries/${gallery}/images/${definition}`)
    expect((await guest.get(definitionId)).status).toBe(403)
    const path = assignmentAt(definitionId)
    const reader = builtInRoles.reader.id
    const given = await owner.put(path, body(reader, guest.objectId))
    expect(given.status).toBe(201)
    expect(given.body).toMatchObject({
      id: path,
      name: path.split('/').at(-1),
      type: 'Microsoft.Authorization/roleAssignments',
      properties: {
        roleDefinitionId: roleIdOf(reader),
        principalId: guest.objectId,
        principalType: 'ServicePrincipal',
        scope: definitionId,
      },
    })
    expect((await guest.get(definitionId)).status).toBe(200)
    expect((await guest.get(`${definitionId}/versions`)).status).toBe(200)
    expect((await guest.get(galleryId)).status).toBe(403)
    expect((await owner.get(path)).body).toEqual(given.body)
    expect((await owner.ask('DELETE', path)).status).toBe(200)
    expect((await owner.ask('DELETE', path)).status).toBe(204)
    expect((await guest.get(definitionId)).status).toBe(403)
  })

  it('a list tells what is given at a scope, above it and below it; atScope() leaves out what is below', async () => {
    const guest = await openOtherCaller(vitrine, [])
    const galleryId = owner.idOf(`galleries/${gallery}`)
    await owner.put(assignmentAt(galleryId), body(builtInRoles.contributor.id, guest.objectId))
    const list = async (scope: string, filter = '') => {
      const path = `${scope}/${authorization}/roleAssignments`
      const answer = await owner.get(`${path}?$filter=${encodeURIComponent(filter)}`)
      expect(answer.status).toBe(200)
      return listed(answer).map(
        (one) => `${valueAt(one, 'properties.scope')} ${valueAt(one, 'properties.principalId')}`,
      )
    }
    const of = `principalId eq '${guest.objectId}'`
    const here = `${galleryId} ${guest.objectId}`
    expect(await list(owner.groupPath, of)).toEqual([here])
    expect(await list(owner.groupPath, `atScope() and ${of}`)).toEqual([])
    expect(await list(galleryId, `atScope() and assignedTo('${guest.objectId}')`)).toEqual([here])
    expect((await list(galleryId, 'atScope()')).some((one) => one.startsWith('/ '))).toBe(true)
    const wrong = await owner.get(
      `${galleryId}/${authorization}/roleAssignments?$filter=principalName%20eq%201`,
    )
    expect(errorOf(wrong)).toMatchObject({ code: 'InvalidParameter', target: '$filter' })
  })

  it('the same role is given once; what is given never changes, but its description', async () => {
    const guest = await openOtherCaller(vitrine, [])
    const scope = owner.groupPath
    const path = assignmentAt(scope)
    const reader = body(builtInRoles.reader.id, guest.objectId)
    await owner.put(path, reader)
    const twin = await owner.put(assignmentAt(scope), reader)
    expect([twin.status, errorOf(twin).code]).toEqual([409, 'RoleAssignmentExists'])
    const other = await owner.put(path, body(builtInRoles.owner.id, guest.objectId))
    expect([other.status, errorOf(other).code]).toEqual([409, 'RoleAssignmentUpdateNotPermitted'])
    const why = { description: 'reads for the audit' }
    const told = body(builtInRoles.reader.id, guest.objectId, why)
    expect((await owner.put(path, told)).body).toMatchObject({ properties: why })
  })

  it.each([
    ['a name that is no GUID', 'InvalidParameter', { name: 'mine' }],
    ['a role that does not exist', 'RoleDefinitionDoesNotExist', { role: randomUUID() }],
    ['a principal that nobody knows', 'PrincipalNotFound', { principal: randomUUID() }],
    ['no principal at all', 'InvalidParameter', { principal: '' }],
    ['a condition', 'InvalidParameter', { more: { condition: '@Resource' } }],
    ['a resource that does not exist', 'ResourceNotFound', { scope: 'galleries/none' }],
    ['a subscription that does not exist', 'SubscriptionNotFound', { scope: nowhere }],
  ] as const)('%s is refused', async (_what, code, wrong) => {
    const known = await openOtherCaller(vitrine, [])
    const sent: {
      name?: string
      role?: string
      principal?: string
      scope?: string
      more?: object
    } = wrong
    const below = sent.scope ? owner.idOf(sent.scope) : owner.groupPath
    const scope = sent.scope === nowhere ? nowhere : below
    const path = assignmentAt(scope, sent.name as ReturnType<typeof randomUUID> | undefined)
    const role = sent.role ?? builtInRoles.reader.id
    const answer = await owner.put(path, body(role, sent.principal ?? known.objectId, sent.more))
    expect(errorOf(answer).code).toBe(code)
  })

  it('a principal that the directory does not know is refused, whatever type is said', async () => {
    const person = body(builtInRoles.reader.id, randomUUID(), { principalType: 'User' })
    const answer = await owner.put(assignmentAt(owner.groupPath), person)
    expect(errorOf(answer).code).toBe('PrincipalNotFound')
  })

  it('nobody gives more than he has, nor takes from those who have more', async () => {
    const keeper = randomUUID()
    const scope = owner.groupPath
    const role = {
      properties: {
        roleName: `Keeper ${keeper}`,
        assignableScopes: [scope],
        permissions: [
          {
            actions: ['Microsoft.Compute/galleries/*', 'Microsoft.Authorization/roleAssignments/*'],
          },
        ],
      },
    }
    expect((await owner.put(roleIdOf(keeper, scope), role)).status).toBe(201)
    const guest = await openOtherCaller(vitrine, [{ roleId: keeper, scope }])
    const friend = await openOtherCaller(vitrine, [])
    const give = (roleId: string) => guest.put(assignmentAt(scope), body(roleId, friend.objectId))
    expect((await give(builtInRoles.computeGalleryImageReader.id)).status).toBe(201)
    const more = await give(builtInRoles.owner.id)
    expect([more.status, errorOf(more).code]).toEqual([403, 'AuthorizationFailed'])
    expect((await give(builtInRoles.reader.id)).status).toBe(403)
    const boss = await openOtherCaller(vitrine, [])
    const above = assignmentAt(scope)
    await owner.put(above, body(builtInRoles.owner.id, boss.objectId))
    expect((await guest.ask('DELETE', above)).status).toBe(403)
    const wider = { properties: { ...role.properties, permissions: [{ actions: ['*'] }] } }
    expect((await guest.put(roleIdOf(keeper, scope), wider)).status).toBe(403)
    const elsewhere = await guest.put(
      assignmentAt(`/subscriptions/${vitrine.subscription}`),
      body(builtInRoles.computeGalleryImageReader.id, friend.objectId),
    )
    expect(elsewhere.status).toBe(403)
  })

  it('a role of ones own allows what it says where it says, and is given only there', async () => {
    const id = randomUUID()
    const galleryId = owner.idOf(`galleries/${gallery}`)
    const role = {
      properties: {
        roleName: `Looker ${id}`,
        description: 'looks',
        assignableScopes: [galleryId],
        permissions: [{ actions: ['Microsoft.Compute/*/read'], notActions: ['*/versions/read'] }],
      },
    }
    const made = await owner.put(roleIdOf(id, galleryId), role)
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ name: id, properties: { type: 'CustomRole' } })
    const far = await owner.put(
      assignmentAt(owner.groupPath),
      body(id, randomUUID(), { principalType: 'User' }),
    )
    expect(errorOf(far).code).toBe('RoleAssignmentScopeNotAssignableToRoleDefinition')
    const guest = await openOtherCaller(vitrine, [{ roleId: id, scope: galleryId }])
    expect((await guest.get(galleryId)).status).toBe(200)
    const version = `${galleryId}/images/${definition}/versions/1.0.0`
    expect((await guest.get(version)).status).toBe(403)
    const held = await owner.ask('DELETE', roleIdOf(id, galleryId))
    expect([held.status, errorOf(held).code]).toEqual([409, 'RoleDefinitionHasAssignments'])
    const twin = await owner.put(roleIdOf(randomUUID(), galleryId), role)
    expect(errorOf(twin).code).toBe('RoleDefinitionWithSameNameExists')
    const narrow = { ...role.properties, assignableScopes: [`${galleryId}/images/${definition}`] }
    const narrowed = await owner.put(roleIdOf(id, galleryId), { properties: narrow })
    expect([narrowed.status, errorOf(narrowed)]).toMatchObject([
      409,
      { code: 'RoleDefinitionHasAssignments', target: 'properties.assignableScopes' },
    ])
    const actions = Array.from({ length: 200 }, (_, at) => `A.B/${'c'.repeat(400)}${at}/read`)
    const large = { ...role.properties, permissions: [{ actions }] }
    const tooLarge = await owner.put(roleIdOf(id, galleryId), { properties: large })
    expect(errorOf(tooLarge)).toMatchObject({
      code: 'InvalidParameter',
      message: expect.stringContaining('at most 65536'),
    })
    const builtIn = await owner.put(roleIdOf(builtInRoles.reader.id, galleryId), {
      properties: { ...role.properties, roleName: 'Mine' },
    })
    expect(errorOf(builtIn).code).toBe('InvalidParameter')
  })

  it('roles are found by name as az asks for them, with ids of the subscription', async () => {
    const path = `/subscriptions/${vitrine.subscription}/${authorization}/roleDefinitions`
    const filter = encodeURIComponent("roleName eq 'Reader'")
    const answer = await owner.get(`${path}?$filter=${filter}`, '2018-01-01-preview')
    expect(answer.body.value).toMatchObject([
      {
        id: roleIdOf(builtInRoles.reader.id),
        name: builtInRoles.reader.id,
        properties: { roleName: 'Reader', type: 'BuiltInRole', assignableScopes: ['/'] },
      },
    ])
  })

  it('the last owner stays', async () => {
    const all = listed(await owner.get(`/${authorization}/roleAssignments`))
    const root = all.filter(
      (one) =>
        valueAt(one, 'properties.scope') === '/' &&
        String(valueAt(one, 'properties.roleDefinitionId')).endsWith(builtInRoles.owner.id),
    )
    expect(root).toHaveLength(1)
    const answer = await owner.ask('DELETE', String(valueAt(root[0], 'id')))
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'LastRbacAdminAssignment'])
  })

  it('what was given at a resource is gone with it', async () => {
    const path = owner.idOf('galleries/passing')
    await owner.put(path, { location: 'westeurope' })
    const guest = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope: path }])
    expect((await guest.get(path)).status).toBe(200)
    await owner.ask('DELETE', path)
    await expect.poll(async () => (await owner.get(path)).status).toBe(404)
    await owner.put(path, { location: 'westeurope' })
    await expect.poll(async () => (await guest.get(path)).status).toBe(403)
  })

  it('a caller learns what it may do, of itself alone', async () => {
    const scope = owner.idOf(`galleries/${gallery}`)
    const guest = await openOtherCaller(vitrine, [{ roleId: builtInRoles.reader.id, scope }])
    const held = await guest.get(`${scope}/${authorization}/permissions`)
    expect(held.body).toEqual({ value: builtInRoles.reader.permissions })
    const Actions = [
      { Id: 'Microsoft.Compute/galleries/read' },
      { Id: 'Microsoft.Compute/galleries/write' },
    ]
    const path = `${scope}/${authorization}/checkAccess?api-version=2018-09-01-preview`
    const checked = await vitrine.call('POST', path, { Actions }, guest.headers)
    expect(await checked.json()).toMatchObject([
      { accessDecision: 'Allowed' },
      { accessDecision: 'NotAllowed' },
    ])
    const above = await guest.get(`${owner.groupPath}/${authorization}/permissions`)
    expect(above.status).toBe(403)
  })

  it('a stranger is told nothing of who has what', async () => {
    const stranger = await openOtherCaller(vitrine, [])
    for (const path of ['roleAssignments', 'roleDefinitions', `roleAssignments/${randomUUID()}`]) {
      const answer = await stranger.get(`${owner.groupPath}/${authorization}/${path}`)
      expect([path, answer.status]).toEqual([path, 403])
    }
  })
})
