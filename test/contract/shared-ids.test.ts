import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { isList, valueAt } from '../../src/resources/paths.ts'
import { errorOf } from '../support/arm.ts'
import { definition, gallery, group } from '../support/main-job.ts'
import {
  at,
  consumers,
  content,
  foreigners,
  foreignTenant,
  openSharingWorld,
  type SharingWorld,
  strangers,
  toSubscription,
  toTenant,
  uniqueName,
} from '../support/sharing-world.ts'

let arm: SharingWorld['arm']
let contributor: SharingWorld['contributor']
let publicName: string
let share: SharingWorld['share']
let world: SharingWorld

beforeAll(async () => {
  world = await openSharingWorld()
  ;({ arm, contributor, publicName, share } = world)
})

afterAll(() => world.close())

describe('what is shared is used by its shared id', () => {
  const theirs = `/subscriptions/${consumers}/resourceGroups/theirs`
  const image = `/SharedGalleries/${uniqueName}/Images/${definition}`

  beforeAll(async () => {
    await share('Add', toSubscription(consumers))
    await share('EnableCommunity', [], 'everybody')
    await contributor.make(theirs, { location: 'westeurope' }, '2021-04-01')
  })

  const place = (path: string) => `${theirs}/providers/Microsoft.Compute/${path}`

  const fromImage = (galleryImageReference: object, location = 'westeurope') => ({
    location,
    properties: { creationData: { createOption: 'FromImage', galleryImageReference } },
  })

  it.each([
    ['one', { sharedGalleryImageId: `${image}/Versions/1.0.0` }],
    ['two', { sharedGalleryImageId: `${image}/versions/latest` }],
    ['three', { id: image.toUpperCase() }],
  ])('R90 by a disk, which is %s', async (name, reference) => {
    const disk = place(`disks/${name}`)
    const made = await contributor.make(disk, fromImage(reference))
    const { creationData } = made.properties as { creationData: JsonObject }
    expect(creationData.galleryImageReference).toEqual(reference)
    // Which version it was, in the words in which it is shared.
    const [madeOf] = Object.values(Object(creationData.imageReference))
    expect(madeOf).toMatch(new RegExp(`^${image}/versions/1\\.[01]\\.0$`, 'i'))
    expect(JSON.stringify(made)).not.toContain(group)
    expect(await contributor.download(disk)).toEqual(Buffer.from(content))
  })

  it('R25 latest is that of the region, and not what is excluded there', async () => {
    const body = fromImage({ sharedGalleryImageId: image }, 'eastus')
    const message = new RegExp(`^The gallery image ${image} is not available in eastus region`)
    expect(await contributor.put(place('disks/none'), body)).toMatchObject({
      status: 404,
      body: { error: { code: 'GalleryImageNotFound', message: expect.stringMatching(message) } },
    })
  })

  it('R88 and not by the id of its owner, nor in another subscription, nor what is not there', async () => {
    const id = arm.idOf(`galleries/${gallery}/images/${definition}/versions/1.0.0`)
    expect(await contributor.put(place('disks/none'), fromImage({ id }))).toMatchObject({
      status: 403,
      body: { error: { code: 'LinkedAuthorizationFailed' } },
    })
    const other = `/subscriptions/${strangers}/resourceGroups/other`
    await arm.make(other, { location: 'westeurope' }, '2021-04-01')
    for (const sharedGalleryImageId of [
      image,
      `/SharedGalleries/${strangers}-NONE/Images/x`,
      '/SharedGalleries/x/Images/x',
    ]) {
      const disk = `${other}/providers/Microsoft.Compute/disks/none`
      expect(await arm.put(disk, fromImage({ sharedGalleryImageId }))).toMatchObject({
        status: 404,
        body: { error: { code: 'GalleryImageNotFound' } },
      })
    }
  })

  it('by a version, and what was made stays when it is not shared any more', async () => {
    const identifier = { publisher: 'Fabrikam', offer: 'Copy', sku: 'One' }
    const properties = { osType: 'Linux', osState: 'Generalized', identifier }
    await contributor.make(place('galleries/theirs'), { location: 'westeurope' })
    await contributor.make(place('galleries/theirs/images/copy'), {
      location: 'westeurope',
      properties: { ...properties, hyperVGeneration: 'V1' },
    })
    const version = place('galleries/theirs/images/copy/versions/1.0.0')
    const source = { id: `${image}/Versions/1.0.0` }
    const body = { location: 'westeurope', properties: { storageProfile: { source } } }
    const made = await contributor.make(version, body)
    expect(valueAt(made, 'properties.storageProfile.source')).toEqual(source)
    await share('Remove', toSubscription(consumers))
    const again = place('galleries/theirs/images/copy/versions/1.0.1')
    expect(await contributor.put(again, body)).toMatchObject({ status: 404 })
    const disk = fromImage({ sharedGalleryImageId: image })
    expect(await contributor.put(place('disks/none'), disk)).toMatchObject({ status: 404 })
    expect(await contributor.download(place('disks/one'))).toEqual(Buffer.from(content))
    await contributor.make(place('disks/copy'), fromImage({ id: version }))
    expect(await contributor.download(place('disks/copy'))).toEqual(Buffer.from(content))
  })

  it('R26 of a community gallery is the source of a version and of a disk, by its public name; as latest unless it is excluded', async () => {
    const image = `/CommunityGalleries/${publicName}/Images/web`
    const theirs = `/subscriptions/${consumers}/resourceGroups/theirs/providers/Microsoft.Compute`
    const version = `${theirs}/galleries/theirs/images/copy/versions/2.0.0`
    const source = { communityGalleryImageId: `${image}/Versions/2.0.0` }
    const properties = { storageProfile: { source } }
    const made = await contributor.make(version, { location: 'westeurope', properties })
    expect(valueAt(made, 'properties.storageProfile.source')).toEqual(source)
    const galleryImageReference = { communityGalleryImageId: image }
    const creationData = { createOption: 'FromImage', galleryImageReference }
    const disk = `${theirs}/disks/web`
    await contributor.make(disk, { location: 'westeurope', properties: { creationData } })
    expect(await contributor.download(disk)).toEqual(Buffer.from(content))
    const fromCommunity = (communityGalleryImageId: string, name = 'late') =>
      contributor.put(`${theirs}/disks/${name}`, fromImage({ communityGalleryImageId }))
    const publishingProfile = { excludeFromLatest: true, targetRegions: [{ name: 'westeurope' }] }
    const answer = await arm.ask('PATCH', 'galleries/everybody/images/web/versions/2.0.0', {
      body: { properties: { publishingProfile } },
    })
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    for (const named of [image, `${image}/Versions/latest`]) {
      const body = { error: { code: 'GalleryImageNotFound' } }
      expect(await fromCommunity(named)).toMatchObject({ status: 404, body })
    }
    expect((await fromCommunity(`${image}/Versions/2.0.0`)).status).toBeLessThan(300)
    await endLife('galleries/everybody/images/web/versions/2.0.0')
    const ended = await fromCommunity(`${image}/Versions/2.0.0`, 'later')
    expect({ status: ended.status, ...errorOf(ended) }).toMatchObject({
      status: 409,
      code: 'OperationNotAllowed',
      // R27 by the id that the caller knows, not by its owner's.
      message: expect.stringContaining(`${image}/Versions/2.0.0 reached its end of life`),
    })
    expect(JSON.stringify(ended.body)).not.toContain(group)
  })

  /** Its date has come. */
  async function endLife(path: string): Promise<void> {
    const { store } = world.vitrine.installation
    await store.write(async ({ resources }) => {
      const row = await resources.lock(arm.idOf(path).toLowerCase())
      if (!row) throw new Error(`${path} is there`)
      const { publishingProfile, ...properties } = row.doc.properties as JsonObject
      const ended = { ...(publishingProfile as JsonObject), endOfLifeDate: '2001-01-01' }
      const doc = { ...row.doc, properties: { ...properties, publishingProfile: ended } }
      await resources.update({ ...row, doc })
    })
  }
})

