import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { type Arm, errorOf } from '../support/arm.ts'
import { definition, gallery } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import {
  at,
  consumers,
  communityInfo as info,
  openSharingWorld,
  owners,
  type SharingWorld,
  strangers,
  toSubscription,
  toTenant,
  uniqueName,
} from '../support/sharing-world.ts'

let vitrine: SharingWorld['vitrine']
let arm: SharingWorld['arm']
let consumer: SharingWorld['consumer']
let publicName: string
let share: SharingWorld['share']
let world: SharingWorld

beforeAll(async () => {
  world = await openSharingWorld()
  ;({ vitrine, arm, consumer, publicName, share } = world)
})

afterAll(() => world.close())

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

/** A cursor as whoever is given one can read it. */
function decoded(cursor: unknown): string {
  return Buffer.from(String(cursor), 'base64url').toString('utf8')
}

async function namesAt(path: string, location?: string, subscription?: string) {
  const { body } = await arm.get(at(path, location, subscription))
  return isList(body.value) ? body.value.map((one) => valueAt(one, 'name')) : body
}

describe('a gallery that is shared to a subscription', () => {
  beforeAll(() => share('Add', toSubscription(consumers.toUpperCase())))

  it('R88 is listed and read there by Azure’s own client, down to its versions', async () => {
    const galleries = await all(consumer.sharedGalleries.list('westeurope'))
    expect(galleries).toMatchObject([
      {
        name: uniqueName,
        location: 'westeurope',
        uniqueId: `/SharedGalleries/${uniqueName}`,
      },
    ])
    const one = await consumer.sharedGalleries.get('West Europe', uniqueName)
    expect(one.artifactTags).toEqual({ 'ShareTag-Tier': 'gold' })
    const images = await all(consumer.sharedGalleryImages.list('westeurope', uniqueName))
    expect(images).toMatchObject([
      {
        name: definition,
        uniqueId: `/SharedGalleries/${uniqueName}/Images/${definition}`,
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        architecture: 'x64',
        identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' },
        recommended: {},
      },
    ])
    const versions = await all(
      consumer.sharedGalleryImageVersions.list('westeurope', uniqueName, definition),
    )
    expect(versions.map(({ name }) => name)).toEqual(['1.0.0', '1.1.0'])
    expect(
      await consumer.sharedGalleryImageVersions.get('eastus', uniqueName, definition, '1.0.0'),
    ).toMatchObject({
      name: '1.0.0',
      location: 'eastus',
      uniqueId: `/SharedGalleries/${uniqueName}/Images/${definition}/Versions/1.0.0`,
      excludeFromLatest: true,
      storageProfile: { osDiskImage: { diskSizeGB: 1, hostCaching: 'ReadWrite' } },
    })
  })

  it('tells nothing of its place, its owner, or who else has it', async () => {
    const paths = [
      '',
      `/${uniqueName}`,
      `/${uniqueName}/images`,
      `/${uniqueName}/images/${definition}/versions`,
    ]
    for (const path of paths) {
      const { body } = await arm.get(at(`sharedGalleries${path}`))
      const text = JSON.stringify(body)
      expect(text).not.toMatch(/resourceGroups|secret|internal|systemData|"id"|"type":|source/i)
    }
  })

  it('R23 has in a region what is usable there', async () => {
    const versions = `sharedGalleries/${uniqueName}/images/${definition}/versions`
    expect(await namesAt(versions, 'eastus')).toEqual(['1.0.0'])
    expect(await arm.get(at(`${versions}/1.1.0`, 'eastus'))).toMatchObject({ status: 404 })
    expect(await namesAt('sharedGalleries', 'westus')).toEqual([])
    expect(await arm.get(at(`sharedGalleries/${uniqueName}`, 'westus'))).toMatchObject({
      status: 404,
    })
    expect(await arm.get(at('sharedGalleries', 'nowhere'))).toMatchObject({ status: 404 })
  })

  it('R88 is not there for another subscription, nor for whoever cannot read in this one', async () => {
    expect(await namesAt('sharedGalleries', 'westeurope', strangers)).toEqual([])
    const path = `sharedGalleries/${uniqueName}`
    const elsewhere = await arm.get(at(path, 'westeurope', strangers))
    const nowhere = await arm.get(at(`sharedGalleries/${strangers}-NONE`, 'westeurope', strangers))
    expect(elsewhere.status).toBe(404)
    expect(valueAt(nowhere.body, 'error.code')).toBe(valueAt(elsewhere.body, 'error.code'))
    const nobody = await openOtherCaller(vitrine, [])
    for (const each of ['sharedGalleries', path, `${path}/images/${definition}/versions/1.0.0`]) {
      expect(await nobody.get(at(each))).toMatchObject({
        status: 403,
        body: { error: { code: 'AuthorizationFailed' } },
      })
    }
  })

  it('is read alone: nothing can be written there', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'POST']) {
      const answer = await arm.ask(method, at(`sharedGalleries/${uniqueName}`), { body: {} })
      expect(answer).toMatchObject({ status: 405 })
    }
  })

  it('is not in the list of the tenant, until it is shared to that too', async () => {
    const shared = () => all(consumer.sharedGalleries.list('westeurope', { sharedTo: 'tenant' }))
    expect(await shared()).toEqual([])
    const tenant = toTenant(vitrine.config.tenantId)
    await share('Add', tenant)
    expect(await shared()).toHaveLength(1)
    expect(await namesAt('sharedGalleries?sharedTo=tenant', 'westeurope', strangers)).toEqual([
      uniqueName,
    ])
    await share('Remove', tenant)
    expect(await shared()).toEqual([])
    expect(await arm.get(at('sharedGalleries?sharedTo=everybody'))).toMatchObject({
      status: 400,
      body: { error: { target: 'sharedTo' } },
    })
  })

  it('is gone at once when it is not shared any more', async () => {
    await share('Remove', toSubscription(consumers))
    expect(await namesAt('sharedGalleries')).toEqual([])
    expect(await arm.get(at(`sharedGalleries/${uniqueName}/images/${definition}`))).toMatchObject({
      status: 404,
    })
    await share('Add', toSubscription(consumers))
    expect(await namesAt('sharedGalleries')).toEqual([uniqueName])
  })
})

