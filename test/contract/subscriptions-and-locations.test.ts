import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { resourceTypes } from '../../src/resources/types.ts'
import { type Arm, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

describe('subscriptions and locations', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let path: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    path = `/subscriptions/${vitrine.subscription}`
  })
  afterAll(() => vitrine.close())

  it('the tenant, as az login reads it', async () => {
    const { tenantId } = vitrine.config
    expect((await arm.get('/tenants', '2022-12-01')).body).toMatchObject({
      value: [{ id: `/tenants/${tenantId}`, tenantId }],
    })
  })

  it('the subscription, alone and in the list', async () => {
    const one = (await arm.get(path, '2022-12-01')).body
    expect(one).toMatchObject({
      id: path,
      subscriptionId: vitrine.subscription,
      tenantId: vitrine.config.tenantId,
      displayName: 'Vitrine',
      state: 'Enabled',
    })
    expect((await arm.get('/subscriptions', '2019-11-01')).body).toEqual({ value: [one] })
    expect((await arm.get(path.toUpperCase(), '2022-12-01')).status).toBe(200)
  })

  it('R75 R141 the locations, with zones where Standard_ZRS exists', async () => {
    const { value } = (await arm.get(`${path}/locations`, '2022-12-01')).body
    const all = Array.isArray(value) ? value : []
    expect(all.map((each) => each.name)).toEqual([
      'westeurope',
      'northeurope',
      'eastus',
      'eastus2',
      'westus',
      'westus2',
      'southcentralus',
      'westcentralus',
      'southeastasia',
    ])
    const named = (name: string) => all.find((each) => each.name === name)
    expect(named('southcentralus')).toEqual({
      id: `${path}/locations/southcentralus`,
      name: 'southcentralus',
      type: 'Region',
      displayName: 'South Central US',
      regionalDisplayName: 'South Central US',
      metadata: { regionType: 'Physical', regionCategory: 'Recommended' },
      availabilityZoneMappings: ['1', '2', '3'].map((zone) => ({
        logicalZone: zone,
        physicalZone: `southcentralus-az${zone}`,
      })),
    })
    expect(named('westcentralus')).not.toHaveProperty('availabilityZoneMappings')
  })

  it('the providers with their types and api-versions, newest first, as az resource reads them', async () => {
    const { providers } = vitrine.resources
    const found = []
    for await (const each of providers.list()) found.push(each.namespace)
    const served = ['Microsoft.Resources', 'Microsoft.Compute', 'Microsoft.Storage']
    expect(found).toEqual([...served, 'Microsoft.Authorization', 'Microsoft.Insights'])
    const { value } = (await arm.get('/providers')).body
    expect(Array.isArray(value) && value.map((one) => valueAt(one, 'namespace'))).toEqual(found)
    const locks = (await providers.get('Microsoft.Authorization')).resourceTypes
    const lock = locks?.find(({ resourceType }) => resourceType === 'locks')
    expect(lock?.apiVersions?.[0]).toBe('2020-05-01')
    const compute = await providers.get('microsoft.compute')
    expect(compute).toMatchObject({
      namespace: 'Microsoft.Compute',
      registrationState: 'Registered',
    })
    const galleries = compute.resourceTypes?.find((type) => type.resourceType === 'galleries')
    expect(galleries?.apiVersions?.[0]).toBe('2025-12-03')
    expect(galleries?.apiVersions?.at(-1)).toBe('2018-06-01')
    const told = compute.resourceTypes?.map(
      ({ resourceType }) => `Microsoft.Compute/${resourceType}`,
    )
    const declared = resourceTypes.map(({ type }) => type)
    expect(told).toEqual([
      ...declared.filter((type) => type.startsWith('Microsoft.Compute/')),
      'Microsoft.Compute/locations/usages',
    ])
    const aliases = '"aliases":[]'
    expect(JSON.stringify((await arm.get(`${path}/providers`)).body)).not.toContain(aliases)
    const expanded = (await arm.get(`${path}/providers?$expand=metadata,resourceTypes/aliases`))
      .body
    expect(JSON.stringify(expanded)).toContain(aliases)
  })

  it('registering what is served is answered like reading it; what is not served is no namespace', async () => {
    const registered = await vitrine.resources.providers.register('Microsoft.Compute')
    expect(registered.registrationState).toBe('Registered')
    const other = await arm.ask('POST', `${path}/providers/Microsoft.Nothing/register`)
    expect([other.status, errorOf(other).code]).toEqual([404, 'InvalidResourceNamespace'])
    expect((await arm.get(`${path}/providers/Microsoft.Compute/register`)).status).toBe(405)
    const gone = await arm.ask('POST', `${path}/providers/Microsoft.Compute/unregister`)
    expect([gone.status, errorOf(gone).code]).toEqual([409, 'OperationNotAllowed'])
  })

  it('what roles may name is listed, for a provider and for all', async () => {
    const names = []
    const list = (await arm.get('/providers/microsoft.compute/operations')).body.value
    for (const one of Array.isArray(list) ? list : []) names.push(valueAt(one, 'name'))
    expect(names).toContain('Microsoft.Compute/galleries/images/versions/write')
    expect(names).toContain('Microsoft.Compute/galleries/share/action')
    const tree = '/providers/Microsoft.Authorization/providerOperations'
    const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
    const storage = (await arm.get(`${tree}/Microsoft.Storage?$expand=resourceTypes`)).body
    const told = [storage.resourceTypes ?? []].flat().flatMap((type) => valueAt(type, 'operations'))
    const named = told.filter((one) => valueAt(one, 'name') === blobs)
    expect(named).toMatchObject([{ isDataAction: true }])
    const one = (await arm.get(`${tree}/Microsoft.Resources?$expand=resourceTypes`)).body
    expect(JSON.stringify(one)).toContain('Microsoft.Resources/subscriptions/resourceGroups/read')
    expect((await arm.get(tree)).status).toBe(200)
    expect((await arm.get(`${tree}/Microsoft.Nothing`)).status).toBe(404)
  })
})

