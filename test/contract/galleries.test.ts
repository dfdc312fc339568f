import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }

describe('galleries', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await vitrine.resources.resourceGroups.createOrUpdate('myGalleryRG', west)
  })
  afterAll(() => vitrine.close())

  it('R1 through Azure’s client: created, read, changed, listed at both scopes, deleted', async () => {
    const { galleries } = vitrine.compute
    const made = await galleries.createOrUpdate('myGalleryRG', 'sdk.Gallery', {
      ...west,
      description: 'first',
    })
    expect(made).toMatchObject({
      id: arm.idOf('galleries/sdk.Gallery'),
      name: 'sdk.Gallery',
      type: 'Microsoft.Compute/galleries',
      location: 'westeurope',
      description: 'first',
      identifier: { uniqueName: `${vitrine.subscription}-SDK.GALLERY` },
      provisioningState: 'Succeeded',
    })
    expect(await galleries.get('myGalleryRG', 'sdk.Gallery')).toEqual(made)
    const patched = await galleries.update('myGalleryRG', 'sdk.Gallery', { tags: { team: 'x' } })
    expect(patched).toMatchObject({ description: 'first', tags: { team: 'x' } })
    for (const list of [galleries.list(), galleries.listByResourceGroup('myGalleryRG')]) {
      const names: (string | undefined)[] = []
      for await (const each of list) names.push(each.name)
      expect(names).toEqual(['sdk.Gallery'])
    }
    await galleries.delete('myGalleryRG', 'sdk.Gallery')
    await expect(galleries.get('myGalleryRG', 'sdk.Gallery')).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    })
  })

  it('the wire of a create and an update: 201 Creating, 200 Succeeded, Azure-AsyncOperation alone', async () => {
    const made = await arm.put('galleries/wire', { ...west, properties: { description: 'd' } })
    expect(made.status).toBe(201)
    expect(Object.keys(made.body)).toEqual([
      'name',
      'id',
      'type',
      'location',
      'systemData',
      'properties',
    ])
    expect(made.body.properties).toEqual({
      description: 'd',
      identifier: { uniqueName: `${vitrine.subscription}-WIRE` },
      provisioningState: 'Creating',
    })
    expect(made.headers.has('location')).toBe(false)
    expect(made.headers.get('azure-asyncnotification')).toBe('Enabled')
    const updated = await arm.put('galleries/wire', { ...west, tags: {} })
    expect(updated.status).toBe(200)
    expect(updated.headers.has('azure-asyncoperation')).toBe(true)
    expect(updated.headers.has('location')).toBe(false)
    expect(updated.body).toMatchObject({ tags: {}, properties: { provisioningState: 'Succeeded' } })
    expect(updated.body.properties).not.toHaveProperty('description')
  })

  it('R101 the description is mutable, the location is not', async () => {
    await arm.make('galleries/fixed', { ...west, properties: { description: 'one' } })
    const changed = await arm.make('galleries/fixed', {
      ...west,
      properties: { description: 'two' },
    })
    expect(changed.properties).toMatchObject({ description: 'two' })
    const moved = await arm.put('galleries/fixed', { location: 'eastus' })
    expect(moved.status).toBe(409)
    expect(errorOf(moved)).toMatchObject({
      code: 'InvalidResourceLocation',
      message:
        "The resource 'fixed' already exists in location 'westeurope' in resource group 'myGalleryRG'. " +
        "A resource with the same name cannot be created in location 'eastus'. Please select a new resource name.",
    })
  })

  it.each([
    ['a dash', 'my-gallery'],
    ['an underscore', 'my_gallery'],
    ['a period at its start', '.gallery'],
    ['81 characters', 'g'.repeat(81)],
    ['a letter that is not English', 'galerieé'],
  ])('R2 a name with %s is refused', async (_, name) => {
    const answer = await arm.put(`galleries/${encodeURIComponent(name)}`, west)
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({
      code: 'InvalidParameter',
      message: expect.stringMatching(
        /^Gallery name is invalid\. Allowed characters are English alphanumeric/,
      ),
      target: 'galleryName',
    })
  })

  it('R2 80 characters with periods inside are a name', async () => {
    const name = `a.${'b'.repeat(77)}9`
    expect((await arm.put(`galleries/${name}`, west)).status).toBe(201)
  })

  it('R3 a name is unique within the subscription, whatever its case, until its gallery is gone', async () => {
    const other = openArm(vitrine, 'otherRG')
    await other.put(other.groupPath, west)
    await arm.make('galleries/Unique', west)
    const taken = await other.put('galleries/uNIQUE', west)
    expect(taken.status).toBe(409)
    expect(errorOf(taken)).toEqual({
      code: 'Conflict',
      message: `The gallery name 'uNIQUE' is not unique within the subscription '${vitrine.subscription}'. Please pick another gallery name.`,
      target: 'galleryName',
    })
    await arm.remove('galleries/Unique')
    expect((await other.put('galleries/uNIQUE', west)).status).toBe(201)
  })

  it('R3 of twenty that ask for one name in two groups at once, one gets it', async () => {
    const other = openArm(vitrine, 'otherRG')
    await other.put(other.groupPath, west)
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? arm : other).put('galleries/Raced', west)),
    )
    const created = asked.filter((answer) => answer.status === 201)
    expect(created).toHaveLength(1)
    const winner = String(created[0]?.body.id)
    for (const { status, body } of asked.filter((answer) => answer.status !== 201)) {
      expect(status === 200 ? body.id : status).toEqual(status === 200 ? winner : 409)
    }
  })

  it('R6 a definition may lie in another location than its gallery', async () => {
    await arm.make('galleries/apart', west)
    const made = await arm.make('galleries/apart/images/d', {
      location: 'eastus2',
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
    expect(made.location).toBe('eastus2')
  })

  it('a region that is not served is refused with the list of those that are', async () => {
    const answer = await arm.put('galleries/nowhere', { location: 'francecentral' })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toEqual({
      code: 'LocationNotAvailableForResourceType',
      message:
        "The provided location 'francecentral' is not available for resource type 'Microsoft.Compute/galleries'. List of available regions for the resource type is " +
        "'westeurope,northeurope,eastus,eastus2,westus,westus2,southcentralus,westcentralus,southeastasia'.",
      target: 'location',
    })
  })

  it('DELETE: 202 with both headers, 204 when nothing is there, 409 while it has images', async () => {
    await makeDefinition(vitrine)
    const full = await arm.ask('DELETE', `galleries/${gallery}`)
    expect(full.status).toBe(409)
    expect(errorOf(full)).toEqual({
      code: 'CannotDeleteResource',
      message:
        'Cannot delete resource while nested resources exist. Some existing nested resource IDs include: ' +
        `'Microsoft.Compute/galleries/${gallery}/images/${definition}'. Please delete all nested resources before deleting this resource.`,
    })
    await arm.remove(`galleries/${gallery}/images/${definition}`)
    const accepted = await arm.ask('DELETE', `galleries/${gallery}`)
    expect([accepted.status, accepted.body]).toEqual([202, {}])
    expect(accepted.headers.get('azure-asyncoperation')).toContain('/capsOperations/')
    expect(accepted.headers.get('location')).toMatch(
      /\/capsOperations\/[^?]+\?monitor=true&api-version=/,
    )
    await arm.ended(accepted)
    expect((await arm.get(`galleries/${gallery}`)).status).toBe(404)
    expect((await arm.ask('DELETE', `galleries/${gallery}`)).status).toBe(204)
  })

  it('R86 a gallery cannot be moved to another subscription', async () => {
    const body = {
      resources: [arm.idOf('galleries/wire')],
      targetResourceGroup: '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/y',
    }
    const answer = await arm.ask('POST', `${arm.groupPath}/moveResources`, { body })
    expect(answer.status).toBe(404)
  })

  it('sharing profile, soft delete policy and identity are echoed only when they were sent', async () => {
    const plain = await arm.make('galleries/plain', west)
    expect(Object.keys(Object(plain.properties)).sort()).toEqual([
      'identifier',
      'provisioningState',
    ])
    const told = await arm.make('galleries/told', {
      ...west,
      identity: { type: 'systemassigned' },
      properties: {
        sharingProfile: { permissions: 'private' },
        softDeletePolicy: { isSoftDeleteEnabled: 'false' },
      },
    })
    expect(told).toMatchObject({
      identity: { type: 'SystemAssigned' },
      properties: {
        sharingProfile: { permissions: 'Private' },
        softDeletePolicy: { isSoftDeleteEnabled: false },
      },
    })
  })

  it('a PUT of what GET returned changes nothing', async () => {
    const before = await arm.get('galleries/told')
    const again = await arm.put('galleries/told', before.body)
    expect(again.status).toBe(200)
    expect(again.headers.get('etag')).toBe(before.headers.get('etag'))
    expect((await arm.get('galleries/told')).body).toEqual(before.body)
  })
})

describe('galleries, with the names that Azure takes today', () => {
  it('R2 inner underscores are allowed when the configuration says so', async () => {
    const vitrine = await openTestInstallation({
      config: { compatibility: { galleryNames: 'current' } },
    })
    try {
      const arm = openArm(vitrine)
      await arm.put(arm.groupPath, west)
      expect((await arm.put('galleries/my_gallery', west)).status).toBe(201)
      expect((await arm.put('galleries/my-gallery', west)).status).toBe(400)
      expect((await arm.put('galleries/_gallery', west)).status).toBe(400)
    } finally {
      await vitrine.close()
    }
  })
})
