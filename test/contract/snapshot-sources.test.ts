import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { second, twoSubscriptions } from '../support/two-subscriptions.ts'

const west = { location: 'westeurope' }
const versions = `galleries/${gallery}/images/${definition}/versions`

describe('versions and images of snapshots, and of what lies in another subscription', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  const os = dataBytes(1)
  const data = [dataBytes(2), dataBytes(3)]
  beforeAll(async () => {
    vitrine = await openTestInstallation({ config: twoSubscriptions })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', os)
    const [lun0 = os, lun5 = os] = data
    await snapshotOf('os', disk)
    await snapshotOf('lun0', await arm.upload('lun0', lun0))
    await arm.upload('lun5', lun5)
  })
  afterAll(() => vitrine.close())

  const snapshotOf = (name: string, source: string) =>
    arm.make(`snapshots/${name}`, {
      ...west,
      properties: {
        incremental: true,
        creationData: { createOption: 'Copy', sourceResourceId: source },
      },
    })
  const profile = (): JsonObject => ({
    osDiskImage: { source: { id: arm.idOf('snapshots/os') } },
    dataDiskImages: [
      { lun: 0, source: { id: arm.idOf('snapshots/lun0') } },
      { lun: 5, hostCaching: 'None', source: { id: arm.idOf('disks/lun5') } },
    ],
  })
  const isThere = async (version: string) => {
    for (const [lun, bytes] of [
      [undefined, os],
      [0, data[0]],
      [5, data[1]],
    ] as const) {
      const read = await arm.bytesOf(version, 'eastus', lun)
      expect([lun, Buffer.compare(read, bytes ?? os)]).toEqual([lun, 0])
    }
  }

  it('R38 R30 through Azure’s client: a version of snapshots and a disk, one for each LUN', async () => {
    const made = await vitrine.compute.galleryImageVersions.createOrUpdate(
      group,
      gallery,
      definition,
      '1.0.0',
      {
        ...west,
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: profile(),
      },
    )
    expect(made).toMatchObject({
      provisioningState: 'Succeeded',
      storageProfile: {
        osDiskImage: {
          sizeInGB: 1,
          hostCaching: 'ReadWrite',
          source: { id: arm.idOf('snapshots/os') },
        },
        dataDiskImages: [
          { lun: 0, hostCaching: 'ReadOnly', source: { id: arm.idOf('snapshots/lun0') } },
          { lun: 5, hostCaching: 'None', source: { id: arm.idOf('disks/lun5') } },
        ],
      },
    })
    await isThere(`${versions}/1.0.0`)
  })

  it('R47 the snapshots may be deleted right after the version was asked for', async () => {
    await snapshotOf('brief', disk)
    const asked = await arm.put(`${versions}/2.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { osDiskImage: { source: { id: arm.idOf('snapshots/brief') } } },
      },
    })
    await arm.remove('snapshots/brief')
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    expect(Buffer.compare(await arm.bytesOf(`${versions}/2.0.0`, 'eastus'), os)).toBe(0)
  })

  it('R38 R46 a snapshot over 1,024 GiB, or of a guest that does not fit', async () => {
    await arm.make('disks/huge', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1025, osType: 'Windows' },
    })
    await snapshotOf('huge', arm.idOf('disks/huge'))
    const storageProfile = { osDiskImage: { source: { id: arm.idOf('snapshots/huge') } } }
    const big = await arm.put(`${versions}/9.0.0`, { ...west, properties: { storageProfile } })
    expect([big.status, errorOf(big).code]).toEqual([409, 'GallerySourceResourceExceedsMaxSize'])
    const publishingProfile = { replicationMode: 'Shallow' }
    const misfit = await arm.put(`${versions}/9.0.0`, {
      ...west,
      properties: { storageProfile, publishingProfile },
    })
    expect(await arm.ended(misfit)).toMatchObject({
      status: 'Failed',
      error: {
        code: 'Conflict',
        message: expect.stringContaining("different OS type ['Windows']"),
      },
    })
  })

  it('R32 R36 a managed image of a snapshot and a disk feeds a version', async () => {
    const made = await vitrine.compute.images.createOrUpdate(group, 'mixed', {
      ...west,
      hyperVGeneration: 'V1',
      storageProfile: {
        osDisk: {
          osType: 'Linux',
          osState: 'Generalized',
          snapshot: { id: arm.idOf('snapshots/os') },
        },
        dataDisks: [
          { lun: 0, snapshot: { id: arm.idOf('snapshots/lun0') } },
          { lun: 5, managedDisk: { id: arm.idOf('disks/lun5') } },
        ],
      },
    })
    expect(made.storageProfile).toMatchObject({
      osDisk: { snapshot: { id: arm.idOf('snapshots/os') }, diskSizeGB: 1 },
    })
    await arm.make(`${versions}/3.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { source: { id: arm.idOf('images/mixed') } },
      },
    })
    await isThere(`${versions}/3.0.0`)
  })

  it('R40 a gallery of another subscription takes a copy of a version, a snapshot, a disk of each', async () => {
    const other = openArm({ ...vitrine, subscription: second })
    await other.put(other.groupPath, west)
    await other.make('galleries/theirs', west)
    await other.make('galleries/theirs/images/copy', {
      ...west,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
    })
    const copies = 'galleries/theirs/images/copy/versions'
    await other.make(`${copies}/1.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { source: { id: arm.idOf(`${versions}/1.0.0`) } },
      },
    })
    await arm.remove(`${versions}/1.0.0`)
    expect(Buffer.compare(await other.bytesOf(`${copies}/1.0.0`, 'eastus', 5), data[1] ?? os)).toBe(
      0,
    )
    const source = { createOption: 'Copy', sourceResourceId: arm.idOf('snapshots/os') }
    await other.make('snapshots/theirs', { ...west, properties: { creationData: source } })
    await other.make('disks/theirs', { ...west, properties: { creationData: source } })
    expect(Buffer.compare(await other.download('theirs'), os)).toBe(0)
    await other.make(`${copies}/2.0.0`, {
      ...west,
      properties: {
        storageProfile: { osDiskImage: { source: { id: arm.idOf('snapshots/os') } } },
      },
    })
  })

  it('R40 R87 who may not use the source is told which action lacks on which scope', async () => {
    const other = openArm({ ...vitrine, subscription: second })
    const scope = other.groupPath
    const rights = [{ roleId: builtInRoles.contributor.id, scope }]
    const stranger = await openOtherCaller({ ...vitrine, subscription: second }, rights)
    const refused = async (path: string, properties: JsonObject) => {
      const answer = await stranger.put(path, { ...west, properties })
      expect(answer.status).toBe(403)
      return errorOf(answer)
    }
    const version = 'galleries/theirs/images/copy/versions/9.0.0'
    const of = (id: string) => ({ storageProfile: { osDiskImage: { source: { id } } } })
    const lacks = (action: string, id: string) => ({
      code: 'LinkedAuthorizationFailed',
      message: expect.stringContaining(`action '${action}' on the linked scope(s) '${id}'`),
    })
    const snapshot = arm.idOf('snapshots/os')
    const grants = 'Microsoft.Compute/snapshots/beginGetAccess/action'
    expect(await refused(version, of(snapshot))).toMatchObject(lacks(grants, snapshot))
    const creationData = { createOption: 'Copy', sourceResourceId: snapshot }
    expect(await refused('disks/stolen', { creationData })).toMatchObject(lacks(grants, snapshot))
    const whole = arm.idOf(`${versions}/2.0.0`)
    expect(await refused(version, { storageProfile: { source: { id: whole } } })).toMatchObject(
      lacks('Microsoft.Compute/galleries/images/versions/read', whole),
    )
    const osDisk = { osType: 'Linux', osState: 'Generalized', snapshot: { id: snapshot } }
    expect(await refused('images/stolen', { storageProfile: { osDisk } })).toMatchObject(
      lacks(grants, snapshot),
    )
  })
})