describe('a community gallery', () => {
  it('is nowhere until it is enabled', async () => {
    for (const name of [publicName, 'contoso-00000000']) {
      expect(await arm.get(at(`communityGalleries/${name}`))).toMatchObject({ status: 404 })
    }
    await share('EnableCommunity', [], 'everybody')
    expect(await arm.get(at(`communityGalleries/${publicName}`))).toMatchObject({ status: 200 })
  })

  it('is read by its public name in every subscription, by Azure’s own client', async () => {
    expect(await consumer.communityGalleries.get('westeurope', publicName)).toMatchObject({
      name: publicName,
      uniqueId: `/CommunityGalleries/${publicName}`,
      communityMetadata: {
        publisherUri: info.publisherUri,
        publisherContact: info.publisherContact,
        eula: info.eula,
        publicNames: [publicName],
      },
    })
    const images = await all(consumer.communityGalleryImages.list('westeurope', publicName))
    expect(images).toMatchObject([
      { name: 'web', eula: 'e', privacyStatementUri: 'https://p', osType: 'Linux' },
    ])
    expect(
      await consumer.communityGalleryImages.get('westeurope', publicName, 'web'),
    ).toMatchObject({
      uniqueId: `/CommunityGalleries/${publicName}/Images/web`,
    })
    const versions = await all(
      consumer.communityGalleryImageVersions.list('westeurope', publicName, 'web'),
    )
    expect(versions.map(({ name }) => name)).toEqual(['2.0.0'])
    const version = await consumer.communityGalleryImageVersions.get(
      'westeurope',
      publicName,
      'web',
      '2.0.0',
    )
    expect(version.uniqueId).toBe(`/CommunityGalleries/${publicName}/Images/web/Versions/2.0.0`)
  })

  it('has no list, tells its metadata beside its name to old clients, and echoes the location', async () => {
    expect(await arm.get(at('communityGalleries'))).toMatchObject({ status: 404 })
    const { body } = await arm.get(
      at(`communityGalleries/${publicName}`, 'WestEurope'),
      '2022-01-03',
    )
    expect(body).toMatchObject({
      location: 'WestEurope',
      communityMetadata: { publicNames: [publicName] },
    })
    expect(body).not.toHaveProperty('type')
    const { body: image } = await arm.get(
      at(`communityGalleries/${publicName}/images/web`),
      '2022-01-03',
    )
    expect(valueAt(image as JsonObject, 'properties.identifier')).toEqual({})
  })

  const list = (query: string, options: object = {}, of: Arm = arm) =>
    of.ask('POST', '/providers/Microsoft.ResourceGraph/resources', {
      body: { query, options },
      api: '2021-03-01',
    })
  const query =
    "communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries' "

  it('is listed by the query of Resource Graph that az sends', async () => {
    const { body } = await list(`${query}| where location == 'westeurope' `, { $top: 30 })
    expect(body).toMatchObject({
      count: 1,
      data: [
        {
          name: publicName,
          location: 'westeurope',
          properties: {
            communityMetadata: { publisherContact: info.publisherContact },
            identifier: { uniqueId: `/CommunityGalleries/${publicName}` },
          },
        },
      ],
    })
    expect((await list(`${query}| where location == 'westus' `)).body).toMatchObject({ data: [] })
    expect((await list(`${query}| where location == 'nowhere' `)).body).toMatchObject({ data: [] })
  })

  it('in all regions, page after page', async () => {
    await arm.make('galleries/also', {
      location: 'eastus',
      properties: { sharingProfile: { permissions: 'Community', communityGalleryInfo: info } },
    })
    await share('EnableCommunity', [], 'also')
    const regions: unknown[] = []
    const cursors: string[] = []
    let options: object = { $top: 1 }
    for (let page = 0; page < 5; page++) {
      const { body } = await list(query, options)
      const rows = isList(body.data) ? body.data : []
      expect(rows.length).toBeLessThanOrEqual(1)
      regions.push(...rows.map((row) => valueAt(row, 'location')))
      if (body.$skipToken === undefined) break
      cursors.push(decoded(body.$skipToken))
      options = { $top: 1, $skipToken: body.$skipToken }
    }
    expect(regions).toEqual(['eastus', 'westeurope'])
    expect(cursors).toEqual([expect.stringMatching(/^eastus\|contoso-[\da-f-]{36}$/)])
    await share('Reset', [], 'also')
  })

  it('to nobody who may read nowhere; and no other query is answered', async () => {
    const nobody = await openOtherCaller(vitrine, [])
    expect((await list(query, {}, nobody)).body).toMatchObject({ data: [] })
    for (const other of ['resources', `${query}| limit 1`, `${query}| where name == 'x'`]) {
      expect(await list(other)).toMatchObject({
        status: 400,
        body: { error: { code: 'BadRequest', message: expect.stringContaining('one query') } },
      })
    }
    expect(await list(query, { $top: 0 })).toMatchObject({ status: 400 })
  })

  it('keeps its resource group from being deleted', async () => {
    const answer = await arm.ask('DELETE', arm.groupPath)
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'ResourceGroupDeletionBlocked'])
    expect(errorOf(answer).message).toMatch(/'everybody'.*Reset/)
    expect((await arm.get(arm.groupPath)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    })
  })

  it('is gone at once with a reset', async () => {
    await share('Reset', [], 'everybody')
    expect(await arm.get(at(`communityGalleries/${publicName}/images/web`))).toMatchObject({
      status: 404,
    })
  })
})

