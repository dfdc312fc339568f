import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { openArm } from '../support/arm.ts'
import { group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const location = 'westeurope'
const guid = (at: number) => `10000000-0000-4000-8000-${String(at).padStart(12, '0')}`
const info = {
  publisherUri: 'https://contoso.example',
  publisherContact: 'images@contoso.example',
  eula: 'https://contoso.example/eula',
  publicNamePrefix: 'contoso',
}

let vitrine: TestInstallation
let arm: ReturnType<typeof openArm>
let count = 0
let name: string

beforeAll(async () => {
  vitrine = await openTestInstallation()
  arm = openArm(vitrine)
  await makeDefinition(vitrine)
})

beforeEach(() => {
  name = `shared${++count}`
})

afterAll(() => vitrine.close())

function make(sharingProfile: object): Promise<JsonObject> {
  return arm.make(`galleries/${name}`, { location, properties: { sharingProfile } })
}

function share(body: object, api?: string) {
  return arm.ask('POST', `galleries/${name}/share`, { body, ...(api && { api }) })
}

async function shared(body: object): Promise<void> {
  const answer = await share(body)
  expect(answer).toMatchObject({ status: 202, body: {} })
  expect(answer.headers.get('azure-asyncoperation')).toMatch(/capsOperations/)
  expect(answer.headers.get('location')).toMatch(/monitor=true/)
  expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
}

const subscriptions = (...ids: string[]) => [{ type: 'Subscriptions', ids }]
const tenants = (...ids: string[]) => [{ type: 'AADTenants', ids }]

async function profile(query = '?$select=Permissions', api?: string): Promise<unknown> {
  const { body } = await arm.get(`galleries/${name}${query}`, api)
  return valueAt(body, 'properties.sharingProfile')
}

describe('direct sharing', () => {
  it('by Azure’s own client: Add merges by type, Remove takes away, Reset makes private', async () => {
    const { compute } = vitrine
    const sharingProfile = { permissions: 'Groups' }
    await compute.galleries.createOrUpdate(group, name, { location, sharingProfile })
    const update = (operationType: string, groups?: { type: string; ids: string[] }[]) =>
      compute.gallerySharingProfile.update(group, name, {
        operationType,
        ...(groups && { groups }),
      })
    await update('Add', [...subscriptions(guid(1), guid(2)), ...tenants(guid(9))])
    await update('add', [{ type: 'subscriptions', ids: [guid(2).toUpperCase(), guid(3)] }])
    const select = { select: 'Permissions' }
    expect((await compute.galleries.get(group, name, select)).sharingProfile).toEqual({
      permissions: 'Groups',
      groups: [...subscriptions(guid(1), guid(2), guid(3)), ...tenants(guid(9))],
    })
    await update('Remove', [...subscriptions(guid(1)), ...tenants(guid(9).toUpperCase())])
    const expand = { expand: 'SharingProfile/Groups' }
    const expanded = await compute.galleries.get(group, name, expand)
    expect(expanded.sharingProfile?.groups).toEqual(subscriptions(guid(2), guid(3)))
    expect(expanded.sharingStatus).toMatchObject({ aggregatedState: 'Succeeded' })
    expect((await compute.galleries.get(group, name)).sharingProfile).toEqual(sharingProfile)
    await update('Reset')
    const { sharingProfile: reset, sharingStatus } = await compute.galleries.get(
      group,
      name,
      expand,
    )
    expect({ reset, sharingStatus }).toEqual({ reset: { permissions: 'Private' } })
  })

  it('is 202 with both headers and no body, and no word of old api-versions', async () => {
    await make({ permissions: 'Groups' })
    await shared({ operationType: 'Add', groups: subscriptions(guid(1)) })
    expect(await share({ operationType: 'Reset' }, '2019-12-01')).toMatchObject({ status: 404 })
    expect(await profile('', '2019-12-01')).toBeUndefined()
    expect(await profile('', '2020-09-30')).toEqual({ permissions: 'Groups' })
  })

  it('what GET returned, written back, changes nothing', async () => {
    await make({ permissions: 'Groups' })
    await shared({ operationType: 'Add', groups: subscriptions(guid(1)) })
    const before = await arm.get(`galleries/${name}?$expand=SharingProfile/Groups`)
    await arm.make(`galleries/${name}`, before.body)
    const after = await arm.get(`galleries/${name}?$expand=SharingProfile/Groups`)
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
    expect(after.body.properties).toEqual(before.body.properties)
  })

  it.each([
    [{ operationType: 'Add' }, 'InvalidParameter', 'groups'],
    [{ operationType: 'Add', groups: [] }, 'InvalidParameter', 'groups'],
    [{ operationType: 'Add', groups: subscriptions('no-guid') }, 'InvalidParameter', 'groups.ids'],
    [{ operationType: 'Share' }, 'InvalidParameter', 'operationType'],
    [{}, 'InvalidParameter', 'operationType'],
    [{ operationType: 'EnableCommunity' }, 'OperationNotAllowed', 'operationType'],
    [
      { operationType: 'Add', groups: [{ type: 'Users', ids: [guid(1)] }] },
      'InvalidParameter',
      'groups[0].type',
    ],
  ])('%j is refused', async (body, code, target) => {
    await make({ permissions: 'Groups' })
    const answer = await share(body)
    expect(answer.body).toMatchObject({ error: { code, target } })
  })

  it.each(['Private', 'Community'])('of a gallery with permissions %s is refused', async (as) => {
    await make({ permissions: as, ...(as === 'Community' && { communityGalleryInfo: info }) })
    const answer = await share({ operationType: 'Add', groups: subscriptions(guid(1)) })
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'OperationNotAllowed' } } })
  })

  it('30 subscriptions and 5 tenants, not one more', async () => {
    await make({ permissions: 'Groups' })
    const many = Array.from({ length: 30 }, (_, at) => guid(at))
    await shared({
      operationType: 'Add',
      groups: [...subscriptions(...many), ...tenants(...many.slice(0, 5))],
    })
    for (const groups of [subscriptions(guid(30)), tenants(guid(30))]) {
      const answer = await share({ operationType: 'Add', groups })
      expect(answer).toMatchObject({
        status: 409,
        body: { error: { code: 'OperationNotAllowed' } },
      })
    }
    await shared({ operationType: 'Add', groups: subscriptions(guid(29)) })
    await shared({ operationType: 'Remove', groups: subscriptions(guid(0)) })
    await shared({ operationType: 'Add', groups: subscriptions(guid(30)) })
  })

  it('calls at the same time lose nothing, and the limit is exact', async () => {
    await make({ permissions: 'Groups' })
    const calls = Array.from({ length: 12 }, (_, at) =>
      share({
        operationType: 'Add',
        groups: subscriptions(...[0, 1, 2].map((by) => guid(at * 3 + by))),
      }),
    )
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([...Array(10).fill(202), 409, 409])
    const told = await profile()
    const ids = valueAt(told as JsonObject, 'groups')
    expect(ids).toMatchObject([
      { type: 'Subscriptions', ids: expect.objectContaining({ length: 30 }) },
    ])
  })

  it('is for an Owner and a Compute Gallery Sharing Admin, and no Contributor; and is audited', async () => {
    await make({ permissions: 'Groups' })
    const scope = arm.idOf(`galleries/${name}`)
    const body = { operationType: 'Add', groups: subscriptions(guid(1)) }
    const path = `${scope}/share`
    const contributor = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.contributor.id, scope },
    ])
    expect(await contributor.ask('POST', path, { body })).toMatchObject({
      status: 403,
      body: { error: { code: 'AuthorizationFailed' } },
    })
    const admin = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.computeGallerySharingAdmin.id, scope },
    ])
    expect(await admin.ask('POST', path, { body })).toMatchObject({ status: 202 })
    const entries = await vitrine.installation.store.read.audit.list({
      within: [scope.toLowerCase()],
      above: undefined,
      sinceMs: undefined,
      untilMs: undefined,
      after: undefined,
      rowsMax: 10,
    })
    expect(entries).toContainEqual(
      expect.objectContaining({
        principalId: admin.objectId,
        action: 'Microsoft.Compute/galleries/share/action',
        outcome: 'allowed',
        about: body,
      }),
    )
  })
})