describe('across tenants', () => {
  it('R88 is shared to another tenant as a whole, and to a subscription of it', async () => {
    const foreigner = await world.foreigner()
    const path = at('sharedGalleries', 'westeurope', foreigners)
    const listed = async (query = '') => {
      const { body } = await foreigner.get(`${path}${query}`)
      return isList(body.value) ? body.value.map((one) => valueAt(one, 'name')) : body
    }
    expect(await listed()).toEqual([])
    await share('Add', toTenant(foreignTenant))
    expect(await listed()).toEqual([])
    expect(await listed('?sharedTo=tenant')).toEqual([uniqueName])
    const theirs = `/subscriptions/${foreigners}/resourceGroups/theirs`
    await foreigner.make(theirs, { location: 'westeurope' }, '2021-04-01')
    const sharedGalleryImageId = `/SharedGalleries/${uniqueName}/Images/${definition}`
    const creationData = {
      createOption: 'FromImage',
      galleryImageReference: { sharedGalleryImageId },
    }
    const disk = `${theirs}/providers/Microsoft.Compute/disks/one`
    const properties = { creationData }
    await foreigner.make(disk, { location: 'westeurope', properties })
    expect(await foreigner.download(disk)).toEqual(Buffer.from(content))
    expect((await foreigner.get(arm.idOf(`galleries/${gallery}`))).status).toBeGreaterThan(400)
    await share('Remove', toTenant(foreignTenant))
    expect(await listed('?sharedTo=tenant')).toEqual([])
    const none = `${theirs}/providers/Microsoft.Compute/disks/none`
    const refused = await foreigner.put(none, { location: 'westeurope', properties })
    expect(refused).toMatchObject({ status: 404 })
    await share('Add', toSubscription(foreigners))
    expect(await listed()).toEqual([uniqueName])
    await share('Remove', toSubscription(foreigners))
  })
})