describe('what is shared can be rejected', () => {
  const invite = (decision: string, subscription = consumers, name = gallery) =>
    at(
      `sharedGallerySubscriptions/${owners}/sharedGalleries/${name}/${decision}`,
      'westeurope',
      subscription,
    )
  const api = '2025-12-03'

  it('by a subscription: it is as if it were not shared, until it is accepted', async () => {
    await share('Add', toSubscription(consumers))
    await consumer.sharedGalleryInvites.gallerySharingReject('westeurope', owners, gallery)
    expect(await namesAt('sharedGalleries')).toEqual([])
    expect(await arm.get(at(`sharedGalleries/${uniqueName}`))).toMatchObject({ status: 404 })
    await share('Add', toSubscription(consumers))
    expect(await namesAt('sharedGalleries')).toEqual([])
    await consumer.sharedGalleryInvites.gallerySharingAccept('westeurope', owners, uniqueName)
    expect(await namesAt('sharedGalleries')).toEqual([uniqueName])
    await arm.ask('POST', invite('reject'), { api })
    await share('Remove', toSubscription(consumers))
    await share('Add', toSubscription(consumers))
    expect(await namesAt('sharedGalleries')).toEqual([uniqueName])
  })

  it('by a tenant', async () => {
    const { tenantId } = vitrine.config
    await share('Add', toTenant(tenantId))
    const path = `/providers/Microsoft.Compute/locations/westeurope/tenantLevelSharedGallerySubscriptions/${owners}/sharedGalleries/${gallery}`
    expect(await arm.ask('POST', `${path}/reject`, { api })).toMatchObject({ status: 204 })
    expect(await namesAt('sharedGalleries?sharedTo=tenant')).toEqual([])
    expect(await arm.ask('POST', `${path}/accept`, { api })).toMatchObject({ status: 204 })
    expect(await namesAt('sharedGalleries?sharedTo=tenant')).toEqual([uniqueName])
    await share('Remove', toTenant(tenantId))
  })

  it('and nothing else: not by others, not what is not shared, not before 2025-12-03', async () => {
    const reader = await openOtherCaller(vitrine, [
      { roleId: builtInRoles.reader.id, scope: `/subscriptions/${consumers}` },
    ])
    expect(await reader.ask('POST', invite('reject'), { api })).toMatchObject({ status: 403 })
    for (const path of [invite('reject', strangers), invite('accept', consumers, 'none')]) {
      expect(await arm.ask('POST', path, { api })).toMatchObject({ status: 404 })
    }
    expect(await arm.ask('POST', invite('reject'), { api: '2024-03-03' })).toMatchObject({
      status: 404,
      body: { error: { code: 'InvalidResourceType' } },
    })
    expect(await arm.ask('GET', invite('reject'), { api })).toMatchObject({ status: 405 })
    expect(await namesAt('sharedGalleries')).toEqual([uniqueName])
  })
})