describe('a community gallery', () => {
  it('is enabled, reset, and made one again under another public name', async () => {
    const made = await make({ permissions: 'Community', communityGalleryInfo: info })
    const publicNames = valueAt(made, 'properties.sharingProfile.communityGalleryInfo.publicNames')
    expect(publicNames).toEqual([expect.stringMatching(/^contoso-[0-9a-f-]{36}$/)])
    await shared({ operationType: 'EnableCommunity', groups: [] })
    expect(await profile('')).toEqual({
      permissions: 'Community',
      communityGalleryInfo: { ...info, communityGalleryEnabled: true, publicNames },
    })
    const deleting = await arm.ask('DELETE', `galleries/${name}`)
    expect(deleting).toMatchObject({
      status: 409,
      body: { error: { code: 'OperationNotAllowed' } },
    })
    await shared({ operationType: 'Reset' })
    expect(await profile('?$expand=SharingProfile/Groups')).toEqual({ permissions: 'Private' })
    const again = await make({ permissions: 'Community', communityGalleryInfo: info })
    const other = valueAt(again, 'properties.sharingProfile.communityGalleryInfo')
    expect(other).toMatchObject({ communityGalleryEnabled: false })
    expect(other).not.toMatchObject({ publicNames })
    await shared({ operationType: 'Reset' })
    await arm.remove(`galleries/${name}`)
  })
})
