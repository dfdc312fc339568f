import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { damagePacks, packsBelow } from '../support/faulty-blobs.ts'
import { group, makeDefinition, pageBlob } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const mib = 1024 * 1024

const from = (creationData: JsonObject, properties: JsonObject = {}): JsonObject => ({
  ...west,
  properties: { ...properties, creationData },
})
const copyOf = (sourceResourceId: string, properties: JsonObject = {}): JsonObject =>
  from({ createOption: 'Copy', sourceResourceId }, properties)

describe('snapshots', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let disk: string
  const bytes = dataBytes(1)
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    disk = await arm.upload('os', bytes)
  })
  afterAll(() => vitrine.close())

  const refused = async (body: unknown) => {
    const answer = await arm.put('snapshots/bad', body)
    return { status: answer.status, ...errorOf(answer) }
  }
  const propertiesOf = async (path: string) => Object((await arm.get(path)).body.properties)

  it('R38 through Azure’s client: made of a disk, read, tagged, listed, shared, deleted', async () => {
    const { snapshots } = vitrine.compute
    const made = await snapshots.createOrUpdate(group, 'sdkSnapshot', {
      ...west,
      sku: { name: 'Standard_ZRS' },
      creationData: { createOption: 'Copy', sourceResourceId: disk },
    })
    expect(made).toMatchObject({
      id: arm.idOf('snapshots/sdkSnapshot'),
      type: 'Microsoft.Compute/snapshots',
      sku: { name: 'Standard_ZRS', tier: 'Standard' },
      osType: 'Linux',
      hyperVGeneration: 'V1',
      incremental: false,
      creationData: {
        createOption: 'Copy',
        sourceResourceId: disk,
        sourceUniqueId: (await propertiesOf('disks/os')).uniqueId,
      },
      diskSizeGB: 1,
      diskSizeBytes: bytes.byteLength,
      diskState: 'Unattached',
      provisioningState: 'Succeeded',
      uniqueId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      timeCreated: expect.any(Date),
      encryption: { type: 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: 'AllowAll',
      publicNetworkAccess: 'Enabled',
    })
    expect(made.incrementalSnapshotFamilyId).toBeUndefined()
    expect(made.completionPercent).toBeUndefined()
    const tagged = await snapshots.update(group, 'sdkSnapshot', { tags: { a: 'b' } })
    expect(tagged).toMatchObject({ tags: { a: 'b' }, sku: { name: 'Standard_ZRS' } })
    for (const list of [snapshots.list(), snapshots.listByResourceGroup(group)]) {
      const names: (string | undefined)[] = []
      for await (const each of list) names.push(each.name)
      expect(names).toEqual(['sdkSnapshot'])
    }
    const grant = { access: 'Read', durationInSeconds: 60 }
    const { accessSAS } = await snapshots.grantAccess(group, 'sdkSnapshot', grant)
    expect(accessSAS).toEqual(expect.stringContaining('sig='))
    expect(await propertiesOf('snapshots/sdkSnapshot')).toMatchObject({ diskState: 'ActiveSAS' })
    await snapshots.revokeAccess(group, 'sdkSnapshot')
    await snapshots.delete(group, 'sdkSnapshot')
    await expect(snapshots.get(group, 'sdkSnapshot')).rejects.toMatchObject({ statusCode: 404 })
  })

  it('R38 it keeps the bytes of its disk, of a snapshot of it, and of a disk made from that, when all before are gone', async () => {
    const passing = await arm.upload('passing', bytes)
    await arm.make('snapshots/first', copyOf(passing))
    await arm.remove('disks/passing')
    expect(Buffer.compare(await arm.download('snapshots/first'), bytes)).toBe(0)
    await arm.make('snapshots/second', copyOf(arm.idOf('snapshots/first')))
    await arm.remove('snapshots/first')
    const made = await arm.make('disks/restored', copyOf(arm.idOf('snapshots/second')))
    expect(made.properties).toMatchObject({ osType: 'Linux', hyperVGeneration: 'V1' })
    await arm.remove('snapshots/second')
    expect(Buffer.compare(await arm.download('restored'), bytes)).toBe(0)
  })

  it('R38 incremental snapshots of one disk are a family; those of another disk are not', async () => {
    const other = await arm.upload('other', bytes)
    const family = async (name: string, source: string, incremental: boolean) => {
      await arm.make(`snapshots/${name}`, copyOf(source, { incremental }))
      return (await propertiesOf(`snapshots/${name}`)).incrementalSnapshotFamilyId
    }
    const first = await family('family1', disk, true)
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect(await family('family2', disk, true)).toBe(first)
    expect(await family('family3', arm.idOf('snapshots/family1'), true)).toBe(first)
    expect(await family('family4', other, true)).not.toBe(first)
    expect(await family('family5', disk, false)).toBeUndefined()
    await arm.make('disks/reborn', copyOf(arm.idOf('snapshots/family1')))
    expect(await family('family6', arm.idOf('disks/reborn'), true)).not.toBe(first)
  })

  it('R38 a snapshot stores nothing of its own', async () => {
    const space = join(vitrine.data, 'spaces/westeurope/Standard_LRS/1')
    const before = await packsBelow(space)
    expect(before.length).toBeGreaterThan(0)
    for (const incremental of [true, false]) {
      await arm.make(`snapshots/thin-${incremental}`, copyOf(disk, { incremental }))
    }
    expect(await packsBelow(space)).toEqual(before)
  })

  it('R38 CopyStart copies a snapshot to another region, bytes and all; its source may go at once', async () => {
    const own = dataBytes(7, 3 * mib)
    const source = await arm.upload('traveller', own)
    await arm.make('snapshots/here', copyOf(source, { incremental: true }))
    const body = {
      location: 'eastus',
      properties: {
        incremental: true,
        creationData: { createOption: 'CopyStart', sourceResourceId: arm.idOf('snapshots/here') },
      },
    }
    const asked = await arm.put('snapshots/there', body)
    expect(asked.status).toBe(202)
    await arm.remove('snapshots/here')
    await arm.remove('disks/traveller')
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    const shown = await arm.get('snapshots/there')
    expect(shown.body).toMatchObject({
      location: 'eastus',
      properties: {
        provisioningState: 'Succeeded',
        completionPercent: 100,
        diskSizeBytes: 3 * mib,
        incrementalSnapshotFamilyId: expect.any(String),
        osType: 'Linux',
      },
    })
    expect(Buffer.compare(await arm.download('snapshots/there'), own)).toBe(0)
    const again = await arm.put('snapshots/there', body)
    expect(again.headers.get('etag')).toBe(shown.headers.get('etag'))
    const local = { ...copyOf(arm.idOf('snapshots/there')), location: 'eastus' }
    await arm.make('disks/landed', local)
    expect(Buffer.compare(await arm.download('landed'), own)).toBe(0)
  })

  it('R39 it may be uploaded like a disk', async () => {
    const creationData = { createOption: 'Upload', uploadSizeBytes: bytes.byteLength }
    await arm.make('snapshots/uploaded', from(creationData))
    const { snapshots } = vitrine.compute
    const grant = { access: 'Write', durationInSeconds: 60 }
    const { accessSAS = '' } = await snapshots.grantAccess(group, 'uploaded', grant)
    await pageBlob(accessSAS).uploadPages(Buffer.from(bytes), 0, bytes.byteLength)
    await snapshots.revokeAccess(group, 'uploaded')
    expect(Buffer.compare(await arm.download('snapshots/uploaded'), bytes)).toBe(0)
  })

  it('R44 of what is missing, elsewhere, still uploading, or no disk', async () => {
    await arm.make('disks/halfway', from({ createOption: 'Upload', uploadSizeBytes: 512 }))
    await arm.make('snapshots/near', copyOf(disk))
    expect(await refused(copyOf(arm.idOf('disks/none')))).toMatchObject({ status: 404 })
    expect(await refused(copyOf(arm.idOf('disks/halfway')))).toMatchObject({
      status: 409,
      code: 'Conflict',
      message: expect.stringContaining('ReadyToUpload'),
    })
    const far = { ...copyOf(arm.idOf('snapshots/near')), location: 'eastus' }
    expect(await refused(far)).toMatchObject({
      status: 400,
      message: expect.stringContaining('CopyStart'),
      target: 'snapshot.properties.creationData.sourceResourceId',
    })
    const ofDisk = from({ createOption: 'CopyStart', sourceResourceId: disk })
    expect(await refused(ofDisk)).toMatchObject({
      status: 400,
      message: expect.stringContaining('Make a snapshot of it first'),
    })
    expect(await refused(copyOf(arm.idOf('images/i')))).toMatchObject({ status: 400 })
  })

  it.each([
    ['no createOption', {}, /missing/],
    ['an empty one', { createOption: 'Empty' }, /not available here for a snapshot/],
    ['of an image', { createOption: 'FromImage' }, /not available here for a snapshot/],
    ['a copy of nothing', { createOption: 'Copy' }, /sourceResourceId' is missing/],
  ])('%s is refused', async (_, creationData, message) => {
    expect(await refused(from(creationData))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(message),
    })
  })

  it('a customer’s key, another size, another kind of storage are refused by name', async () => {
    const keyed = copyOf(disk, { encryption: { type: 'EncryptionAtRestWithCustomerKey' } })
    expect(await refused(keyed)).toMatchObject({ target: 'snapshot.properties.encryption' })
    expect(await refused(copyOf(disk, { diskSizeGB: 7 }))).toMatchObject({
      target: 'snapshot.properties.diskSizeGB',
      message: expect.stringContaining('the snapshot has the size of its source, 1 GiB'),
    })
    expect(await refused({ ...copyOf(disk), sku: { name: 'UltraSSD_LRS' } })).toMatchObject({
      message: expect.stringContaining("Allowed values are 'Standard_LRS'"),
    })
  })

  it('what it was made of does not change, and a PUT of what GET returned changes nothing', async () => {
    await arm.make('snapshots/settled', copyOf(disk, { incremental: true }))
    const before = await arm.get('snapshots/settled')
    const again = await arm.put('snapshots/settled', before.body)
    expect([again.status, again.headers.get('etag')]).toEqual([202, before.headers.get('etag')])
    expect((await arm.get('snapshots/settled')).body).toEqual(before.body)
    for (const changed of [
      copyOf(arm.idOf('disks/none'), { incremental: true }),
      copyOf(disk, { incremental: false }),
    ]) {
      expect(errorOf(await arm.put('snapshots/settled', changed))).toMatchObject({
        code: 'PropertyChangeNotAllowed',
      })
    }
  })

  it('write access is for an upload only', async () => {
    const grant = { access: 'Write', durationInSeconds: 60 }
    await arm.make('snapshots/closed', copyOf(disk))
    const answer = await arm.ask('POST', 'snapshots/closed/beginGetAccess', { body: grant })
    expect([answer.status, errorOf(answer).code]).toEqual([409, 'OperationNotAllowed'])
  })
  it('R38 a copy whose source is damaged everywhere fails with copyCompletionError; mended, the same PUT copies it', async () => {
    await arm.make('snapshots/torn', copyOf(await arm.upload('torn', dataBytes(9))))
    const space = join(vitrine.data, 'spaces/westeurope/Standard_LRS/1')
    await damagePacks(space)
    const body = {
      location: 'westus',
      properties: {
        creationData: { createOption: 'CopyStart', sourceResourceId: arm.idOf('snapshots/torn') },
      },
    }
    const failed = await arm.ended(await arm.put('snapshots/far', body))
    expect(failed).toMatchObject({ status: 'Failed', error: { code: 'ImageDamaged' } })
    expect(await propertiesOf('snapshots/far')).toMatchObject({
      provisioningState: 'Failed',
      completionPercent: 0,
      copyCompletionError: { errorCode: 'ImageDamaged', errorMessage: expect.any(String) },
    })
    await damagePacks(space)
    expect(await arm.ended(await arm.put('snapshots/far', body))).toMatchObject({
      status: 'Succeeded',
    })
    const mended = await propertiesOf('snapshots/far')
    expect(mended).toMatchObject({ provisioningState: 'Succeeded', completionPercent: 100 })
    expect(mended).not.toHaveProperty('copyCompletionError')
    expect(Buffer.compare(await arm.download('snapshots/far'), dataBytes(9))).toBe(0)
  })
})
