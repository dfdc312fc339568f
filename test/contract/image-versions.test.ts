import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const versions = `galleries/${gallery}/images/${definition}/versions`
const profile = 'galleryImageVersion.properties.publishingProfile'
const storage = 'galleryImageVersion.properties.storageProfile'

/** What a version says, what is refused of it, and in which words. */
describe('image versions', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  let data: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', dataBytes(1))
    data = await arm.upload('data', dataBytes(2))
  })
  afterAll(() => vitrine.close())

  const fromDisk = (): JsonObject => ({ osDiskImage: { source: { id: disk } } })
  const version = (
    publishingProfile: JsonObject = {},
    properties: JsonObject = {},
  ): JsonObject => ({
    ...west,
    properties: { storageProfile: fromDisk(), ...properties, publishingProfile },
  })
  const regions = (...names: string[]) => ({ targetRegions: names.map((name) => ({ name })) })
  const refused = async (body: unknown, name = '9.9.9', api?: string) => {
    const answer = await arm.put(`${versions}/${name}`, body, api)
    return { status: answer.status, ...errorOf(answer) }
  }

  it('R23 through Azure’s client: made, read with its replication, changed, listed, deleted', async () => {
    const { galleryImageVersions } = vitrine.compute
    const at = [group, gallery, definition] as const
    const made = await galleryImageVersions.createOrUpdate(...at, '1.0.0', {
      ...west,
      tags: { a: 'b' },
      publishingProfile: {
        targetRegions: [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: 2 }],
        replicaCount: 1,
        endOfLifeDate: new Date('2090-01-01'),
      },
      storageProfile: { osDiskImage: { source: { id: disk } } },
    })
    expect(made).toMatchObject({
      id: arm.idOf(`${versions}/1.0.0`),
      name: '1.0.0',
      type: 'Microsoft.Compute/galleries/images/versions',
      provisioningState: 'Succeeded',
      publishingProfile: {
        excludeFromLatest: false,
        endOfLifeDate: new Date('2090-01-01'),
        publishedDate: expect.any(Date),
        targetRegions: [
          { name: 'West Europe', regionalReplicaCount: 1 },
          { name: 'East US', regionalReplicaCount: 2 },
        ],
      },
      storageProfile: {
        osDiskImage: { sizeInGB: 1, hostCaching: 'ReadWrite', source: { id: disk } },
      },
      safetyProfile: {
        allowDeletionOfReplicatedLocations: false,
        reportedForPolicyViolation: false,
      },
    })
    expect(made.replicationStatus).toBeUndefined()
    const shown = await galleryImageVersions.get(...at, '1.0.0', { expand: 'ReplicationStatus' })
    expect(shown.replicationStatus).toEqual({
      aggregatedState: 'Completed',
      summary: ['West Europe', 'East US'].map((region) => ({
        region,
        state: 'Completed',
        details: '',
        progress: 100,
      })),
    })
    const patched = await galleryImageVersions.update(...at, '1.0.0', { tags: { c: 'd' } })
    expect(patched).toMatchObject({ tags: { a: 'b', c: 'd' }, provisioningState: 'Succeeded' })
    const names: (string | undefined)[] = []
    for await (const each of galleryImageVersions.listByGalleryImage(...at)) names.push(each.name)
    expect(names).toEqual(['1.0.0'])
    await galleryImageVersions.delete(...at, '1.0.0')
    await expect(galleryImageVersions.get(...at, '1.0.0')).rejects.toMatchObject({
      statusCode: 404,
    })
  })

  it('the 201 is complete: Creating, publishedDate, regions by display name, no sizes yet', async () => {
    const made = await arm.put(
      `${versions}/1.1.0`,
      version(regions('westeurope', 'southcentralus')),
    )
    expect(made.status).toBe(201)
    expect(made.body.properties).toEqual({
      publishingProfile: {
        targetRegions: ['West Europe', 'South Central US'].map((name) => ({
          name,
          regionalReplicaCount: 1,
          storageAccountType: 'Standard_LRS',
        })),
        replicaCount: 1,
        excludeFromLatest: false,
        storageAccountType: 'Standard_LRS',
        publishedDate: expect.stringMatching(/\+00:00$/),
      },
      storageProfile: { osDiskImage: { hostCaching: 'ReadWrite', source: { id: disk } } },
      safetyProfile: {
        allowDeletionOfReplicatedLocations: false,
        reportedForPolicyViolation: false,
      },
      provisioningState: 'Creating',
    })
    await arm.ended(made)
    const { properties } = (await arm.get(`${versions}/1.1.0`)).body
    expect(properties).toMatchObject({ storageProfile: { osDiskImage: { sizeInGB: 1 } } })
  })

  it.each(['1.0', '1.0.0.0', '01.0.0', '1.0.2147483648', '1.0.-1', 'v1.0.0', '1.0.x', 'latest'])(
    'R24 %s is no version name',
    async (name) => {
      expect(await refused(version(), name)).toEqual({
        status: 400,
        code: 'InvalidParameter',
        message:
          'The image version name is invalid. The image version name should follow Major(int).Minor(int).Patch(int) format, where int is between 0 and 2,147,483,647 (inclusive). For e.g: 1.0.0, 2018.12.1 etc.',
        target: 'galleryImageVersionName',
      })
    },
  )

  it('R24 2147483647 in each part is one', async () => {
    await arm.make(`${versions}/2147483647.2147483647.2147483647`, version())
    await arm.remove(`${versions}/2147483647.2147483647.2147483647`)
  })

  it('R59 without target regions, the home region; with them, it must be among them', async () => {
    const made = await arm.make(`${versions}/1.2.0`, version())
    expect(valueAt(made, 'properties.publishingProfile.targetRegions')).toEqual([
      { name: 'West Europe', regionalReplicaCount: 1, storageAccountType: 'Standard_LRS' },
    ])
    expect(await refused(version(regions('eastus', 'westus')))).toEqual({
      status: 400,
      code: 'InvalidParameter',
      message:
        "Gallery image version publishing profile regions 'East US, West US' must contain the location of image version 'westeurope'.",
      target: `${profile}.targetRegions`,
    })
  })

  it('R59 a region twice, in two spellings', async () => {
    expect(await refused(version(regions('westeurope', 'eastus', 'East US')))).toEqual({
      status: 400,
      code: 'InvalidParameter',
      message: 'Duplicate regions are not allowed in target publishing regions.',
      target: `${profile}.targetRegions`,
    })
  })

  it('R60 a region that is not served', async () => {
    expect(await refused(version(regions('westeurope', 'australiacentral')))).toMatchObject({
      status: 400,
      code: 'LocationNotAvailableForResourceType',
      message: expect.stringContaining("'australiacentral' is not available"),
    })
  })

  it.each([0, 11, -1])('R83 %i replicas are out of range', async (count) => {
    const inRegion = { targetRegions: [{ name: 'westeurope', regionalReplicaCount: count }] }
    for (const [publishing, name] of [
      [inRegion, 'regionalReplicaCount'],
      [{ replicaCount: count }, 'replicaCount'],
    ] as const) {
      expect(await refused(version(publishing))).toMatchObject({
        status: 400,
        code: 'InvalidParameter',
        message: `The value ${count} of parameter ${name} is out of range. The value must be between 1 and 10, inclusive.`,
      })
    }
  })

  it('R67 a region’s count, else the common one, else 1', async () => {
    const made = await arm.put(
      `${versions}/1.3.0`,
      version({
        replicaCount: '2',
        targetRegions: [{ name: 'westeurope' }, { name: 'eastus', regionalReplicaCount: '3' }],
      }),
    )
    expect(valueAt(made.body, 'properties.publishingProfile.targetRegions')).toMatchObject([
      { regionalReplicaCount: 2 },
      { regionalReplicaCount: 3 },
    ])
    expect(await arm.ended(made)).toMatchObject({ status: 'Succeeded' })
  })

  it('R74 R75 Standard_ZRS in a region without zones is refused', async () => {
    const targetRegions = [
      { name: 'westeurope' },
      { name: 'westus', storageAccountType: 'standard_zrs' },
    ]
    expect(await refused(version({ targetRegions }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringContaining('ZRS storage account type is not supported in this region.'),
    })
    expect(await refused(version({ storageAccountType: 'Tape' }))).toMatchObject({
      message: expect.stringMatching(
        /Allowed values are 'Standard_LRS', 'Standard_ZRS', 'Premium_LRS'/,
      ),
    })
  })

  it.each([
    ['soon', /^Could not convert string to DateTimeOffset: soon/],
    ['2020-01-01', /^EndOfLifeDate must be set to a future date\.$/],
  ])('R27 the end of life %s is refused', async (endOfLifeDate, message) => {
    expect(await refused(version({ endOfLifeDate }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(message),
      target: `${profile}.endOfLifeDate`,
    })
  })

  describe('what does not change', () => {
    const path = `${versions}/5.0.0`
    beforeAll(async () => {
      await arm.make(path, version(regions('westeurope', 'eastus')))
    })
    const change = async (body: unknown) => {
      const answer = await arm.put(path, body)
      return { status: answer.status, ...errorOf(answer) }
    }
    const notAllowed = (target: string) => ({
      status: 409,
      code: 'PropertyChangeNotAllowed',
      message: `Changing property '${target}' is not allowed.`,
    })

    it('R103 its bits', async () => {
      const other = { osDiskImage: { source: { id: data } } }
      expect(await change(version({}, { storageProfile: other }))).toMatchObject(
        notAllowed(`${storage}.osDiskImage.source.id`),
      )
      const image = { source: { id: arm.idOf('images/i') } }
      expect(await change(version({}, { storageProfile: image }))).toMatchObject(
        notAllowed(`${storage}.source.id`),
      )
      const more = { ...fromDisk(), dataDiskImages: [{ lun: 0, source: { id: data } }] }
      expect(await change(version({}, { storageProfile: more }))).toMatchObject({ status: 400 })
    })

    it('R103 its storage type, in the profile and in a region', async () => {
      expect(await change(version({ storageAccountType: 'Premium_LRS' }))).toMatchObject(
        notAllowed(`${profile}.storageAccountType`),
      )
      const targetRegions = [
        { name: 'westeurope' },
        { name: 'eastus', storageAccountType: 'Premium_LRS' },
      ]
      expect(await change(version({ targetRegions }))).toMatchObject({
        status: 400,
        message: expect.stringMatching(
          /^Global storage account type does not match the storage account type in the existing TargetRegion: 'East US'\./,
        ),
      })
    })

    it('R103 a region that its owner has locked, until it is unlocked', async () => {
      const locked = { safetyProfile: { allowDeletionOfReplicatedLocations: false } }
      await arm.make(`${versions}/5.1.0`, version(regions('westeurope', 'eastus'), locked))
      const answer = await arm.put(`${versions}/5.1.0`, version(regions('westeurope'), locked))
      expect([answer.status, errorOf(answer).code]).toEqual([409, 'OperationNotAllowed'])
      const opened = { safetyProfile: { allowDeletionOfReplicatedLocations: true } }
      const removed = await arm.make(`${versions}/5.1.0`, version(regions('westeurope'), opened))
      expect(valueAt(removed, 'properties.publishingProfile.targetRegions')).toHaveLength(1)
    })
  })

  it('a version that must not go before its end of life does not', async () => {
    const path = `${versions}/6.0.0`
    await arm.make(
      path,
      version(
        { endOfLifeDate: '2090-01-01' },
        { safetyProfile: { blockDeletionBeforeEndOfLife: true } },
      ),
    )
    const answer = await arm.ask('DELETE', path)
    expect([answer.status, errorOf(answer)]).toEqual([
      409,
      expect.objectContaining({
        message:
          'Deletion of Gallery image version is not allowed because the image is enabled for blockDeletionBeforeEndOfLife and its endOfLifeDate has not reached yet',
      }),
    ])
    // Nor with what is above it, until it is let go; older clients keep what they cannot say.
    const whole = await arm.ask('DELETE', arm.groupPath)
    expect([whole.status, errorOf(whole).code]).toEqual([409, 'ResourceGroupDeletionBlocked'])
    expect(errorOf(whole).message).toContain('6.0.0')
    const old = await arm.get(path, '2022-03-03')
    expect(await arm.ended(await arm.put(path, old.body, '2022-03-03'))).toBeDefined()
    expect((await arm.ask('DELETE', path)).status).toBe(409)
    const body = { properties: { safetyProfile: { blockDeletionBeforeEndOfLife: false } } }
    expect(await arm.ended(await arm.ask('PATCH', path, { body }))).toMatchObject({
      status: 'Succeeded',
    })
    await arm.remove(path)
  })
})