it('pages are full and in order, and go on after their last key', async () => {
  await share('Add', toSubscription(strangers))
  const names = Array.from({ length: 120 }, (_, n) => `many${String(n).padStart(3, '0')}`)
  const properties = { osType: 'Linux', osState: 'Generalized' }
  await Promise.all(
    names.map((name, n) =>
      arm.make(`galleries/${gallery}/images/${name}`, {
        // Every tenth is not in West Europe.
        location: n % 10 === 0 ? 'eastus' : 'westeurope',
        properties: { ...properties, identifier: { publisher: 'p', offer: 'o', sku: name } },
      }),
    ),
  )
  const path = at(`sharedGalleries/${uniqueName}/images`, 'westeurope', strangers)
  const first = await arm.get(path)
  expect(isList(first.body.value) && first.body.value.length).toBe(100)
  const { pathname, search, searchParams } = new URL(String(first.body.nextLink))
  expect(decoded(searchParams.get('$skiptoken'))).toMatch(/^many\d+$/)
  const second = await arm.get(`${pathname}${search}`)
  const told = [first, second].flatMap(({ body }) => (isList(body.value) ? body.value : []))
  const here = names.filter((_, n) => n % 10 !== 0)
  expect(told.map((one) => valueAt(one, 'name'))).toEqual([...here, definition].toSorted())
  expect(second.body).not.toHaveProperty('nextLink')
})

it('clients of before direct sharing are told from when on it is there', async () => {
  expect(await arm.get(at('sharedGalleries'), '2019-12-01')).toMatchObject({
    status: 404,
    body: {
      error: { code: 'InvalidResourceType', message: expect.stringContaining('2020-09-30') },
    },
  })
})
