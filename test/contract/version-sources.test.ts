import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const versions = `galleries/${gallery}/images/${definition}/versions`
const storage = 'galleryImageVersion.properties.storageProfile'

describe('the source of a version', () => {
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
  const refused = async (body: unknown) => {
    const answer = await arm.put(`${versions}/9.9.9`, body)
    return { status: answer.status, ...errorOf(answer) }
  }
  const from = (storageProfile: Json): JsonObject => ({ ...west, properties: { storageProfile } })
  const oneSource =
    /^The gallery artifact version source can only be specified either directly under storageProfile/

  it('R31 none at all', async () => {
    for (const body of [from(null), from({}), from({ osDiskImage: {} })]) {
      expect(await refused(body)).toMatchObject({
        status: 400,
        message: expect.stringMatching(/^Required parameter '.+' is missing \(null\)\.$/),
      })
    }
  })

  it('R31 two at once', async () => {
    expect(
      await refused(from({ ...fromDisk(), source: { id: arm.idOf('images/i') } })),
    ).toMatchObject({ status: 400, message: expect.stringMatching(oneSource), target: storage })
  })

  it('R35 what is not here yet is named with what to use', async () => {
    const machine = arm.idOf('virtualMachines/vm')
    expect(await refused(from({ source: { virtualMachineId: machine } }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(/not available here yet/),
    })
    expect(await refused(from({ source: { id: machine } }))).toMatchObject({
      message: `The gallery image version source id: '${machine}' must be specified in '${storage}.source.virtualMachineId'.`,
    })
  })

  it('R31 an id of another kind', async () => {
    expect(await refused(from({ source: { id: disk } }))).toMatchObject({
      status: 400,
      message: `The source id: '${disk}' must either be a managed image, virtual machine or another gallery image version`,
    })
    const image = arm.idOf('images/i')
    expect(await refused(from({ osDiskImage: { source: { id: image } } }))).toMatchObject({
      status: 400,
      message: `The source id: '${image}' must be a managed disk or snapshot`,
    })
  })

  it('R44 one that is missing, of another region, or still uploading', async () => {
    const none = arm.idOf('disks/none')
    expect(await refused(from({ osDiskImage: { source: { id: none } } }))).toMatchObject({
      status: 404,
      message: `Source ${none} is not found. Please check source exists, and is in the same region as gallery image version being created`,
    })
    const far = await arm.upload('far', dataBytes(3), { location: 'eastus' })
    expect(await refused(from({ osDiskImage: { source: { id: far } } }))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringContaining("is in region 'eastus'"),
    })
    await arm.make('disks/halfway', {
      ...west,
      properties: { creationData: { createOption: 'Upload', uploadSizeBytes: 512 } },
    })
    const halfway = arm.idOf('disks/halfway')
    expect(await refused(from({ osDiskImage: { source: { id: halfway } } }))).toMatchObject({
      status: 409,
      code: 'Conflict',
      message: expect.stringContaining('has no content yet: its state is ReadyToUpload'),
    })
  })

  it('R30 LUNs: twice the same, out of range, a source twice, data disks without an OS disk', async () => {
    const dataDisk = (lun: number, id = data) => ({ lun, source: { id } })
    const disks = (...dataDiskImages: JsonObject[]) => from({ ...fromDisk(), dataDiskImages })
    expect(await refused(disks(dataDisk(1), dataDisk(1, disk)))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^Duplicated lun numbers/),
    })
    expect(await refused(disks(dataDisk(64)))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/of parameter lun is out of range/),
    })
    expect(await refused(disks(dataDisk(1), dataDisk(2)))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^Duplicated source ids/),
    })
    expect(await refused(from({ dataDiskImages: [dataDisk(1)] }))).toMatchObject({
      status: 400,
      message: `Required parameter '${storage}.osDiskImage.source' is missing (null).`,
    })
  })

  it('R84 a disk over 1,024 GiB', async () => {
    await arm.make('disks/huge', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1025 },
    })
    const body = from({ osDiskImage: { source: { id: arm.idOf('disks/huge') } } })
    expect(await refused(body)).toMatchObject({
      status: 409,
      code: 'GallerySourceResourceExceedsMaxSize',
      message:
        'The GalleryImageVersion source resource size 1025 exceeds the max size 1024 supported',
    })
  })

  it('R48 a disk that says nothing of its guest fits every definition', async () => {
    await arm.make('disks/mute', {
      ...west,
      properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 1 },
    })
    await arm.make(`galleries/${gallery}/images/any`, {
      ...west,
      properties: {
        osType: 'Windows',
        osState: 'Specialized',
        hyperVGeneration: 'V2',
        identifier: { publisher: 'p', offer: 'o', sku: 'any' },
      },
    })
    const path = `galleries/${gallery}/images/any/versions/1.0.0`
    await arm.make(path, from({ osDiskImage: { source: { id: arm.idOf('disks/mute') } } }))
  })

  it.each([
    [{ osType: 'Windows' }, 'OS type', 'Linux', 'Windows', 'Conflict'],
    [{ hyperVGeneration: 'V2' }, 'Hypervisor generation', 'V1', 'V2', 'Conflict'],
    [{ osState: 'Specialized' }, 'OS state', 'Generalized', 'Specialized', 'BadRequest'],
  ])(
    'R12 R13 R14 that does not fit a definition with %o: accepted, then Failed in Azure’s words',
    async (over, says, theirs, ours, code) => {
      const sku = says.replaceAll(' ', '')
      await arm.make(`galleries/${gallery}/images/${sku}`, {
        ...west,
        properties: {
          osType: 'Linux',
          osState: 'Generalized',
          hyperVGeneration: 'V1',
          identifier: { publisher: 'p', offer: 'o', sku },
          ...over,
        },
      })
      await arm.make(`images/${sku}`, {
        ...west,
        properties: {
          hyperVGeneration: 'V1',
          storageProfile: {
            osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id: disk } },
          },
        },
      })
      const path = `galleries/${gallery}/images/${sku}/versions/1.0.0`
      const made = await arm.put(path, from({ source: { id: arm.idOf(`images/${sku}`) } }))
      expect(made.status).toBe(201)
      expect(await arm.ended(made)).toMatchObject({
        status: 'Failed',
        error: {
          code,
          message: `The resource with id '${arm.idOf(`images/${sku}`)}' has a different ${says} ['${theirs}'] than the parent gallery image ${says} ['${ours}'].`,
        },
      })
    },
  )
})
