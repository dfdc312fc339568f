import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { goldenDisk } from '../support/golden-disks.ts'
import { definition, gallery, group, makeDefinition, pageBlob } from '../support/main-job.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdDynamic, vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024
const gib = 1024 * mib
const west = { location: 'westeurope' }

const from = (creationData: JsonObject, properties: JsonObject = {}): JsonObject => ({
  ...west,
  properties: { ...properties, creationData },
})

describe('disks', () => {
  let vitrine: TestInstallation
  let arm: Arm
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(() => vitrine.close())

  const refused = async (name: string, body: unknown) => {
    const answer = await arm.put(`disks/${name}`, body)
    return { status: answer.status, ...errorOf(answer) }
  }

  it('R37 through Azure’s client: an empty disk is made, read, tagged, listed, deleted', async () => {
    const { disks } = vitrine.compute
    const made = await disks.createOrUpdate(group, 'sdkDisk', {
      ...west,
      sku: { name: 'Premium_LRS' },
      zones: ['1'],
      osType: 'Linux',
      hyperVGeneration: 'V2',
      creationData: { createOption: 'Empty' },
      diskSizeGB: 2,
    })
    expect(made).toMatchObject({
      id: arm.idOf('disks/sdkDisk'),
      type: 'Microsoft.Compute/disks',
      sku: { name: 'Premium_LRS', tier: 'Premium' },
      zones: ['1'],
      osType: 'Linux',
      hyperVGeneration: 'V2',
      creationData: { createOption: 'Empty' },
      diskSizeGB: 2,
      diskSizeBytes: 2 * gib,
      diskState: 'Unattached',
      provisioningState: 'Succeeded',
      uniqueId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      timeCreated: expect.any(Date),
      encryption: { type: 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: 'AllowAll',
      publicNetworkAccess: 'Enabled',
    })
    expect(await disks.update(group, 'sdkDisk', { tags: { a: 'b' } })).toMatchObject({
      tags: { a: 'b' },
      diskSizeGB: 2,
    })
    for (const list of [disks.list(), disks.listByResourceGroup(group)]) {
      const names: (string | undefined)[] = []
      for await (const each of list) names.push(each.name)
      expect(names).toEqual(['sdkDisk'])
    }
    await disks.delete(group, 'sdkDisk')
    await expect(disks.get(group, 'sdkDisk')).rejects.toMatchObject({ statusCode: 404 })
  })

  it('an empty disk reads as zeros, without any page', async () => {
    await arm.make('disks/empty', from({ createOption: 'Empty' }, { diskSizeGB: 1 }))
    const blob = pageBlob(await arm.grant('empty', 'Read'))
    const tail = await blob.downloadToBuffer(gib - mib, mib)
    expect(tail.every((byte) => byte === 0)).toBe(true)
    const { pageRange = [] } = await blob.getPageRanges()
    expect(pageRange.map((range) => range.offset)).toEqual([gib])
  })

  it('R39 an upload walks through its states: ReadyToUpload, ActiveUpload, Unattached, ActiveSAS', async () => {
    const state = async () => Object((await arm.get('disks/walk')).body.properties).diskState
    const size = 1 * mib
    await arm.make('disks/walk', from({ createOption: 'Upload', uploadSizeBytes: size }))
    expect(await state()).toBe('ReadyToUpload')
    await arm.grant('walk', 'Write')
    expect(await state()).toBe('ActiveUpload')
    expect(await arm.revoke('walk')).toMatchObject({ status: 'Succeeded' })
    expect(await state()).toBe('Unattached')
    await arm.grant('walk', 'Read')
    expect(await state()).toBe('ActiveSAS')
    await arm.revoke('walk')
    expect(await state()).toBe('Unattached')
  })

  it('R39 fixed and dynamic VHDs give the same disk as the raw bytes in them', async () => {
    const bytes = Buffer.alloc(4 * mib)
    bytes.set(dataBytes(1), 2 * mib)
    for (const [name, file] of [
      ['fixed', vhdFixed(bytes)],
      ['dynamic', vhdDynamic(bytes)],
    ] as const) {
      await arm.upload(name, padded(file))
      const { properties } = (await arm.get(`disks/${name}`)).body
      expect(properties).toMatchObject({ diskSizeBytes: 4 * mib })
      expect(Buffer.compare(await arm.download(name), bytes)).toBe(0)
    }
  })

  it.each([
    'qcow2-v3.qcow2',
    'qcow2-v2-zlib.qcow2',
    'qcow2-zstd.qcow2',
    'qcow2-subclusters.qcow2',
    'vhdx-dynamic.vhdx',
    'vmdk-sparse.vmdk',
    'vmdk-stream.vmdk',
  ])('R39 %s gives the same disk as the raw bytes in it', async (name) => {
    const disk = name.replaceAll('.', '-')
    await arm.upload(disk, padded(goldenDisk(name)))
    expect(Buffer.compare(await arm.download(disk), goldenDisk('disk.raw'))).toBe(0)
  })

  it('R39 a compressed cluster that does not unpack fails the upload, saying where', async () => {
    const bad = goldenDisk('qcow2-zstd.qcow2')
    // L1 table, its first L2 table, that one's first cluster.
    const next = (at: number) => bad.readUInt32BE(at + 4)
    const clusterAt = next(next(next(40)))
    bad.fill(0xff, clusterAt, clusterAt + 4)
    await arm.make(
      'disks/unpack',
      from({ createOption: 'Upload', uploadSizeBytes: bad.byteLength }),
    )
    await pageBlob(await arm.grant('unpack', 'Write')).uploadPages(bad, 0, bad.byteLength)
    expect(await arm.revoke('unpack')).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidDisk', message: expect.stringMatching(/16 MiB from 0 .*zstd stream/) },
    })
  })

  it.each([
    ['truncated', vhdDynamic, (vhd: Buffer) => vhd.subarray(0, vhd.byteLength - mib)],
    ['damaged', vhdFixed, (vhd: Buffer) => flipped(vhd, vhd.byteLength - 512 + 70)],
  ])(
    'R39 a VHD that is %s: the upload fails with a reason, and can be mended',
    async (name, make, spoil) => {
      const bytes = Buffer.from(dataBytes(2, 2 * mib))
      const good = Buffer.from(padded(make(bytes)))
      const bad = Buffer.alloc(good.byteLength)
      bad.set(spoil(good))
      await arm.make(
        `disks/${name}`,
        from({ createOption: 'Upload', uploadSizeBytes: good.byteLength }),
      )
      const write = async (file: Buffer) => {
        const blob = pageBlob(await arm.grant(name, 'Write'))
        await blob.uploadPages(file, 0, file.byteLength)
        return arm.revoke(name)
      }
      expect(await write(bad)).toMatchObject({
        status: 'Failed',
        error: { code: 'InvalidDisk', message: expect.any(String) },
      })
      expect((await arm.get(`disks/${name}`)).body.properties).toMatchObject({
        provisioningState: 'Succeeded',
        diskState: 'ActiveUpload',
      })
      expect(await write(good)).toMatchObject({ status: 'Succeeded' })
      expect(Buffer.compare(await arm.download(name), bytes)).toBe(0)
    },
  )

  it.each([
    ['a differencing VHD', vhdDynamic(dataBytes(3, 2 * mib), { diskType: 4 }), /differencing/i],
    ['a QCOW2 file', signed('QFI\xfb\x00\x00\x00\x03', 64 * 1024), /qcow2/i],
    ['a VMDK file', signed('KDMV\x01\x00\x00\x00', 64 * 1024), /vmdk/i],
    ['a VHDX file', signed('vhdxfile', 64 * 1024), /vhdx/i],
  ])('R39 %s is refused by name', async (what, file, message) => {
    const name = what.replace(/\W+/g, '-')
    const bytes = padded(file)
    await arm.make(
      `disks/${name}`,
      from({ createOption: 'Upload', uploadSizeBytes: bytes.byteLength }),
    )
    const blob = pageBlob(await arm.grant(name, 'Write'))
    await blob.uploadPages(Buffer.from(bytes), 0, bytes.byteLength)
    expect(await arm.revoke(name)).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidDisk', message: expect.stringMatching(message) },
    })
  })

  it('R37 a copy has the bytes of its source, also when the source is gone', async () => {
    const bytes = dataBytes(3)
    const source = await arm.upload('original', bytes)
    await arm.make('disks/copy', from({ createOption: 'Copy', sourceResourceId: source }))
    await arm.remove('disks/original')
    expect((await arm.get('disks/copy')).body.properties).toMatchObject({
      osType: 'Linux',
      hyperVGeneration: 'V1',
      creationData: { createOption: 'Copy', sourceResourceId: source },
    })
    expect(Buffer.compare(await arm.download('copy'), Buffer.from(bytes))).toBe(0)
  })

  it('a copy of what is missing, elsewhere or still uploading', async () => {
    const copy = (id: string, location = 'westeurope') => ({
      ...from({ createOption: 'Copy', sourceResourceId: id }),
      location,
    })
    const here = await arm.upload('here', dataBytes(4))
    await arm.make('disks/halfway', from({ createOption: 'Upload', uploadSizeBytes: 512 }))
    expect(await refused('c', copy(arm.idOf('disks/none')))).toMatchObject({ status: 404 })
    expect(await refused('c', copy(here, 'eastus'))).toMatchObject({ status: 400 })
    expect(await refused('c', copy(arm.idOf('disks/halfway')))).toMatchObject({
      status: 409,
      code: 'Conflict',
    })
    expect(await refused('c', copy('nonsense'))).toMatchObject({ status: 400 })
  })

  describe('from a version', () => {
    const version = `galleries/${gallery}/images/${definition}/versions/1.0.0`
    const os = dataBytes(10)
    const data = [dataBytes(11), dataBytes(12)]
    beforeAll(async () => {
      const ids = await Promise.all([
        arm.upload('os', os),
        arm.upload('data0', data[0] ?? os),
        arm.upload('data7', data[1] ?? os),
      ])
      await arm.make(version, {
        ...west,
        properties: {
          publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
          storageProfile: {
            osDiskImage: { source: { id: ids[0] } },
            dataDiskImages: [
              { lun: 0, source: { id: ids[1] } },
              { lun: 7, hostCaching: 'None', source: { id: ids[2] } },
            ],
          },
        },
      })
    })

    const image = (location: string, reference: JsonObject = {}) => ({
      location,
      properties: {
        creationData: {
          createOption: 'FromImage',
          galleryImageReference: { id: arm.idOf(version), ...reference },
        },
      },
    })

    it('R23 R29 R30 the OS disk and each LUN, with the version’s bytes, in each region', async () => {
      for (const location of ['westeurope', 'eastus']) {
        const made = await arm.make(`disks/os-${location}`, image(location))
        expect(made.properties).toMatchObject({
          osType: 'Linux',
          hyperVGeneration: 'V1',
          creationData: { imageReference: { id: arm.idOf(version) } },
        })
        expect(Buffer.compare(await arm.download(`os-${location}`), Buffer.from(os))).toBe(0)
        for (const [index, lun] of [0, 7].entries()) {
          await arm.make(`disks/lun${lun}-${location}`, image(location, { lun }))
          const bytes = await arm.download(`lun${lun}-${location}`)
          expect(Buffer.compare(bytes, Buffer.from(data[index] ?? os))).toBe(0)
        }
      }
    })

    it('R66 a region that has no replica: GalleryImageNotFound in Azure’s words', async () => {
      expect(await refused('far', image('westus'))).toEqual({
        status: 404,
        code: 'GalleryImageNotFound',
        message: `The gallery image ${arm.idOf(version)} is not available in westus region. Please contact image owner to replicate to this region, or change your requested region.`,
        target: 'imageReference',
      })
    })

    it('R30 a LUN that the version does not have', async () => {
      expect(await refused('lun3', image('westeurope', { lun: 3 }))).toMatchObject({
        status: 400,
        message: 'The value of parameter imageReference is invalid.',
      })
    })

    it('a disk lives on when its version is deleted', async () => {
      await arm.make('disks/survivor', image('eastus'))
      await arm.remove(version)
      expect(Buffer.compare(await arm.download('survivor'), Buffer.from(os))).toBe(0)
      expect(await refused('late', image('eastus'))).toMatchObject({ code: 'GalleryImageNotFound' })
    })
  })

  it.each([
    ['no createOption', {}, /missing/],
    ['an unknown one', { createOption: 'Dream' }, /Allowed values are 'Empty'/],
    ['one for later', { createOption: 'Restore' }, /not available here for a disk/],
    ['an upload without a size', { createOption: 'Upload' }, /uploadSizeBytes' is missing/],
    [
      'an upload off the sectors',
      { createOption: 'Upload', uploadSizeBytes: 1000 },
      /multiple of 512/,
    ],
    [
      'an upload over 1 TiB',
      { createOption: 'Upload', uploadSizeBytes: 1024 * gib + mib },
      /out of range/,
    ],
    ['a copy of nothing', { createOption: 'Copy' }, /sourceResourceId' is missing/],
    ['an image without its id', { createOption: 'FromImage' }, /galleryImageReference/],
    ['an empty disk without size', { createOption: 'Empty' }, /diskSizeGB' is missing/],
  ])('%s is refused', async (_, creationData, message) => {
    expect(await refused('bad', from(creationData))).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(message),
    })
  })

  it('R84 an upload of 1,024 GiB with its footer is taken', async () => {
    const made = await arm.put(
      'disks/largest',
      from({ createOption: 'Upload', uploadSizeBytes: 1024 * gib + 512 }),
    )
    expect(made.status).toBe(202)
  })

  it('what a disk was made of does not change', async () => {
    await arm.make('disks/settled', from({ createOption: 'Empty' }, { diskSizeGB: 1 }))
    const changed = from({ createOption: 'Upload', uploadSizeBytes: 512 }, { diskSizeGB: 1 })
    expect(await refused('settled', changed)).toMatchObject({
      status: 409,
      code: 'PropertyChangeNotAllowed',
    })
    expect(
      await refused('settled', from({ createOption: 'Empty' }, { diskSizeGB: 2 })),
    ).toMatchObject({ status: 409, target: 'disk.properties.diskSizeGB' })
  })

  it('a PUT of what GET returned changes nothing, for a disk of every kind', async () => {
    const { value } = (await arm.get('disks')).body
    const all = Array.isArray(value) ? value : []
    expect(all.length).toBeGreaterThan(8)
    for (const { name } of all) {
      const before = await arm.get(`disks/${name}`)
      const again = await arm.put(`disks/${name}`, before.body)
      expect([name, again.status, errorOf(again)]).toEqual([name, 202, {}])
      expect(again.headers.get('etag')).toBe(before.headers.get('etag'))
      expect((await arm.get(`disks/${name}`)).body).toEqual(before.body)
    }
  })

  it.each([
    [{ access: 'Read', durationInSeconds: 0 }, 400],
    [{ access: 'Read', durationInSeconds: 10_000_000 }, 400],
    [{ access: 'Everything', durationInSeconds: 60 }, 400],
    [{ access: 'None', durationInSeconds: 60 }, 400],
    [{ access: 'Read' }, 400],
    [{ access: 'Write', durationInSeconds: 60 }, 409],
  ])('access %o to a finished disk is refused', async (body, status) => {
    const answer = await arm.ask('POST', 'disks/settled/beginGetAccess', { body })
    expect([answer.status, typeof errorOf(answer).message]).toEqual([status, 'string'])
  })

  it('access with numbers as text, words in any case and nulls, as clients send them', async () => {
    const body = { access: 'read', durationInSeconds: '60', fileFormat: null }
    const answer = await arm.ask('POST', 'disks/settled/BEGINGETACCESS', { body })
    expect(answer.status).toBe(202)
    expect((await arm.ask('POST', 'disks/none/beginGetAccess', { body })).status).toBe(404)
  })
})

/** Uploads are of whole sectors. */
function padded(file: Uint8Array): Uint8Array {
  const sectors = Math.ceil(file.byteLength / 512)
  const whole = Buffer.alloc(sectors * 512)
  whole.set(file)
  return whole
}

function flipped(file: Uint8Array, at: number): Uint8Array {
  const spoiled = Buffer.from(file)
  spoiled[at] = (spoiled[at] ?? 0) ^ 0xff
  return spoiled
}

/** A file that begins with these bytes. */
function signed(signature: string, lengthBytes: number): Buffer {
  const file = Buffer.alloc(lengthBytes)
  file.write(signature, 'latin1')
  return file
}
