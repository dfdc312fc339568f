import type { ContainerClient } from '@azure/storage-blob'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtInRoles } from '../../src/access/built-in-roles.ts'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { type BlobAccount, makeAccount } from '../support/blob-account.ts'
import { definition, gallery, group, makeDefinition } from '../support/main-job.ts'
import { openOtherCaller } from '../support/other-caller.ts'
import { bare } from '../support/templates.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdDynamic, vhdFixed } from '../support/vhd-files.ts'

const west = { location: 'westeurope' }
const mib = 1024 * 1024
const versions = `galleries/${gallery}/images/${definition}/versions`
const os = Buffer.from(dataBytes(1, 2 * mib))
const data = Buffer.from(dataBytes(2, 2 * mib))
const limit = 1024 * 1024 * mib

describe('VHD blobs of a storage account as sources', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let account: BlobAccount
  let vhds: ContainerClient
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
    const keeper = openArm(vitrine, 'vhdGroup')
    await keeper.put(keeper.groupPath, west)
    account = await makeAccount(vitrine, keeper, 'vhds1')
    vhds = await account.container('vhds')
    await put('os.vhd', vhdFixed(os))
    await vhds.getBlockBlobClient('data.vhd').uploadData(vhdDynamic(data))
  })
  afterAll(() => vitrine.close())

  /** A page blob of these bytes. */
  async function put(name: string, bytes: Uint8Array): Promise<void> {
    const blob = vhds.getPageBlobClient(name)
    await blob.create(bytes.byteLength)
    await blob.uploadPages(Buffer.from(bytes), 0, bytes.byteLength)
  }

  const urlOf = (name: string) => `${account.endpoint}/vhds/${name}`
  const source = (name: string): JsonObject => ({
    uri: urlOf(name),
    storageAccountId: account.id,
  })
  const of = (osDiskImage: JsonObject, dataDiskImages: readonly JsonObject[] = []): JsonObject => ({
    ...west,
    properties: {
      publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
      storageProfile: { osDiskImage, ...(dataDiskImages.length > 0 && { dataDiskImages }) },
    },
  })
  const importOf = (name: string): JsonObject => ({
    ...west,
    properties: {
      osType: 'Linux',
      creationData: {
        createOption: 'Import',
        sourceUri: urlOf(name),
        storageAccountId: account.id,
      },
    },
  })
  const refused = async (path: string, body: unknown, api?: string) => {
    const answer = await arm.put(path, body, api)
    return { status: answer.status, ...errorOf(answer) }
  }
  const holds = async (version: string, bytes: Buffer, lun?: number) =>
    expect(Buffer.compare(await arm.bytesOf(version, 'eastus', lun), bytes)).toBe(0)

  it('R39 R30 through Azure’s client: a version of a page blob and a block blob', async () => {
    const made = await vitrine.compute.galleryImageVersions.createOrUpdate(
      group,
      gallery,
      definition,
      '1.0.0',
      {
        ...west,
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: {
          osDiskImage: { source: { uri: urlOf('os.vhd'), storageAccountId: account.id } },
          dataDiskImages: [
            { lun: 6, source: { uri: urlOf('data.vhd'), storageAccountId: account.id } },
          ],
        },
      },
    )
    expect(made).toMatchObject({
      provisioningState: 'Succeeded',
      storageProfile: {
        osDiskImage: {
          sizeInGB: 1,
          hostCaching: 'ReadWrite',
          source: { uri: urlOf('os.vhd'), storageAccountId: account.id },
        },
        dataDiskImages: [{ lun: 6, hostCaching: 'ReadOnly', sizeInGB: 1 }],
      },
    })
    await holds(`${versions}/1.0.0`, os)
    await holds(`${versions}/1.0.0`, data, 6)
  })

  it('R39 R119 a template makes its URL of the account’s name and environment().suffixes.storage', async () => {
    const uri = "[concat('https://vhds1.blob.', environment().suffixes.storage, '/vhds/os.vhd')]"
    const disk = { type: 'Microsoft.Compute/disks', apiVersion: '2022-07-02', name: 'templated' }
    const creationData = {
      ...{ createOption: 'Import', sourceUri: uri },
      storageAccountId: account.id,
    }
    const resources = [{ ...disk, ...west, properties: { creationData } }]
    const properties = { mode: 'Incremental', template: { ...bare, resources } }
    const path = `${arm.groupPath}/providers/Microsoft.Resources/deployments/import`
    await arm.ended(await arm.put(path, { properties }, '2021-04-01'))
    expect(Buffer.compare(await arm.download('templated'), os)).toBe(0)
  })

  it('R39 the account as source.id: taken from clients before 2023-07-03, refused by name since', async () => {
    const body = of({ source: { uri: urlOf('os.vhd'), id: account.id } })
    await arm.make(`${versions}/1.1.0`, body, '2022-03-03')
    await holds(`${versions}/1.1.0`, os)
    for (const api of ['2023-07-03', '2025-12-03']) {
      expect(await refused(`${versions}/9.0.0`, body, api)).toMatchObject({
        status: 400,
        code: 'InvalidParameter',
        message: expect.stringContaining(
          "must be specified in 'galleryImageVersion.properties.storageProfile.osDiskImage.source.storageAccountId'",
        ),
      })
    }
  })

  it('R42 a managed image of a blob, with its account in the URL alone; disk and snapshot by Import', async () => {
    const osDisk = { osType: 'Linux', osState: 'Generalized', blobUri: urlOf('os.vhd') }
    const dataDisks = [{ lun: 0, blobUri: `${urlOf('data.vhd')}?sv=x&sig=secret` }]
    const made = await arm.make('images/unmanaged', {
      ...west,
      properties: { storageProfile: { osDisk, dataDisks } },
    })
    expect(made.properties).toMatchObject({
      storageProfile: {
        osDisk: { blobUri: urlOf('os.vhd'), diskSizeGB: 1 },
        dataDisks: [{ lun: 0, blobUri: urlOf('data.vhd'), diskSizeGB: 1 }],
      },
    })
    await arm.make(`${versions}/2.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { source: { id: arm.idOf('images/unmanaged') } },
      },
    })
    await holds(`${versions}/2.0.0`, data, 0)
    for (const path of ['disks/imported', 'snapshots/imported']) {
      await arm.make(path, importOf('data.vhd'))
      expect(Buffer.compare(await arm.download(path), data)).toBe(0)
    }
  })

  it('R47 the blob may be deleted right after, and its account', async () => {
    await put('brief.vhd', vhdFixed(data))
    await arm.make(`${versions}/3.0.0`, of({ source: source('brief.vhd') }))
    await vhds.getPageBlobClient('brief.vhd').delete()
    await holds(`${versions}/3.0.0`, data)
  })

  it('a blob that is read is neither written nor deleted, as if it were leased', async () => {
    await put('held.vhd', vhdFixed(os))
    const blob = vhds.getPageBlobClient('held.vhd')
    const { store } = vitrine.installation
    const found = await store.read.blobs.find({
      account: account.id.toLowerCase(),
      container: 'vhds',
      name: 'held.vhd',
    })
    const upload = String(found?.upload)
    await store.write((rows) => rows.blobs.read(upload, 'reader'))
    const leased = { statusCode: 412, code: 'LeaseIdMissing' }
    await expect(blob.delete()).rejects.toMatchObject(leased)
    await expect(blob.clearPages(0, 512)).rejects.toMatchObject(leased)
    await store.write((rows) => rows.blobs.released('reader'))
    await blob.delete()
  })

  it('R39 a blob that is no disk fails; mended, the same PUT makes the version', async () => {
    const body = of({ source: source('broken.vhd') })
    // A footer that lies: of a differencing disk.
    await put('broken.vhd', vhdDynamic(data, { diskType: 4 }))
    expect(await arm.ended(await arm.put(`${versions}/4.0.0`, body))).toMatchObject({
      status: 'Failed',
      error: { code: 'InvalidDisk', message: expect.stringMatching(/differencing/i) },
    })
    await vhds.getPageBlobClient('broken.vhd').delete()
    expect(await refused(`${versions}/4.0.0`, body)).toMatchObject({
      status: 404,
      message: expect.stringContaining("'vhds/broken.vhd'"),
    })
    await put('broken.vhd', vhdFixed(data))
    expect(await arm.ended(await arm.put(`${versions}/4.0.0`, body))).toMatchObject({
      status: 'Succeeded',
    })
    await holds(`${versions}/4.0.0`, data)
  })

  it('R46 R84 a blob of 1,024 GiB and its footer is taken, one of 1 MiB more is not', async () => {
    const blob = vhds.getPageBlobClient('large.vhd')
    await blob.create(limit + mib)
    expect(await refused(`${versions}/9.0.0`, of({ source: source('large.vhd') }))).toMatchObject({
      status: 409,
      code: 'GallerySourceResourceExceedsMaxSize',
    })
    expect(await refused('disks/large', importOf('large.vhd'))).toMatchObject({ status: 400 })
    await blob.resize(limit)
    await arm.make('disks/large', importOf('large.vhd'))
    expect((await arm.get('disks/large')).body.properties).toMatchObject({ diskSizeGB: 1024 })
  })

  it('R46 R84 a small file of a disk over 1,024 GiB fails the version; a Shallow one takes it', async () => {
    const currentSizeBytes = limit + 1024 * mib
    const blockBytes = 2 * mib
    const spareEntries = currentSizeBytes / blockBytes - 1
    const wide = vhdDynamic(data, { blockBytes, currentSizeBytes, spareEntries })
    const inBlocks = { blockSize: mib, maxSingleShotSize: mib }
    await vhds.getBlockBlobClient('wide.vhd').uploadData(wide, inBlocks)
    const body = of({ source: source('wide.vhd') })
    expect(await arm.ended(await arm.put(`${versions}/5.0.0`, body))).toMatchObject({
      status: 'Failed',
      error: { code: 'GallerySourceResourceExceedsMaxSize' },
    })
    const publishingProfile = { replicationMode: 'Shallow' }
    const storageProfile = { osDiskImage: { source: source('wide.vhd') } }
    const made = await arm.make(`${versions}/5.0.1`, {
      ...west,
      properties: { publishingProfile, storageProfile },
    })
    expect(made.properties).toMatchObject({ storageProfile: { osDiskImage: { sizeInGB: 1025 } } })
  })

  it('R44 one that is not there, or of an account in another region, another account or none', async () => {
    const version = `${versions}/9.0.0`
    expect(await refused(version, of({ source: source('none.vhd') }))).toMatchObject({
      status: 404,
      code: 'NotFound',
      message: expect.stringContaining(`The blob '${urlOf('none.vhd')}' was not found`),
    })
    const far = `${arm.groupPath}/providers/Microsoft.Storage/storageAccounts/vhdsfar`
    const body = { location: 'eastus', kind: 'StorageV2', sku: { name: 'Standard_LRS' } }
    await arm.ask('PUT', far, { api: '2023-01-01', body })
    const uri = `${vitrine.url}/vhdsfar/vhds/os.vhd`
    expect(await refused(version, of({ source: { uri, storageAccountId: far } }))).toMatchObject({
      status: 400,
      message: expect.stringContaining("is in region 'eastus'"),
    })
    expect(
      await refused(version, of({ source: { uri, storageAccountId: account.id } })),
    ).toMatchObject({
      status: 400,
      message: expect.stringMatching(
        /is not the URL of a blob .*, but of 'vhdsfar'\. .* \(az disk create: --source-storage-account-id;/,
      ),
    })
    const unknown = { uri: 'https://files.example/vhds/os.vhd', storageAccountId: account.id }
    expect(await refused(version, of({ source: unknown }))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/is not the URL of a blob .*leave the account out/),
    })
    expect(await refused(version, of({ source: { storageAccountId: account.id } }))).toMatchObject({
      status: 400,
      message: expect.stringContaining("source.uri' is missing"),
    })
    expect(
      await refused(
        version,
        of({ source: source('os.vhd') }, [{ lun: 1, source: source('os.vhd') }]),
      ),
    ).toMatchObject({ message: expect.stringMatching(/^Duplicated source ids/) })
  })

  it('R87 who may not list the keys of the account may not make anything of its blobs', async () => {
    const rights = [{ roleId: builtInRoles.contributor.id, scope: arm.groupPath }]
    const stranger = await openOtherCaller(vitrine, rights)
    const osDisk = { osType: 'Linux', osState: 'Generalized', blobUri: urlOf('os.vhd') }
    for (const [path, body] of [
      [`${versions}/9.0.0`, of({ source: source('os.vhd') })],
      ['images/stolen', { ...west, properties: { storageProfile: { osDisk } } }],
    ] as const) {
      const answer = await stranger.put(path, body)
      expect([answer.status, errorOf(answer)]).toMatchObject([
        403,
        {
          code: 'LinkedAuthorizationFailed',
          message: expect.stringContaining('Microsoft.Storage/storageAccounts/listKeys/action'),
        },
      ])
    }
  })
})