describe('subscriptions and locations of a configured installation', () => {
  it('several subscriptions and regions of one’s own', async () => {
    const first = 'aaaaaaaa-0000-4000-8000-000000000001'
    const second = 'bbbbbbbb-0000-4000-8000-000000000002'
    const vitrine = await openTestInstallation({
      config: {
        subscriptions: [
          { id: first, displayName: 'One' },
          { id: second, displayName: 'Two' },
        ],
        regions: [{ displayName: 'Rack 1' }, { displayName: 'Rack 2', zones: ['1', '2', '3'] }],
      },
    })
    try {
      const arm = openArm(vitrine)
      const { value } = (await arm.get('/subscriptions', '2022-12-01')).body
      expect(value).toMatchObject([{ subscriptionId: first }, { subscriptionId: second }])
      for (const subscription of [first, second]) {
        const group = `/subscriptions/${subscription}/resourceGroups/g`
        expect((await arm.put(group, { location: 'rack1' })).status).toBe(201)
        // Requirement 3: unique within a subscription, not beyond.
        const gallery = `${group}/providers/Microsoft.Compute/galleries/same`
        expect((await arm.put(gallery, { location: 'Rack 2' })).status).toBe(201)
      }
      const list = `/subscriptions/${second}/providers/Microsoft.Compute/galleries`
      expect((await arm.get(list)).body.value).toHaveLength(1)
    } finally {
      await vitrine.close()
    }
  })
})

describe('the subscription of who holds a role below it', () => {
  let vitrine: TestInstallation
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  it('R88 R90 is listed and can be read, whatever the role; for who holds nothing neither', async () => {
    const path = `/subscriptions/${vitrine.subscription}`
    const owner = openArm(vitrine)
    const one = (await owner.get(path, '2022-12-01')).body
    const galleryId = owner.idOf(`galleries/${gallery}`)
    const imageId = `${galleryId}/images/${definition}`
    const { reader, computeGalleryImageReader } = builtInRoles
    for (const [role, scope] of [
      [computeGalleryImageReader, imageId],
      [computeGalleryImageReader, galleryId],
      [reader, owner.groupPath],
      [builtInRoles.storageBlobDataReader, owner.groupPath],
    ] as const) {
      const caller = await openOtherCaller(vitrine, [{ roleId: role.id, scope }])
      expect((await caller.get('/subscriptions', '2022-12-01')).body).toEqual({ value: [one] })
      expect((await caller.get(path, '2022-12-01')).body).toEqual(one)
    }
    const nobody = await openOtherCaller(vitrine, [])
    expect((await nobody.get('/subscriptions', '2022-12-01')).body).toEqual({ value: [] })
    expect(errorOf(await nobody.get(path, '2022-12-01')).code).toBe('AuthorizationFailed')
  })
})
