import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const mib = 1024 * 1024
const versions = `galleries/${gallery}/images/${definition}/versions`

describe('managed images', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  let data: string
  const os = dataBytes(1)
  const second = dataBytes(2, 2 * mib)
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', os)
    data = await arm.upload('data', second)
  })
  afterAll(() => vitrine.close())

  const osDisk = (over: JsonObject = {}): JsonObject => ({
    osType: 'Linux',
    osState: 'Generalized',
    managedDisk: { id: disk },
    ...over,
  })
  const image = (storageProfile: JsonObject, properties: JsonObject = {}): JsonObject => ({
    ...west,
    properties: { ...properties, storageProfile },
  })
  const refused = async (body: unknown) => {
    const answer = await arm.put('images/bad', body)
    return { status: answer.status, ...errorOf(answer) }
  }

  it('R32 through Azure’s client: made of disks, read, tagged, listed, deleted', async () => {
    const { images } = vitrine.compute
    const made = await images.createOrUpdate(group, 'sdkImage', {
      ...west,
      hyperVGeneration: 'V1',
      storageProfile: {
        osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } },
        dataDisks: [{ lun: 3, managedDisk: { id: data }, caching: 'ReadOnly' }],
        zoneResilient: true,
      },
    })
    expect(made).toMatchObject({
      id: arm.idOf('images/sdkImage'),
      type: 'Microsoft.Compute/images',
      provisioningState: 'Succeeded',
      hyperVGeneration: 'V1',
      storageProfile: {
        osDisk: { osType: 'Linux', osState: 'Generalized', diskSizeGB: 1, caching: 'None' },
        dataDisks: [{ lun: 3, diskSizeGB: 1, caching: 'ReadOnly' }],
        zoneResilient: true,
      },
    })
    expect(await images.update(group, 'sdkImage', { tags: { a: 'b' } })).toMatchObject({
      tags: { a: 'b' },
      storageProfile: { zoneResilient: true },
    })
    for (const list of [images.list(), images.listByResourceGroup(group)]) {
      const names: (string | undefined)[] = []
      for await (const each of list) names.push(each.name)
      expect(names).toEqual(['sdkImage'])
    }
    await images.delete(group, 'sdkImage')
    await expect(images.get(group, 'sdkImage')).rejects.toMatchObject({ statusCode: 404 })
  })

  it('a PUT of what GET returned changes nothing; its disks cannot change', async () => {
    await arm.make('images/fixed', image({ osDisk: osDisk() }))
    const before = await arm.get('images/fixed')
    expect(before.body.properties).toMatchObject({ storageProfile: { dataDisks: [] } })
    const again = await arm.put('images/fixed', before.body)
    expect([again.status, again.headers.get('etag')]).toEqual([200, before.headers.get('etag')])
    const other = await arm.put(
      'images/fixed',
      image({ osDisk: osDisk({ managedDisk: { id: data } }) }),
    )
    expect([other.status, errorOf(other).code]).toEqual([409, 'PropertyChangeNotAllowed'])
    const machine = await arm.put('images/fixed', {
      ...west,
      properties: { sourceVirtualMachine: { id: '/subscriptions/s/x' } },
    })
    expect(errorOf(machine)).toMatchObject({
      message: "Changing property 'sourceVirtualMachine' is not allowed.",
    })
  })

  it('R32 is always generalized, and has one OS disk', async () => {
    expect(await refused(image({ osDisk: osDisk({ osState: 'Specialized' }) }))).toMatchObject({
      status: 400,
      target: 'image.properties.storageProfile.osDisk.osState',
    })
    expect(await refused(image({}))).toMatchObject({
      status: 400,
      message: "Required parameter 'image.properties.storageProfile.osDisk' is missing (null).",
    })
    const twice = [0, 1].map(() => ({ lun: 0, managedDisk: { id: data } }))
    expect(await refused(image({ osDisk: osDisk(), dataDisks: twice }))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^Duplicated lun numbers/),
    })
  })

  it('disks that are missing, elsewhere or still uploading', async () => {
    const far = await arm.upload('far', os, { location: 'eastus' })
    await arm.make('disks/halfway', {
      ...west,
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: 512 } },
    })
    const of = (id: string) => image({ osDisk: osDisk({ managedDisk: { id } }) })
    expect(await refused(of(arm.idOf('disks/none')))).toMatchObject({ status: 404 })
    expect(await refused(of(far))).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(await refused(of(arm.idOf('disks/halfway')))).toMatchObject({
      status: 409,
      code: 'Conflict',
    })
    expect(await refused(of('no id'))).toMatchObject({ status: 400 })
  })

  it('R36 R41 a version of it has its disks and caching, in every region', async () => {
    await arm.make(
      'images/whole',
      image({
        osDisk: osDisk({ caching: 'ReadWrite' }),
        dataDisks: [{ lun: 3, managedDisk: { id: data }, caching: 'ReadOnly' }],
      }),
    )
    const made = await arm.make(`${versions}/1.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { source: { id: arm.idOf('images/whole') } },
      },
    })
    expect(made.properties).toMatchObject({
      storageProfile: {
        source: { id: arm.idOf('images/whole') },
        osDiskImage: { hostCaching: 'ReadWrite', sizeInGB: 1, source: {} },
        dataDiskImages: [{ lun: 3, hostCaching: 'ReadOnly', sizeInGB: 1 }],
      },
    })
    const read = await arm.bytesOf(`${versions}/1.0.0`, 'eastus')
    expect(Buffer.compare(read, os)).toBe(0)
  })

  it('R41 a client of 2018 names it in the publishing profile', async () => {
    const body = {
      ...west,
      properties: {
        publishingProfile: {
          targetRegions: [{ name: 'westeurope' }],
          source: { managedImage: { id: arm.idOf('images/whole') } },
        },
      },
    }
    const made = await arm.make(`${versions}/1.1.0`, body, '2018-06-01')
    expect(made.properties).toMatchObject({
      publishingProfile: { source: { managedImage: { id: arm.idOf('images/whole') } } },
    })
    expect((await arm.get(`${versions}/1.1.0`)).body.properties).toMatchObject({
      storageProfile: { source: { id: arm.idOf('images/whole') } },
    })
  })

  it('R45 it feeds one version at a time, until that one is built and replicated', async () => {
    await arm.make('images/feeder', image({ osDisk: osDisk() }))
    const body = {
      ...west,
      properties: {
        publishingProfile: {
          targetRegions: ['westeurope', 'eastus', 'westus'].map((name) => ({ name })),
        },
        storageProfile: { source: { id: arm.idOf('images/feeder') } },
      },
    }
    const both = await Promise.all([
      arm.put(`${versions}/2.0.0`, body),
      arm.put(`${versions}/2.0.1`, body),
    ])
    expect(both.map((answer) => answer.status).toSorted()).toEqual([201, 409])
    const [first, second] = both[0]?.status === 201 ? both : both.toReversed()
    if (!first || !second) throw new Error('two were asked')
    expect(errorOf(second)).toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining(`'${arm.idOf('images/feeder')}' already feeds another`),
    })
    expect(await arm.ended(first)).toMatchObject({ status: 'Succeeded' })
    // Finished versions hold it no longer, whatever is done to them later.
    const path = String(first.body.id)
    await arm.make(path, (await arm.get(path)).body)
    await arm.make(path, { ...body, tags: { a: 'b' } })
    await arm.make(`${versions}/2.0.2`, body)
  })

  it('R45 a version that could not be made gives it back', async () => {
    await arm.make('images/misfit', image({ osDisk: osDisk({ osType: 'Windows' }) }))
    const body = {
      ...west,
      properties: { storageProfile: { source: { id: arm.idOf('images/misfit') } } },
    }
    const first = await arm.put(`${versions}/3.0.0`, body)
    expect(await arm.ended(first)).toMatchObject({ status: 'Failed', error: { code: 'Conflict' } })
    expect((await arm.put(`${versions}/3.0.1`, body)).status).toBe(201)
  })

  it('R47 it may be deleted right after the version was asked for', async () => {
    await arm.make('images/brief', image({ osDisk: osDisk() }))
    const making = await arm.put(`${versions}/4.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'westus' }] },
        storageProfile: { source: { id: arm.idOf('images/brief') } },
      },
    })
    await arm.remove('images/brief')
    expect(await arm.ended(making)).toMatchObject({ status: 'Succeeded' })
    for (const location of ['westeurope', 'westus']) {
      expect(Buffer.compare(await arm.bytesOf(`${versions}/4.0.0`, location), os)).toBe(0)
    }
  })

  it('survives its own source disks', async () => {
    const passing = await arm.upload('passing', second)
    await arm.make('images/lasting', image({ osDisk: osDisk({ managedDisk: { id: passing } }) }))
    await arm.remove('disks/passing')
    await arm.make(`${versions}/5.0.0`, {
      ...west,
      properties: { storageProfile: { source: { id: arm.idOf('images/lasting') } } },
    })
    expect(Buffer.compare(await arm.bytesOf(`${versions}/5.0.0`, 'westeurope'), second)).toBe(0)
  })
})
