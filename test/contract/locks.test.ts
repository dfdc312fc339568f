import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const locks = 'providers/Microsoft.Authorization/locks'

describe('locks', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let galleryId = ''
  let definitionId = ''
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = arm.idOf(`galleries/${gallery}`)
    definitionId = `${galleryId}/images/${definition}`
  })
  afterAll(() => vitrine.close())

  const lockAt = (scope: string, level = 'CanNotDelete', more = {}, name = 'keep') =>
    arm.put(`${scope}/${locks}/${name}`, { properties: { level, ...more } })
  const unlock = (scope: string, name = 'keep') => arm.ask('DELETE', `${scope}/${locks}/${name}`)
  const listed = ({ body }: Answer) =>
    isList(body.value) ? body.value.map((one) => valueAt(one, 'id')) : []
  const refusal = (answer: Answer) => [answer.status, errorOf(answer).code, errorOf(answer).message]
  const said = (scope: string, verb: string, by: string) => [
    409,
    'ScopeLocked',
    `The scope '${scope}' cannot perform ${verb} operation because following scope(s) are locked: '${by}'. Please remove the lock and try again.`,
  ]

  it.each(['2015-01-01', '2016-09-01', '2017-04-01', '2020-05-01'])(
    'are made (201), changed (200), read and removed as Azure does at %s',
    async (api) => {
      const path = `${galleryId}/${locks}/myLock`
      const owners = [{ applicationId: randomUUID() }]
      const properties = { level: 'cannotdelete', notes: 'why', owners }
      const made = await arm.put(path, { properties }, api)
      expect([made.status, made.body]).toMatchObject([
        201,
        {
          id: path,
          name: 'myLock',
          type: 'Microsoft.Authorization/locks',
          properties: { level: 'CanNotDelete', notes: 'why', owners },
        },
      ])
      expect((await arm.get(path.toUpperCase(), api)).body).toEqual(made.body)
      const changed = await arm.put(path, { properties: { level: 'ReadOnly' } }, api)
      expect([changed.status, changed.body.properties]).toEqual([200, { level: 'ReadOnly' }])
      expect((await arm.ask('DELETE', path, { api })).status).toBe(200)
      expect((await arm.ask('DELETE', path, { api })).status).toBe(204)
      const gone = await arm.get(path, api)
      expect(refusal(gone).slice(0, 2)).toEqual([404, 'LockNotFound'])
    },
  )

  it('a list has those at a scope and below; atScope() those at the scope alone', async () => {
    const subscription = `/subscriptions/${vitrine.subscription}`
    const scopes = [subscription, arm.groupPath, galleryId, definitionId]
    for (const scope of scopes) expect((await lockAt(scope)).status).toBe(201)
    const idsAt = (from: number) => scopes.slice(from).map((scope) => `${scope}/${locks}/keep`)
    for (const [at, scope] of scopes.entries()) {
      expect(listed(await arm.get(`${scope}/${locks}`))).toEqual(idsAt(at))
      const alone = await arm.get(`${scope}/${locks}?$filter=atScope()`)
      expect(listed(alone)).toEqual(idsAt(at).slice(0, 1))
    }
    const wrong = await arm.get(`${galleryId}/${locks}?$filter=level%20eq%201`)
    expect(errorOf(wrong)).toMatchObject({ code: 'InvalidParameter', target: '$filter' })
    for (const scope of scopes) await unlock(scope)
  })

  it('CanNotDelete keeps what is at the scope and below from being deleted, and from nothing else', async () => {
    await lockAt(arm.groupPath)
    expect(refusal(await arm.ask('DELETE', definitionId))).toEqual(
      said(definitionId, 'delete', arm.groupPath),
    )
    expect(refusal(await arm.ask('DELETE', arm.groupPath))).toEqual(
      said(arm.groupPath, 'delete', arm.groupPath),
    )
    const tags = { tags: { changed: 'yes' } }
    expect((await arm.ask('PATCH', definitionId, { body: tags })).status).toBe(200)
    await unlock(arm.groupPath)
  })

  it('are told of in the activity log by their own ids, and in no event of what they lock', async () => {
    const { store } = vitrine.installation
    const events = async () => {
      await store.write((rows) => rows.events.number(500))
      const all = await store.read.events.after(0, 10_000)
      return all.filter(({ resourceId }) => resourceId === arm.groupPath).length
    }
    const before = await events()
    await lockAt(arm.groupPath, 'CanNotDelete', {}, 'told')
    await unlock(arm.groupPath, 'told')
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const filter = `eventTimestamp ge '${since}' and resourceGroupName eq '${arm.groupPath.split('/').at(-1)}'`
    const log = `/subscriptions/${vitrine.subscription}/providers/Microsoft.Insights/eventtypes/management/values`
    const answer = await arm.get(`${log}?$filter=${encodeURIComponent(filter)}`, '2015-04-01')
    const id = `${arm.groupPath}/${locks}/told`
    const told = [answer.body.value].flat().filter((one) => valueAt(one, 'resourceId') === id)
    expect(told).toHaveLength(2)
    for (const one of told) {
      expect(valueAt(one, 'resourceType.value')).toBe('Microsoft.Authorization/locks')
      expect(valueAt(one, 'operationName.value')).toMatch(/^Microsoft.Authorization\/locks\//)
    }
    expect(await events()).toBe(before)
  })

  it('a resource group is not deleted while anything in it is locked', async () => {
    await lockAt(definitionId)
    expect(refusal(await arm.ask('DELETE', arm.groupPath))).toEqual(
      said(arm.groupPath, 'delete', definitionId),
    )
    expect((await arm.get(galleryId)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    })
    await unlock(definitionId)
  })

  it('a deployment is kept by CanNotDelete, and under ReadOnly none is begun or cancelled', async () => {
    const template = {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      ...{ contentVersion: '1.0.0.0', resources: [] },
    }
    const body = { properties: { mode: 'Incremental', template } }
    const id = `${arm.groupPath}/providers/Microsoft.Resources/deployments/kept`
    const deployments = '2021-04-01'
    await arm.ended(await arm.put(id, body, deployments))
    await lockAt(arm.groupPath)
    await arm.ended(await arm.put(id, body, deployments))
    const remove = async () => refusal(await arm.ask('DELETE', id, { api: deployments }))
    expect(await remove()).toEqual(said(id, 'delete', arm.groupPath))
    await lockAt(arm.groupPath, 'ReadOnly')
    expect(await remove()).toEqual(said(id, 'delete', arm.groupPath))
    const written = said(id, 'write', arm.groupPath)
    expect(refusal(await arm.put(id, body, deployments))).toEqual(written)
    const canceled = await arm.ask('POST', `${id}/cancel`, { api: deployments })
    expect(refusal(canceled)).toEqual(written)
    await unlock(arm.groupPath)
    expect((await arm.ask('DELETE', id, { api: deployments })).status).toBe(202)
  })

  it('ReadOnly keeps everything as it is: PUT, PATCH, new children, tags and every action', async () => {
    await arm.make('disks/d', {
      location: 'westeurope',
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    const disk = arm.idOf('disks/d')
    await lockAt(arm.groupPath, 'ReadOnly')
    const body = (await arm.get(galleryId)).body
    const access = { access: 'Read', durationInSeconds: 60 }
    const asks = [
      [galleryId, await arm.put(galleryId, body)],
      [galleryId, await arm.ask('PATCH', galleryId, { body: { tags: {} } })],
      [`${galleryId}2`, await arm.put(`${galleryId}2`, { location: 'westeurope' })],
      [disk, await arm.ask('POST', `${disk}/beginGetAccess`, { body: access })],
      [arm.groupPath, await arm.put(arm.groupPath, { location: 'westeurope' })],
    ] as const
    for (const [scope, answer] of asks) {
      expect(refusal(answer)).toEqual(said(scope, 'write', arm.groupPath))
    }
    const reset = { operationType: 'Reset' }
    const shared = await arm.ask('POST', `${galleryId}/share`, { body: reset })
    expect(refusal(shared)).toEqual(said(galleryId, 'write', arm.groupPath))
    expect((await arm.get(galleryId)).status).toBe(200)
    await unlock(arm.groupPath)
    expect((await arm.put(galleryId, body)).status).toBe(200)
  })

  it('hold keys and containers of a storage account over ARM; its blobs are clients’ own', async () => {
    const account = await makeAccount(vitrine, arm, 'locked1')
    const container = `${account.id}/blobServices/default/containers/con1`
    const at = { api: '2023-01-01' }
    expect((await arm.ask('PUT', container, { ...at, body: {} })).status).toBe(201)
    await lockAt(account.id, 'ReadOnly')
    const keys = await arm.ask('POST', `${account.id}/listKeys`, at)
    expect(refusal(keys)).toEqual(said(account.id, 'write', account.id))
    const more = `${account.id}/blobServices/default/containers/con2`
    expect(refusal(await arm.ask('PUT', more, { ...at, body: {} }))).toEqual(
      said(more, 'write', account.id),
    )
    expect(refusal(await arm.ask('DELETE', container, at))).toEqual(
      said(container, 'delete', account.id),
    )
    const blobs = account.service.getContainerClient('con1')
    await blobs.uploadBlockBlob('b', 'text', 4)
    await blobs.deleteBlob('b')
    await unlock(account.id)
    expect((await arm.ask('DELETE', container, at)).status).toBe(200)
  })

  it('hold what roles are given at the scope: none is taken back, under ReadOnly none is given', async () => {
    const guest = await openOtherCaller(vitrine, [])
    const path = () =>
      `${galleryId}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.reader.id}`
    const body = { properties: { roleDefinitionId, principalId: guest.objectId } }
    const given = path()
    await lockAt(arm.groupPath)
    expect((await arm.put(given, body)).status).toBe(201)
    expect(refusal(await arm.ask('DELETE', given))).toEqual(said(given, 'delete', arm.groupPath))
    await lockAt(arm.groupPath, 'ReadOnly')
    const other = path()
    expect(refusal(await arm.put(other, body))).toEqual(said(other, 'write', arm.groupPath))
    await unlock(arm.groupPath)
    expect((await arm.ask('DELETE', given)).status).toBe(200)
  })

  it.each([
    ['a level that there is not', { level: 'Never' }, 'InvalidParameter'],
    ['no level', {}, 'InvalidParameter'],
    [
      'notes over 512 characters',
      { level: 'ReadOnly', notes: 'n'.repeat(513) },
      'InvalidParameter',
    ],
  ])('%s is refused', async (_what, properties, code) => {
    const answer = await arm.put(`${galleryId}/${locks}/wrong`, { properties })
    expect([answer.status, errorOf(answer).code]).toEqual([400, code])
  })

  it('of what is not there, or above all subscriptions, there is none', async () => {
    const none = await lockAt(`${galleryId}none`)
    expect([none.status, errorOf(none).code]).toEqual([404, 'ParentResourceNotFound'])
    expect((await lockAt('')).status).toBe(404)
    expect((await arm.ask('GET', `${galleryId}/${locks}`, { api: '2022-04-01' })).status).toBe(404)
  })

  it('twenty at one scope, not one more', async () => {
    for (let index = 0; index < 20; index++) {
      expect((await lockAt(definitionId, 'ReadOnly', {}, `l${index}`)).status).toBe(201)
    }
    const more = await lockAt(definitionId, 'ReadOnly', {}, 'more')
    expect([more.status, errorOf(more).code]).toEqual([409, 'OperationNotAllowed'])
    for (let index = 0; index < 20; index++) await unlock(definitionId, `l${index}`)
  })

  it('twenty rounds of a lock and a deletion at once: never do both win', async () => {
    const image = {
      location: 'westeurope',
      properties: { osType: 'Linux', osState: 'Generalized' },
    }
    for (let round = 0; round < 20; round++) {
      const id = `${galleryId}/images/race${round}`
      const identifier = { publisher: 'p', offer: 'o', sku: `race${round}` }
      await arm.make(id, { ...image, properties: { ...image.properties, identifier } })
      const scope = round % 2 === 0 ? id : galleryId
      const [locked, deleted] = await Promise.all([lockAt(scope), arm.ask('DELETE', id)])
      if (deleted.status === 202) await arm.ended(deleted)
      const isThere = (await arm.get(id)).status === 200
      expect(isThere).toBe(deleted.status === 409)
      if (scope === id) expect(isThere).toBe(locked.status === 201)
      await unlock(scope)
    }
  })
})
