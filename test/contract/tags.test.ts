import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const api = '2021-04-01'
const tagsOf = ({ body }: Answer) => valueAt(body, 'properties.tags')

describe('tags', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let galleryId = ''
  let subscription = ''
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = arm.idOf(`galleries/${gallery}`)
    subscription = `/subscriptions/${vitrine.subscription}`
  })
  afterAll(() => vitrine.close())

  const at = (scope: string) => `${scope}/providers/Microsoft.Resources/tags/default`
  const put = (scope: string, tags: object) => arm.put(at(scope), { properties: { tags } }, api)
  const patch = (scope: string, operation: string, tags: object) =>
    arm.ask('PATCH', at(scope), { api, body: { operation, properties: { tags } } })
  const told = async (scope: string) => tagsOf(await arm.get(at(scope), api))

  it('of a subscription, a group, a resource: read, replaced, merged, taken away, by Azure’s own client', async () => {
    const { tagsOperations } = vitrine.resources
    const definitionId = `${galleryId}/images/${definition}`
    for (const scope of [subscription, arm.groupPath, galleryId, definitionId]) {
      expect(await told(scope)).toEqual({})
      const made = await tagsOperations.createOrUpdateAtScope(scope, {
        properties: { tags: { Team: 'compute', env: 'test' } },
      })
      expect(made).toMatchObject({
        id: at(scope),
        name: 'default',
        type: 'Microsoft.Resources/tags',
        properties: { tags: { Team: 'compute', env: 'test' } },
      })
      expect(tagsOf(await patch(scope, 'Merge', { ENV: 'live', more: '1' }))).toEqual({
        Team: 'compute',
        ENV: 'live',
        more: '1',
      })
      // A value that is not the one that is there takes nothing away.
      const less = await patch(scope, 'delete', { team: '', more: '2' })
      expect(tagsOf(less)).toEqual({ ENV: 'live', more: '1' })
      expect(tagsOf(await patch(scope, 'Replace', { one: '1' }))).toEqual({ one: '1' })
      expect(tagsOf(await tagsAt(scope))).toEqual({ one: '1' })
      expect((await arm.ask('DELETE', at(scope), { api })).status).toBe(200)
      expect(await told(scope)).toEqual({})
    }
  })

  const tagsAt = (scope: string) => arm.get(at(scope), api)

  it('change nothing else: the ETag moves, rules hold, and GET shows them', async () => {
    const before = (await arm.get(galleryId)).headers.get('etag')
    await put(galleryId, { a: 'b' })
    const after = await arm.get(galleryId)
    expect(after.body).toMatchObject({ tags: { a: 'b' } })
    expect(after.headers.get('etag')).not.toBe(before)
    const stale = { api, body: { properties: { tags: {} } }, headers: { 'if-match': before ?? '' } }
    expect((await arm.ask('PUT', at(galleryId), stale)).status).toBe(412)
    expect((await arm.get(subscription, '2022-12-01')).body).not.toHaveProperty('tags')
    await put(subscription, { cost: 'centre' })
    expect((await arm.get(subscription, '2022-12-01')).body).toMatchObject({
      tags: { cost: 'centre' },
    })
    await put(subscription, {})
  })

  it('twenty merges at once lose nothing', async () => {
    for (const scope of [subscription, galleryId]) {
      const names = Array.from({ length: 20 }, (_, index) => `n${index}`)
      const ends = await Promise.all(names.map((name) => patch(scope, 'Merge', { [name]: 'x' })))
      expect(ends.map(({ status }) => status)).toEqual(names.map(() => 200))
      expect(Object.keys((await told(scope)) ?? {})).toEqual(expect.arrayContaining(names))
      await put(scope, {})
    }
  })

  it('Tag Contributor may tag what it may not write', async () => {
    const roleId = builtInRoles.tagContributor.id
    const guest = await openOtherCaller(vitrine, [{ roleId, scope: arm.groupPath }])
    const body = { properties: { tags: { by: 'guest' } } }
    expect((await guest.put(at(galleryId), body, api)).status).toBe(200)
    expect((await guest.put(galleryId, { location: 'westeurope' })).status).toBe(403)
    const refused = await guest.put(at(subscription), body, api)
    expect(errorOf(refused).message).toContain("'Microsoft.Resources/tags/write'")
    await put(galleryId, {})
  })

  it.each([
    ['over fifty', Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`n${at}`, 'v']))],
    ['with a name over 512 characters', { ['n'.repeat(513)]: 'v' }],
    ['with a value over 256 characters', { n: 'v'.repeat(257) }],
    ['with a slash in a name', { 'a/b': 'v' }],
  ])('%s are refused, and those that are there stay', async (_what, tags) => {
    for (const scope of [subscription, galleryId]) {
      await put(scope, { kept: 'yes' })
      const answer = await put(scope, tags)
      expect([answer.status, errorOf(answer).code]).toEqual([400, 'InvalidTagNameCharacters'])
      expect(await told(scope)).toEqual({ kept: 'yes' })
      await put(scope, {})
    }
  })

  it('of what is not there, by another name, at another version or with no operation: refused', async () => {
    const none = await put(`${galleryId}none`, {})
    expect([none.status, errorOf(none).code]).toEqual([404, 'ResourceNotFound'])
    const other = await arm.get(`${galleryId}/providers/Microsoft.Resources/tags/other`, api)
    expect(other.status).toBe(404)
    expect(errorOf(await arm.get(at(galleryId), '2019-05-01')).code).toBe('InvalidResourceType')
    const body = { properties: { tags: {} } }
    const said = await arm.ask('PATCH', at(galleryId), { api, body })
    expect(errorOf(said)).toMatchObject({ code: 'InvalidParameter', target: 'operation' })
    const wrong = await patch(galleryId, 'Add', {})
    expect(errorOf(wrong).code).toBe('InvalidParameter')
  })

  it('a lock keeps them as they are', async () => {
    const lock = `${galleryId}/providers/Microsoft.Authorization/locks/l`
    await arm.put(lock, { properties: { level: 'ReadOnly' } })
    expect(errorOf(await put(galleryId, { a: 'b' })).code).toBe('ScopeLocked')
    await arm.ask('DELETE', lock)
  })

  it('az resource tag writes a whole GET body back, read-only members and all', async () => {
    const { body } = await arm.get(galleryId)
    const answer = await arm.put(galleryId, { ...body, tags: { az: 'tagged' } })
    expect([answer.status, await told(galleryId)]).toEqual([200, { az: 'tagged' }])
    await put(galleryId, {})
  })

  it('tag names are listed with how often they are used, whoever made them', async () => {
    const { tagsOperations } = vitrine.resources
    await put(galleryId, { dept: 'finance' })
    await put(arm.groupPath, { DEPT: 'finance', other: 'x' })
    await put(subscription, { dept: 'it' })
    expect((await arm.put(`${subscription}/tagNames/made`, undefined, api)).status).toBe(201)
    await tagsOperations.createOrUpdateValue('made', 'a/value')
    const found = new Map<string, unknown>()
    for await (const { tagName = '', count, values } of tagsOperations.list()) {
      const each = values?.map((one) => [one.tagValue, one.count?.value]).toSorted()
      found.set(tagName.toLowerCase(), [count?.value, each])
    }
    expect(found.get('dept')).toEqual([
      3,
      [
        ['finance', 2],
        ['it', 1],
      ],
    ])
    expect(found.get('other')).toEqual([1, [['x', 1]]])
    expect(found.get('made')).toEqual([0, [['a/value', 0]]])
    await tagsOperations.deleteValue('made', 'a/value')
    await tagsOperations.delete('made')
    expect((await arm.ask('DELETE', `${subscription}/tagNames/made`, { api })).status).toBe(204)
    const inUse = await arm.ask('DELETE', `${subscription}/tagNames/dept`, { api })
    expect([inUse.status, errorOf(inUse).code]).toEqual([409, 'Conflict'])
    const unknown = await arm.put(`${subscription}/tagNames/none/tagValues/v`, undefined, api)
    expect(unknown.status).toBe(404)
    for (const scope of [galleryId, arm.groupPath, subscription]) await put(scope, {})
    const names = (await arm.get(`${subscription}/tagNames`, api)).body.value
    expect(isList(names) && names.map((one) => valueAt(one, 'tagName'))).not.toContain('dept')
  })

  it('a deleted resource is counted no more', async () => {
    await arm.make('galleries/other', { location: 'westeurope', tags: { once: 'v' } })
    const counted = async () => {
      const { value } = (await arm.get(`${subscription}/tagNames`, api)).body
      const all = isList(value) ? value : []
      return valueAt(all.find((one) => valueAt(one, 'tagName') === 'once') ?? null, 'count.value')
    }
    expect(await counted()).toBe(1)
    await arm.remove('galleries/other')
    expect(await counted()).toBeUndefined()
  })
})
