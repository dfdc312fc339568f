import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import { type Answer, type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { makeTenant } from '../support/made-tenant.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { type OtherCaller, openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const mineId = '00000000-0000-4000-8000-0000000000a1'
const oursId = '00000000-0000-4000-8000-0000000000a2'
const theirsId = '00000000-0000-4000-8000-0000000000b1'
const tenantId = 'bbbbbbbb-0000-4000-8000-000000000001'
const nowhereId = '00000000-0000-4000-8000-0000000000ff'
const west = { location: 'westeurope' }
const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
/** Of a version that is not there either. */
const never = `${version}0`

/** Ids of another subscription of the tenant, of one of another tenant, and of one that is nowhere, in what a body names. */
describe('ids of other subscriptions', () => {
  let vitrine: TestInstallation
  let owner: Arm
  /** Owns the first subscription, and has nothing in the second. */
  let mine: OtherCaller
  beforeAll(async () => {
    const subscriptions = [
      { id: mineId, displayName: 'mine' },
      { id: oursId, displayName: 'ours' },
      {
        id: theirsId,
        displayName: 'theirs',
        tenantId,
      },
    ]
    vitrine = await openTestInstallation({ config: { subscriptions } })
    owner = openArm(vitrine)
    await makeDefinition(vitrine)
    const ours = openArm({ ...vitrine, subscription: oursId })
    await ours.put(ours.groupPath, west)
    await ours.upload('os', dataBytes(1))
    const other = { tenantId, name: 'Other', subscription: theirsId }
    const theirs = await makeTenant(vitrine, owner, other)
    await theirs.put(theirs.groupPath, west)
    const scope = `/subscriptions/${mineId}`
    mine = await openOtherCaller(vitrine, [{ roleId: builtInRoles.owner.id, scope }])
  })
  afterAll(() => vitrine.close())

  const idIn = (subscription: string, path: string) =>
    owner.idOf(path).replace(mineId, subscription)
  const made = (creationData: object) => ({ ...west, properties: { creationData } })
  const stored = (storageProfile: object) => ({ ...west, properties: { storageProfile } })

  /** Each way in which a body names a source: path, and body by its id. */
  const ways: readonly (readonly [
    what: string,
    path: string,
    source: string,
    body: (id: string) => object,
  ])[] = [
    [
      'a version of a disk',
      version,
      'disks/os',
      (id) => stored({ osDiskImage: { source: { id } } }),
    ],
    ['a version of an image', version, 'images/os', (id) => stored({ source: { id } })],
    ['a version of a version', version, never, (id) => stored({ source: { id } })],
    [
      'a disk of a disk',
      'disks/made',
      'disks/os',
      (id) => made({ createOption: 'Copy', sourceResourceId: id }),
    ],
    [
      'a disk of a version',
      'disks/made',
      never,
      (id) => made({ createOption: 'FromImage', galleryImageReference: { id } }),
    ],
    [
      'a snapshot of a disk',
      'snapshots/made',
      'disks/os',
      (id) => made({ createOption: 'Copy', sourceResourceId: id }),
    ],
    [
      'a snapshot of a disk that is named as a URI',
      'snapshots/made',
      'disks/os',
      (id) => made({ createOption: 'Copy', sourceUri: id }),
    ],
    [
      'an image of a disk',
      'images/made',
      'disks/os',
      (id) => stored({ osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id } } }),
    ],
  ]

  const told = (answer: Answer) => [answer.status, errorOf(answer).code]

  it.each(ways)(
    '%s: 403 LinkedAuthorizationFailed, the same for each of them',
    async (_what, path, source, body) => {
      for (const subscription of [oursId, theirsId, nowhereId]) {
        const id = idIn(subscription, source)
        const refused = await mine.put(path, body(id))
        expect([subscription, ...told(refused)]).toEqual([
          subscription,
          403,
          'LinkedAuthorizationFailed',
        ])
        expect(errorOf(refused).message).toContain(`linked scope(s) '${id}'`)
      }
      expect((await owner.get(path)).status).toBe(404)
    },
  )

  it.each(ways)(
    '%s: what is not there is 404 to who may all in his tenant, and another tenant stays 403',
    async (_what, path, source, body) => {
      for (const subscription of [oursId, nowhereId]) {
        const id = idIn(subscription, source.replace(/os$/, 'none'))
        const missing = await owner.put(path, body(id))
        const code =
          path.startsWith('disks') && source === never ? 'GalleryImageNotFound' : 'NotFound'
        expect([subscription, ...told(missing)]).toEqual([subscription, 404, code])
        expect(errorOf(missing).message).toContain(id)
      }
      const elsewhere = await owner.put(path, body(idIn(theirsId, source)))
      expect(told(elsewhere)).toEqual([403, 'LinkedAuthorizationFailed'])
    },
  )

  it.each([
    [oursId, [403, 'AuthorizationFailed'], [409, 'ResourceMoveNotSupported']],
    [theirsId, [403, 'AuthorizationFailed'], [403, 'AuthorizationFailed']],
    [nowhereId, [403, 'AuthorizationFailed'], [404, 'SubscriptionNotFound']],
  ])('nothing moves to %s, nor out of it from here', async (subscription, toMine, toOwner) => {
    await owner.make('disks/moved', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    const target = owner.groupPath.replace(mineId, subscription)
    const body = { resources: [owner.idOf('disks/moved')], targetResourceGroup: target }
    const path = `${owner.groupPath}/moveResources`
    expect(told(await mine.ask('POST', path, { body }))).toEqual(toMine)
    expect(told(await owner.ask('POST', path, { body }))).toEqual(toOwner)
    const theirDisk = { ...body, resources: [idIn(subscription, 'disks/os')] }
    const taken = { ...theirDisk, targetResourceGroup: owner.groupPath }
    expect(told(await owner.ask('POST', path, { body: taken }))).toEqual([400, 'InvalidParameter'])
    expect((await owner.get('disks/moved')).status).toBe(200)
  })

  it('a nested deployment is judged where its subscriptionId says', async () => {
    const at = `${owner.groupPath}/providers/Microsoft.Resources/deployments/outer`
    for (const subscription of [oursId, theirsId, nowhereId]) {
      const refused = await mine.put(at, nestedIn(subscription), '2021-04-01')
      expect([subscription, ...told(refused)]).toEqual([subscription, 403, 'AuthorizationFailed'])
      expect(errorOf(refused).message).toContain(`/subscriptions/${subscription}/`)
    }
    const theirs = await owner.put(at, nestedIn(theirsId), '2021-04-01')
    expect(told(theirs)).toEqual([403, 'AuthorizationFailed'])
    const nowhere = await owner.ended(await owner.put(at, nestedIn(nowhereId), '2021-04-01'))
    expect(nowhere).toMatchObject({
      status: 'Failed',
      error: { code: 'DeploymentFailed', details: [{ code: 'SubscriptionNotFound' }] },
    })
    const done = await owner.ended(await owner.put(at, nestedIn(oursId), '2021-04-01'))
    expect(done).toMatchObject({ status: 'Succeeded' })
    expect((await owner.get(idIn(oursId, 'galleries/inner'))).status).toBe(200)
  })
})

const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'

/** A deployment of a deployment of a gallery into the other subscription. */
function nestedIn(subscriptionId: string) {
  const made = {
    type: 'Microsoft.Compute/galleries',
    apiVersion: '2024-03-03',
    name: 'inner',
    ...west,
  }
  const nested = {
    ...{ type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'inner' },
    ...{ subscriptionId, resourceGroup: 'myGalleryRG' },
    properties: deploymentOf([made]),
  }
  return { properties: deploymentOf([nested]) }
}

function deploymentOf(resources: readonly object[]) {
  const template = { $schema: schema, contentVersion: '1.0.0.0', resources }
  return { mode: 'Incremental', template }
}
