import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { World } from '../../src/base/world.ts'
import type { Json } from '../../src/domain/rows.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { openWorld } from '../../src/world.ts'
import { type Answer, type Arm, errorOf, openArm } from '../support/arm.ts'
import {
  definition,
  gallery,
  makeDefinition,
  publishVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { noise } from '../support/noise.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTenantCaller, type TenantCaller } from '../support/tenant-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const ownSubscription = '00000000-0000-4000-8000-0000000000a1'
const otherSubscription = '00000000-0000-4000-8000-0000000000b1'
const otherTenant = 'bbbbbbbb-0000-4000-8000-000000000001'
const location = 'westeurope'
const tenMinutesMs = 600_000

const listed = ({ body }: Answer): readonly Json[] => (isList(body.value) ? body.value : [])
const at = (scope: string, name = `g-${randomUUID()}`) =>
  `${scope}/providers/Vitrine.Gallery/grants/${name}`
const toMe = '/providers/Vitrine.Gallery/grants'

describe('grants', () => {
  let vitrine: TestInstallation
  let owner: Arm
  let stranger: TenantCaller
  let galleryId: string
  let definitionId: string
  let versionId: string
  let aheadMs = 0
  beforeAll(async () => {
    const world = openWorld('error')
    const ahead: World = { ...world, now: () => new Date(world.now().getTime() + aheadMs) }
    const subscriptions = [
      { id: ownSubscription, displayName: 'ours' },
      { id: otherSubscription, displayName: 'theirs', tenantId: otherTenant },
    ]
    vitrine = await openTestInstallation({ world: ahead, config: { subscriptions } })
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    galleryId = owner.idOf(`galleries/${gallery}`)
    definitionId = `${galleryId}/images/${definition}`
    versionId = `${definitionId}/versions/1.0.0`
    const source = await uploadDisk(vitrine, 'source', noise(7, 512 * 1024))
    await publishVersion(vitrine, '1.0.0', { source, targetRegions: [{ name: location }] })
    stranger = await openTenantCaller(vitrine, otherTenant, otherSubscription, 'contributor')
    await stranger.make(stranger.groupPath, { location })
  })
  afterAll(() => vitrine.close())

  const grantTo = async (scope: string, to: object, more: object = {}) => {
    const path = at(scope)
    const given = await owner.put(path, { properties: { to, ...more } })
    expect(given.body).not.toHaveProperty('error')
    return path
  }
  const take = async (path: string) => expect((await owner.ask('DELETE', path)).status).toBe(200)
  const mayRead = async (caller: Arm, path: string) => (await caller.get(path)).status === 200

  it('R92 R131 B11 a tenant that was granted a gallery reads it and what is in it, with its own token, until it is taken back', async () => {
    expect(await mayRead(stranger, versionId)).toBe(false)
    const path = at(galleryId, 'partner')
    const description = 'for the partner'
    const sent = { properties: { to: { tenantId: otherTenant.toUpperCase() }, description } }
    const given = await owner.put(path, sent)
    expect(given.status).toBe(201)
    expect(given.body).toMatchObject({
      ...{ id: path, name: 'partner', type: 'Vitrine.Gallery/grants' },
      properties: {
        ...{ scope: galleryId, to: { tenantId: otherTenant }, description, state: 'Active' },
        role: 'Compute Gallery Image Reader',
      },
    })
    expect((await owner.put(path, sent)).status).toBe(200)
    expect((await owner.get(path)).body).toMatchObject({ id: path })
    expect(
      listed(await owner.get(path.replace('/partner', ''))).map((one) => valueAt(one, 'name')),
    ).toEqual(['partner'])
    for (const one of [galleryId, definitionId, versionId])
      expect(await mayRead(stranger, one)).toBe(true)
    expect(listed(await stranger.get(`${definitionId}/versions`))).toHaveLength(1)
    const galleries = `/subscriptions/${ownSubscription}/providers/Microsoft.Compute/galleries`
    expect(listed(await stranger.get(galleries)).map((one) => valueAt(one, 'id'))).toEqual([
      galleryId,
    ])
    const mine = listed(await stranger.get(toMe))
    expect(mine).toMatchObject([
      {
        id: path,
        properties: { scope: galleryId, description, tenantId: vitrine.config.tenantId },
      },
    ])
    expect(valueAt(mine[0] ?? null, 'properties.createdBy')).toBeUndefined()
    await take(path)
    for (const one of [galleryId, definitionId, versionId])
      expect(await mayRead(stranger, one)).toBe(false)
    expect((await owner.ask('DELETE', path)).status).toBe(204)
    expect(listed(await stranger.get(toMe))).toEqual([])
  })

  it('R88 a granted definition shows its versions, and neither the gallery nor other definitions', async () => {
    const path = await grantTo(definitionId, { subscriptionId: otherSubscription })
    expect(await mayRead(stranger, definitionId)).toBe(true)
    expect(await mayRead(stranger, versionId)).toBe(true)
    expect(await mayRead(stranger, galleryId)).toBe(false)
    expect(await mayRead(stranger, `${galleryId}/images/other`)).toBe(false)
    const galleries = `/subscriptions/${ownSubscription}/providers/Microsoft.Compute/galleries`
    expect(listed(await stranger.get(galleries))).toEqual([])
    expect(
      listed(await stranger.get(`${galleryId}/images`)).map((one) => valueAt(one, 'id')),
    ).toEqual([definitionId])
    await take(path)
  })

  it('R90 B11 a disk and a version are made of a granted version with the own token alone, and stay when it is taken back', async () => {
    const disk = (name: string) =>
      stranger.put(`disks/${name}`, {
        location,
        properties: {
          creationData: { createOption: 'FromImage', galleryImageReference: { id: versionId } },
        },
      })
    const before = await disk('early')
    expect([before.status, errorOf(before).code]).toEqual([403, 'LinkedAuthorizationFailed'])
    const path = await grantTo(galleryId, { tenantId: otherTenant })
    const made = await disk('copy')
    expect(await stranger.ended(made)).toMatchObject({ status: 'Succeeded' })
    await stranger.make('galleries/theirs', { location })
    await stranger.make('galleries/theirs/images/linux', {
      location,
      properties: {
        ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V1' },
        identifier: { publisher: 'Fabrikam', offer: 'Copy', sku: 'One' },
      },
    })
    const version = (name: string) =>
      stranger.put(`galleries/theirs/images/linux/versions/${name}`, {
        location,
        properties: { storageProfile: { source: { id: versionId } } },
      })
    expect(await stranger.ended(await version('1.0.0'))).toMatchObject({ status: 'Succeeded' })
    await take(path)
    const after = await version('2.0.0')
    expect([after.status, errorOf(after).code]).toEqual([403, 'LinkedAuthorizationFailed'])
    expect((await disk('late')).status).toBe(403)
    expect(await mayRead(stranger, 'galleries/theirs/images/linux/versions/1.0.0')).toBe(true)
    expect(await mayRead(stranger, 'disks/copy')).toBe(true)
  })

  it('a grant to a subscription reaches whoever has a role in it, one to an application that application alone', async () => {
    const nobody = await openTenantCaller(vitrine, otherTenant, otherSubscription, undefined)
    const toSubscription = await grantTo(galleryId, { subscriptionId: otherSubscription })
    expect(await mayRead(stranger, versionId)).toBe(true)
    expect(await mayRead(nobody, versionId)).toBe(false)
    await take(toSubscription)
    const toApplication = await grantTo(galleryId, { applicationId: nobody.clientId })
    expect(await mayRead(stranger, versionId)).toBe(false)
    expect(await mayRead(nobody, versionId)).toBe(true)
    await take(toApplication)
    // Neither an object id nor a tenant's id under another kind is taken for it.
    const wrong = [
      { applicationId: otherTenant },
      { tenantId: stranger.objectId },
      { subscriptionId: otherTenant },
    ]
    for (const to of wrong) {
      const path = await grantTo(galleryId, to)
      expect(await mayRead(stranger, versionId)).toBe(false)
      await take(path)
    }
  })

  it('a grant gives reading alone: nothing is written, nobody else is seen, nothing is passed on', async () => {
    const path = await grantTo(galleryId, { tenantId: otherTenant }, { role: 'Reader' })
    const friend = { tenantId: otherTenant }
    const refused = [
      await stranger.put(at(galleryId), { properties: { to: friend } }),
      await stranger.ask('DELETE', path),
      await stranger.get(path),
      await stranger.get(path.slice(0, path.lastIndexOf('/'))),
      await stranger.get(`${galleryId}/providers/Microsoft.Authorization/roleAssignments`),
      await stranger.ask('DELETE', versionId),
      await stranger.ask('PATCH', versionId, { body: { tags: { a: 'b' } } }),
      await stranger.get(owner.groupPath),
    ]
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403))
    const held = await stranger.get(`${galleryId}/providers/Microsoft.Authorization/permissions`)
    expect(JSON.stringify(held.body)).not.toMatch(/\*|write/)
    expect(await mayRead(stranger, versionId)).toBe(true)
    await take(path)
  })

  it('a signed URL of what was granted pulls it as long as the grant lasts', async () => {
    const path = await grantTo(galleryId, { tenantId: otherTenant }, { role: 'Reader' })
    const urls = `${versionId}/providers/Vitrine.Gallery/signedUrls`
    const { status, body } = await stranger.ask('POST', urls, { body: { format: 'raw' } })
    expect(status).toBe(201)
    const target = String(body.url).replace(vitrine.url, '')
    expect((await vitrine.call('HEAD', target)).status).toBe(200)
    await take(path)
    expect((await vitrine.call('HEAD', target)).status).toBe(403)
    const plain = await grantTo(galleryId, { tenantId: otherTenant })
    expect(await mayRead(stranger, versionId)).toBe(true)
    expect((await stranger.ask('POST', urls, { body: {} })).status).toBe(403)
    // Reading was granted again, and downloading was not.
    expect((await vitrine.call('HEAD', target)).status).toBe(403)
    await take(plain)
  })

  it('a grant does not tell who else has it: neither whom it is shared with, nor who has URLs', async () => {
    const shared = owner.idOf('galleries/told')
    const properties = { sharingProfile: { permissions: 'Groups' } }
    await owner.make(shared, { location, properties })
    const groups = [{ type: 'Subscriptions', ids: [randomUUID()] }]
    const body = { operationType: 'Add', groups }
    await owner.ended(await owner.ask('POST', `${shared}/share`, { body }))
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: shared },
    ])
    const paths = [
      await grantTo(shared, { tenantId: otherTenant }, { role: 'Reader' }),
      await grantTo(galleryId, { tenantId: otherTenant }, { role: 'Reader' }),
    ]
    for (const query of ['$select=Permissions', '$expand=SharingProfile/Groups']) {
      const profileFor = async (caller: Arm) =>
        valueAt((await caller.get(`${shared}?${query}`)).body, 'properties.sharingProfile')
      expect(await profileFor(stranger)).toEqual({ permissions: 'Groups' })
      for (const caller of [owner, reader]) {
        expect(await profileFor(caller)).toEqual({ permissions: 'Groups', groups })
      }
    }
    const urls = `${versionId}/providers/Vitrine.Gallery/signedUrls`
    const { id: ours } = (await owner.ask('POST', urls, { body: {} })).body
    const { id: theirs } = (await stranger.ask('POST', urls, { body: {} })).body
    const idsFor = async (by: Arm) => listed(await by.get(urls)).map((one) => valueAt(one, 'id'))
    const [seen, all] = [await idsFor(stranger), await idsFor(owner)]
    expect([seen.includes(theirs ?? ''), seen.includes(ours ?? '')]).toEqual([true, false])
    expect([all.includes(theirs ?? ''), all.includes(ours ?? '')]).toEqual([true, true])
    for (const path of paths) await take(path)
    await owner.remove(shared)
  })

  it('that another tenant has the same bytes does not show in what a version takes up', async () => {
    const bytes = noise(8, 512 * 1024)
    const source = await stranger.upload('mine', bytes)
    await stranger.make('galleries/own', { location })
    await stranger.make('galleries/own/images/linux', {
      location,
      properties: {
        ...{ osType: 'Linux', osState: 'Generalized', hyperVGeneration: 'V1' },
        identifier: { publisher: 'Fabrikam', offer: 'Own', sku: 'One' },
      },
    })
    const version = 'galleries/own/images/linux/versions/1.0.0'
    const storageProfile = { osDiskImage: { source: { id: source } } }
    await stranger.make(version, { location, properties: { storageProfile } })
    await stranger.remove('disks/mine')
    const space = async () =>
      (await stranger.get(`${version}/providers/Vitrine.Gallery/space`)).body.value
    const before = await space()
    expect(JSON.stringify(before)).toMatch(/"uniqueBytes":524288,"sharedBytes":0/)
    await uploadDisk(vitrine, 'same', bytes)
    expect(await space()).toEqual(before)
  })

  it('a grant is over at its instant, and can be prolonged', async () => {
    const path = at(galleryId)
    const ends = (inMs: number) => new Date(Date.now() + aheadMs + inMs).toISOString()
    const to = { tenantId: otherTenant }
    const put = (expiresOn: string) => owner.put(path, { properties: { to, expiresOn } })
    const end = ends(tenMinutesMs)
    expect((await put(end)).body).toMatchObject({
      properties: { expiresOn: expect.stringMatching(/Z$|\+00:00$/) },
    })
    expect(await mayRead(stranger, versionId)).toBe(true)
    expect(listed(await stranger.get(toMe))).toHaveLength(1)
    aheadMs += Date.parse(end) - (Date.now() + aheadMs)
    expect(await mayRead(stranger, versionId)).toBe(false)
    expect(listed(await stranger.get(toMe))).toEqual([])
    expect((await owner.get(path)).body).toMatchObject({ properties: { state: 'Expired' } })
    expect((await put(ends(tenMinutesMs))).status).toBe(200)
    expect(await mayRead(stranger, versionId)).toBe(true)
    await take(path)
    aheadMs = 0
  })

  it('who may not give roles there may not grant, nor see or take grants', async () => {
    const path = await grantTo(galleryId, { tenantId: otherTenant })
    const contributor = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.contributor.id, scope: owner.groupPath },
    ])
    const sent = { properties: { to: { tenantId: otherTenant } } }
    expect((await contributor.put(at(galleryId), sent)).status).toBe(403)
    expect((await contributor.ask('DELETE', path)).status).toBe(403)
    expect((await contributor.get(path)).status).toBe(200)
    expect((await stranger.put(at(definitionId), sent)).status).toBe(403)
    await take(path)
  })

  it('R87 what is granted is no role assignment, and no role assignment a grant', async () => {
    const path = await grantTo(galleryId, { tenantId: otherTenant })
    const given = await owner.get(`${galleryId}/providers/Microsoft.Authorization/roleAssignments`)
    expect(JSON.stringify(given.body)).not.toContain(otherTenant)
    await take(path)
    const roleDefinitionId = `/providers/Microsoft.Authorization/roleDefinitions/${builtInRoles.reader.id}`
    const asPrincipal = { principalId: otherTenant, principalType: 'User', roleDefinitionId }
    const assignment = `${galleryId}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
    expect((await owner.put(assignment, { properties: asPrincipal })).status).toBe(400)
    const asTenant = { ...asPrincipal, principalType: 'Tenant' }
    expect((await owner.put(assignment, { properties: asTenant })).status).toBe(400)
    expect(await mayRead(stranger, versionId)).toBe(false)
  })

  it('a grant ends with the gallery: one of the same name that is made later is another', async () => {
    const other = owner.idOf('galleries/shortlived')
    await owner.make(other, { location })
    await grantTo(other, { tenantId: otherTenant })
    expect(await mayRead(stranger, other)).toBe(true)
    await owner.remove(other)
    await owner.make(other, { location })
    // What work took away is seen as what another process took away.
    aheadMs += 2_000
    expect(await mayRead(stranger, other)).toBe(false)
    expect(listed(await owner.get(at(other, '').slice(0, -1)))).toEqual([])
    await owner.remove(other)
  })

  const tenant = { tenantId: otherTenant }
  type Wrong = { readonly of?: string; readonly name?: string; readonly [member: string]: unknown }
  it.each<[string, string, string | undefined, Wrong]>([
    ['R89 a single version', 'InvalidParameter', 'scope', { of: 'version' }],
    ['nobody', 'InvalidParameter', 'properties.to', { to: {} }],
    [
      'two at once',
      'InvalidParameter',
      'properties.to',
      { to: { ...tenant, subscriptionId: otherSubscription } },
    ],
    ['no GUID', 'InvalidParameter', 'properties.to.tenantId', { to: { tenantId: 'contoso' } }],
    ['a user', 'InvalidParameter', 'properties.to', { to: { userId: randomUUID() } }],
    ['a role that writes', 'InvalidParameter', 'properties.role', { role: 'Contributor' }],
    [
      'a role that reads no images',
      'InvalidParameter',
      'properties.role',
      { role: 'Storage Blob Data Reader' },
    ],
    [
      'a role that is not there',
      'RoleDefinitionDoesNotExist',
      'properties.role',
      { role: 'Nobody' },
    ],
    [
      'an end that is over',
      'InvalidParameter',
      'properties.expiresOn',
      { expiresOn: '2020-01-01T00:00:00Z' },
    ],
    [
      'an end that is no time',
      'InvalidParameter',
      'properties.expiresOn',
      { expiresOn: 'tomorrow' },
    ],
    ['a name of dots', 'InvalidParameter', 'name', { name: 'a.' }],
    ['a property that is not known', 'InvalidParameter', 'properties', { until: 1 }],
    ['a gallery that is not there', 'ResourceNotFound', undefined, { of: 'none' }],
  ])('%s is refused', async (_what, code, target, wrong) => {
    const { of, name, ...rest } = wrong
    const scope = of === 'version' ? versionId : of === 'none' ? `${galleryId}2` : galleryId
    const answer = await owner.put(at(scope, name), { properties: { to: tenant, ...rest } })
    expect(errorOf(answer)).toMatchObject({ code, ...(target && { target }) })
  })

  it('to whom, and the same twice, is refused; what is there is named', async () => {
    const path = await grantTo(galleryId, tenant)
    const moved = await owner.put(path, {
      properties: { to: { subscriptionId: otherSubscription } },
    })
    expect([moved.status, errorOf(moved).code]).toEqual([409, 'PropertyChangeNotAllowed'])
    const twin = await owner.put(at(galleryId), { properties: { to: tenant } })
    expect([twin.status, errorOf(twin).code]).toEqual([409, 'Conflict'])
    expect(errorOf(twin).message).toContain(path.split('/').at(-1))
    await take(path)
  })
})
