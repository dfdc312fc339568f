import { randomUUID } from 'node:crypto'
import { AuthorizationManagementClient } from '@azure/arm-authorization'
import { ManagementLockClient } from '@azure/arm-locks'
import { MonitorClient } from '@azure/arm-monitor'
import { SubscriptionClient } from '@azure/arm-subscriptions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { dataBytes } from '../support/arm.ts'
import {
  definition,
  gallery,
  group,
  makeDefinition,
  publishVersion,
  readVersion,
  uploadDisk,
} from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const version = [group, gallery, definition, '1.0.0'] as const

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of pages) items.push(item)
  return items
}

/** Each test goes on where the one before it ended, as a user's day does. */
describe('R118 a life through the JavaScript SDKs, as they come from npm', () => {
  let vitrine: TestInstallation
  let authorization: AuthorizationManagementClient
  let disk: string
  let definitionId: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    const { credential, subscription, clientOptions } = vitrine
    authorization = new AuthorizationManagementClient(credential, subscription, clientOptions)
  })
  afterAll(() => vitrine.close())

  it('arm-subscriptions: tenant, subscription and locations are there', async () => {
    const client = new SubscriptionClient(vitrine.credential, vitrine.clientOptions)
    const { subscription } = vitrine
    const listed = await all(client.subscriptions.list())
    expect(listed).toMatchObject([{ subscriptionId: subscription, state: 'Enabled' }])
    expect(await client.subscriptions.get(subscription)).toMatchObject({
      id: `/subscriptions/${subscription}`,
      tenantId: expect.any(String),
    })
    expect(await all(client.tenants.list())).toMatchObject([
      { tenantId: listed[0]?.tenantId ?? expect.any(String), tenantCategory: 'Home' },
    ])
    const locations = await all(client.subscriptions.listLocations(subscription))
    expect(locations.find((one) => one.name === 'westeurope')).toMatchObject({
      displayName: 'West Europe',
      metadata: { regionType: 'Physical' },
    })
  })

  it('arm-resources and arm-compute: group, gallery, definition, a disk uploaded, a version in two regions', async () => {
    await makeDefinition(vitrine)
    definitionId = String((await vitrine.compute.galleryImages.get(group, gallery, definition)).id)
    const bytes = dataBytes(3)
    disk = await uploadDisk(vitrine, 'os', bytes)
    const targetRegions = [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 2 }]
    const made = await publishVersion(vitrine, '1.0.0', { source: disk, targetRegions })
    expect(made).toMatchObject({ provisioningState: 'Succeeded' })
    const expand = { expand: 'ReplicationStatus' } as const
    expect(await vitrine.compute.galleryImageVersions.get(...version, expand)).toMatchObject({
      replicationStatus: { aggregatedState: 'Completed', summary: [{}, {}] },
    })
    expect(await readVersion(vitrine, '1.0.0', 'eastus')).toEqual(Buffer.from(bytes))
  })

  it('is changed, listed, found as latest, tagged and counted', async () => {
    const { compute, resources } = vitrine
    const targetRegions = [{ name: 'westeurope' }]
    await publishVersion(vitrine, '1.1.0', { source: disk, targetRegions })
    const publishingProfile = { excludeFromLatest: true }
    const later = [group, gallery, definition, '1.1.0'] as const
    await compute.galleryImageVersions.update(...later, { publishingProfile })
    const versions = await all(
      compute.galleryImageVersions.listByGalleryImage(group, gallery, definition),
    )
    expect(versions.map((one) => [one.name, one.publishingProfile?.excludeFromLatest])).toEqual([
      ['1.0.0', false],
      ['1.1.0', true],
    ])
    // A definition's id stands for its latest version.
    const latest = await compute.disks.createOrUpdate(group, 'latest', {
      location: 'westeurope',
      creationData: { createOption: 'FromImage', galleryImageReference: { id: definitionId } },
    })
    expect(latest).toMatchObject({ provisioningState: 'Succeeded', diskSizeGB: 1 })
    await compute.galleries.update(group, gallery, { tags: { team: 'images' } })
    const filter = "resourceType eq 'Microsoft.Compute/galleries'"
    const found = await all(resources.resources.listByResourceGroup(group, { filter }))
    expect(found.map((one) => [one.name, one.type, one.tags])).toEqual([
      [gallery, 'Microsoft.Compute/galleries', { team: 'images' }],
    ])
    const usages = await all(compute.usage.list('westeurope'))
    expect(usages.find((one) => one.name?.value === 'GalleryImageVersion')).toMatchObject({
      currentValue: 2,
      unit: 'Count',
    })
    expect(await resources.providers.get('Microsoft.Compute')).toMatchObject({
      registrationState: 'Registered',
    })
  })

  it('arm-compute: a gallery is shared with a subscription, told who has it, and is private again', async () => {
    const { galleries, gallerySharingProfile } = vitrine.compute
    const permissions = { sharingProfile: { permissions: 'Groups' } }
    await galleries.createOrUpdate(group, 'shared', { location: 'westeurope', ...permissions })
    const groups = [{ type: 'Subscriptions', ids: ['10000000-0000-4000-8000-000000000001'] }]
    const change = (operationType: string) =>
      gallerySharingProfile.update(group, 'shared', { operationType, groups })
    await change('Add')
    const expand = { expand: 'SharingProfile/Groups' } as const
    expect((await galleries.get(group, 'shared', expand)).sharingProfile?.groups).toEqual(groups)
    await change('Reset')
    expect((await galleries.get(group, 'shared', expand)).sharingProfile).toEqual({
      permissions: 'Private',
    })
  })

  it('arm-authorization: a reader of the gallery is made and ended', async () => {
    const { objectId: principalId } = await openOtherCaller(vitrine, [])
    const scope = `/subscriptions/${vitrine.subscription}/resourceGroups/${group}`
    const [role] = await all(
      authorization.roleDefinitions.list(scope, { filter: "roleName eq 'Reader'" }),
    )
    expect(role).toMatchObject({ roleType: 'BuiltInRole', name: builtInRoles.reader.id })
    const name = randomUUID()
    const properties = { principalId, principalType: 'ServicePrincipal' }
    const made = await authorization.roleAssignments.create(scope, name, {
      ...properties,
      roleDefinitionId: String(role?.id),
    })
    expect(made).toMatchObject({ name, principalId, scope })
    const filter = `principalId eq '${principalId}'`
    const found = await all(authorization.roleAssignments.listForScope(scope, { filter }))
    expect(found).toMatchObject([{ name }])
    await authorization.roleAssignments.delete(scope, name)
    await expect(authorization.roleAssignments.get(scope, name)).rejects.toMatchObject({
      statusCode: 404,
    })
  })

  it('arm-locks: what is locked is neither deleted nor, read-only, changed, until the lock is gone', async () => {
    const { credential, subscription, clientOptions, compute } = vitrine
    const { managementLocks } = new ManagementLockClient(credential, subscription, clientOptions)
    const lock = { level: 'CanNotDelete', notes: 'in use' }
    const made = await managementLocks.createOrUpdateAtResourceGroupLevel(group, 'keep', lock)
    expect(made).toMatchObject({ name: 'keep', type: 'Microsoft.Authorization/locks', ...lock })
    const kept = compute.galleryImageVersions.delete(...version)
    await expect(kept).rejects.toMatchObject({ statusCode: 409, code: 'ScopeLocked' })
    await managementLocks.createOrUpdateAtResourceGroupLevel(group, 'keep', { level: 'ReadOnly' })
    const changed = compute.galleries.update(group, gallery, { tags: {} })
    await expect(changed).rejects.toMatchObject({ statusCode: 409, code: 'ScopeLocked' })
    const names = (await all(managementLocks.listAtResourceGroupLevel(group))).map(
      (one) => one.name,
    )
    expect(names).toEqual(['keep'])
    await managementLocks.deleteAtResourceGroupLevel(group, 'keep')
  })

  it('arm-monitor: the activity log tells what was done to the group, and by whom', async () => {
    const { credential, subscription, clientOptions } = vitrine
    const { activityLogs } = new MonitorClient(credential, subscription, clientOptions)
    const filter = `eventTimestamp ge '2020-01-01T00:00:00Z' and resourceGroupName eq '${group}'`
    await expect
      .poll(async () => {
        const told = await all(activityLogs.list(filter))
        return told.map((one) => [one.operationName?.value, one.status?.value])
      })
      .toContainEqual(['Microsoft.Compute/galleries/images/versions/write', 'Succeeded'])
  })

  it('ends: what has children stays, versions go, and the group with all that is left', async () => {
    const { compute, resources } = vitrine
    const kept = compute.galleries.delete(group, gallery)
    await expect(kept).rejects.toMatchObject({ statusCode: 409, code: 'CannotDeleteResource' })
    await compute.galleryImageVersions.delete(...version)
    await expect(compute.galleryImageVersions.get(...version)).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    })
    await resources.resourceGroups.delete(group)
    expect(await resources.resourceGroups.checkExistence(group)).toMatchObject({ body: false })
    expect(await all(compute.galleries.list())).toEqual([])
  })
})
