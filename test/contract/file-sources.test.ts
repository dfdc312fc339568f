import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import { type Arm, dataBytes, errorOf, openArm } from '../support/arm.ts'
import { makeAccount } from '../support/blob-account.ts'
import { goldenDisk } from '../support/golden-disks.ts'
import { definition, gallery, makeDefinition } from '../support/main-job.ts'
import { startSourceServer } from '../support/source-server.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdDynamic, vhdFixed } from '../support/vhd-files.ts'

const west = { location: 'westeurope' }
const mib = 1024 * 1024
const versions = `galleries/${gallery}/images/${definition}/versions`
const os = Buffer.from(dataBytes(1, 2 * mib))
const data = Buffer.from(dataBytes(2, 2 * mib))

describe('disk files of another host', () => {
  let vitrine: TestInstallation
  let arm: Arm
  let good: Awaited<ReturnType<typeof startSourceServer>>
  let other: typeof good
  let bad: typeof good
  const file: { bytes: Uint8Array } = {
    bytes: Buffer.from('no disk at all, and not whole sectors'),
  }
  beforeAll(async () => {
    good = await startSourceServer({ bytes: vhdFixed(os) })
    other = await startSourceServer({ bytes: vhdDynamic(data) })
    bad = await startSourceServer(file)
    const hosts = [good.origin, other.origin, bad.origin]
    vitrine = await openTestInstallation({ config: { imports: { hosts } } })
    arm = openArm(vitrine)
    await makeDefinition(vitrine)
  })
  afterAll(async () => {
    await vitrine.close()
    for (const server of [good, other, bad]) await server.close()
  })

  const osUrl = () => `${good.origin}/os.vhd?sig=secret`
  const importOf = (sourceUri: string): JsonObject => ({
    ...west,
    properties: { osType: 'Linux', creationData: { createOption: 'Import', sourceUri } },
  })
  const isReadable = async (path: string, bytes: Buffer) =>
    expect([path, Buffer.compare(await arm.download(path), bytes)]).toEqual([path, 0])

  it.each(['disks', 'snapshots'])('R39 R42 %s: Import makes one of a VHD', async (kind) => {
    const path = `${kind}/imported`
    const asked = await arm.put(path, importOf(osUrl()))
    expect([asked.status, Object(asked.body.properties).provisioningState]).toEqual([
      202,
      'Updating',
    ])
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    const made = await arm.get(path)
    expect(made.body.properties).toMatchObject({
      diskSizeBytes: 2 * mib,
      diskState: 'Unattached',
      creationData: { createOption: 'Import', sourceUri: `${good.origin}/os.vhd` },
    })
    expect(JSON.stringify(made.body)).not.toContain('secret')
    await isReadable(path, os)
    for (const body of [made.body, importOf(osUrl())]) {
      const again = await arm.put(path, body)
      expect([again.status, again.headers.get('etag')]).toEqual([202, made.headers.get('etag')])
    }
  })

  it('R42 a managed image of VHDs, one after the other, feeds a version', async () => {
    const body = {
      ...west,
      properties: {
        hyperVGeneration: 'V1',
        storageProfile: {
          osDisk: { osType: 'Linux', osState: 'Generalized', blobUri: osUrl() },
          dataDisks: [{ lun: 4, blobUri: `${other.origin}/data.vhd`, caching: 'ReadOnly' }],
        },
      },
    }
    const asked = await arm.put('images/unmanaged', body)
    expect([asked.status, Object(asked.body.properties).provisioningState]).toEqual([
      201,
      'Creating',
    ])
    const early = await arm.put(`${versions}/1.0.0`, {
      ...west,
      properties: { storageProfile: { source: { id: arm.idOf('images/unmanaged') } } },
    })
    expect(await arm.ended(asked)).toMatchObject({ status: 'Succeeded' })
    // It has no content before, unless it was quicker than the second request.
    if (early.status !== 201) expect(errorOf(early)).toMatchObject({ code: 'Conflict' })
    const made = await arm.get('images/unmanaged')
    expect(made.body.properties).toMatchObject({
      storageProfile: {
        osDisk: { blobUri: `${good.origin}/os.vhd`, diskSizeGB: 1 },
        dataDisks: [{ lun: 4, blobUri: `${other.origin}/data.vhd`, diskSizeGB: 1 }],
      },
    })
    const again = await arm.put('images/unmanaged', made.body)
    expect(again.headers.get('etag')).toBe(made.headers.get('etag'))
    await arm.make(`${versions}/1.0.1`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: { source: { id: arm.idOf('images/unmanaged') } },
      },
    })
    await arm.remove('images/unmanaged')
    expect(Buffer.compare(await arm.bytesOf(`${versions}/1.0.1`, 'eastus'), os)).toBe(0)
    expect(Buffer.compare(await arm.bytesOf(`${versions}/1.0.1`, 'eastus', 4), data)).toBe(0)
  })

  it('R39 a version of a VHD and a disk is made, then replicated', async () => {
    const disk = await arm.upload('local', dataBytes(7))
    const made = await arm.make(`${versions}/2.0.0`, {
      ...west,
      properties: {
        publishingProfile: { targetRegions: [{ name: 'westeurope' }, { name: 'eastus' }] },
        storageProfile: {
          osDiskImage: { source: { uri: osUrl() } },
          dataDiskImages: [
            { lun: 1, source: { id: disk } },
            { lun: 2, hostCaching: 'None', source: { uri: `${other.origin}/data.vhd` } },
          ],
        },
      },
    })
    expect(made.properties).toMatchObject({
      provisioningState: 'Succeeded',
      storageProfile: {
        osDiskImage: {
          sizeInGB: 1,
          hostCaching: 'ReadWrite',
          source: { uri: `${good.origin}/os.vhd` },
        },
        dataDiskImages: [
          { lun: 1, hostCaching: 'ReadOnly', sizeInGB: 1 },
          { lun: 2, hostCaching: 'None', sizeInGB: 1 },
        ],
      },
    })
    for (const [lun, bytes] of [
      [undefined, os],
      [1, Buffer.from(dataBytes(7))],
      [2, data],
    ] as const) {
      const read = await arm.bytesOf(`${versions}/2.0.0`, 'eastus', lun)
      expect([lun, Buffer.compare(read, bytes)]).toEqual([lun, 0])
    }
    const shown = await arm.get(`${versions}/2.0.0`)
    const again = await arm.put(`${versions}/2.0.0`, shown.body)
    expect(again.headers.get('etag')).toBe(shown.headers.get('etag'))
    expect(await arm.ended(again)).toMatchObject({ status: 'Succeeded' })
  })

  it('R39 a version of a QCOW2 file: any format that is read', async () => {
    const cloud = await startSourceServer({ bytes: goldenDisk('qcow2-v3.qcow2') })
    const near = await openTestInstallation({ config: { imports: { hosts: [cloud.origin] } } })
    try {
      const at = openArm(near)
      await makeDefinition(near)
      await at.make(`${versions}/1.0.0`, {
        ...west,
        properties: { storageProfile: { osDiskImage: { source: { uri: `${cloud.origin}/c` } } } },
      })
      const read = await at.bytesOf(`${versions}/1.0.0`, 'westeurope')
      expect(Buffer.compare(read, goldenDisk('disk.raw'))).toBe(0)
    } finally {
      await near.close()
      await cloud.close()
    }
  })

  it('R39 what is no disk fails with a reason; asked for again once it is mended, it is made', async () => {
    const url = `${bad.origin}/broken.vhd`
    const made = {
      'disks/broken': importOf(url),
      'images/broken': {
        ...west,
        properties: {
          storageProfile: { osDisk: { osType: 'Linux', osState: 'Generalized', blobUri: url } },
        },
      },
      [`${versions}/3.0.0`]: {
        ...west,
        properties: { storageProfile: { osDiskImage: { source: { uri: url } } } },
      },
    }
    for (const [path, body] of Object.entries(made)) {
      expect(await arm.ended(await arm.put(path, body))).toMatchObject({
        status: 'Failed',
        error: { code: 'InvalidDisk', message: expect.any(String) },
      })
      expect((await arm.get(path)).body.properties).toMatchObject({ provisioningState: 'Failed' })
    }
    file.bytes = vhdFixed(data)
    for (const [path, body] of Object.entries(made)) {
      const again = await arm.put(path, body)
      expect([path, await arm.ended(again)]).toMatchObject([path, { status: 'Succeeded' }])
      expect((await arm.get(path)).body.properties).toMatchObject({
        provisioningState: 'Succeeded',
      })
    }
    await isReadable('disks/broken', data)
    expect(Buffer.compare(await arm.bytesOf(`${versions}/3.0.0`, 'westeurope'), data)).toBe(0)
  })

  it('R113 R65 a version tells how much of its file is there, then where it is replicated', async () => {
    const slow = Promise.withResolvers<void>()
    const bytes = vhdFixed(Buffer.concat([os, data, Buffer.alloc(28 * mib, 9)]))
    const host = await startSourceServer({ bytes }, ({ range, serve }) => {
      // Half of it comes at once, the rest when the test has looked.
      if ((range?.from ?? 0) < 16 * mib) serve()
      else void slow.promise.then(serve)
    })
    const near = await openTestInstallation({ config: { imports: { hosts: [host.origin] } } })
    try {
      const at = openArm(near)
      await makeDefinition(near)
      const asked = await at.put(`${versions}/1.0.0`, {
        ...west,
        properties: { storageProfile: { osDiskImage: { source: { uri: `${host.origin}/v` } } } },
      })
      const view = `${versions}/1.0.0/providers/Vitrine.Gallery/replication`
      const seen = async () => Object((await at.get(view, '2026-11-01')).body.value)[0]
      await expect.poll(seen).toMatchObject({
        region: 'westeurope',
        state: 'Replicating',
        usable: false,
        phase: 'fetch',
        bytesTotal: bytes.byteLength,
      })
      const shown = await at.get(`${versions}/1.0.0?$expand=ReplicationStatus`)
      expect(shown.body.properties).toMatchObject({
        replicationStatus: {
          aggregatedState: 'InProgress',
          summary: [{ region: 'West Europe', state: 'Replicating' }],
        },
      })
      slow.resolve()
      expect(await at.ended(asked)).toMatchObject({ status: 'Succeeded' })
      expect(await seen()).toMatchObject({ state: 'Completed', usable: true })
    } finally {
      slow.resolve()
      await near.close()
      await host.close()
    }
  })

  it('R45 a version that is tagged while its file is fetched is published once it is there', async () => {
    const body = (tags: JsonObject) => ({
      ...west,
      tags,
      properties: { storageProfile: { osDiskImage: { source: { uri: osUrl() } } } },
    })
    const [first, second] = [
      await arm.put(`${versions}/4.0.0`, body({ a: '1' })),
      await arm.put(`${versions}/4.0.0`, body({ a: '2' })),
    ]
    expect(await arm.ended(second)).toMatchObject({ status: 'Succeeded' })
    expect(await arm.ended(first)).toMatchObject({ status: 'Succeeded' })
    expect((await arm.get(`${versions}/4.0.0`)).body).toMatchObject({
      tags: { a: '2' },
      properties: { provisioningState: 'Succeeded' },
    })
    expect(Buffer.compare(await arm.bytesOf(`${versions}/4.0.0`, 'westeurope'), os)).toBe(0)
  })

  it('a version or disk that is deleted while its file is fetched leaves nothing', async () => {
    const paths = [`${versions}/5.0.0`, 'disks/hasty']
    const [version, disk] = [
      await arm.put(`${versions}/5.0.0`, {
        ...west,
        properties: { storageProfile: { osDiskImage: { source: { uri: osUrl() } } } },
      }),
      await arm.put('disks/hasty', importOf(osUrl())),
    ]
    for (const path of paths) await arm.remove(path)
    for (const path of paths) expect((await arm.get(path)).status).toBe(404)
    for (const answer of [version, disk]) {
      expect(['Canceled', 'Succeeded']).toContain((await arm.ended(answer)).status)
    }
  })

  it('a path that begins like an account here is fetched from its host all the same', async () => {
    const account = await makeAccount(vitrine, arm, 'vhds1')
    await (await account.container('vhds')).getBlockBlobClient('os.vhd').uploadData(vhdFixed(data))
    const url = `${good.origin}/vhds1/vhds/os.vhd`
    await arm.make('disks/foreign', importOf(url))
    await isReadable('disks/foreign', os)
    const azure = await arm.put(
      'disks/bad',
      importOf('https://vhds1.blob.core.windows.net/vhds/os.vhd'),
    )
    expect(errorOf(azure).message).toContain('imports.hosts')
    const { properties } = importOf(url)
    const creationData = { createOption: 'Import', sourceUri: url, storageAccountId: account.id }
    const mixed = await arm.put('disks/bad', {
      ...west,
      properties: { ...Object(properties), creationData },
    })
    expect(errorOf(mixed)).toMatchObject({
      code: 'InvalidParameter',
      message: expect.stringMatching(/not the URL of a blob of .* Use its primaryEndpoints\.blob/),
    })
  })

  it('a host that is not on the list, no URL, an account that is not here, two sources', async () => {
    const refused = async (path: string, body: unknown) => {
      const answer = await arm.put(path, body)
      return { status: answer.status, ...errorOf(answer) }
    }
    expect(await refused('disks/bad', importOf('https://elsewhere.example/os.vhd?sig=x'))).toEqual({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringMatching(
        /^'https:\/\/elsewhere\.example\/os\.vhd' cannot be imported\. .*imports\.hosts/,
      ),
      target: 'disk.properties.creationData.sourceUri',
    })
    expect(await refused('disks/bad', importOf('nonsense'))).toMatchObject({ status: 400 })
    const account = `${arm.groupPath}/providers/Microsoft.Storage/storageAccounts/nowhere1`
    const uri = `${vitrine.url}/nowhere1/vhds/os.vhd`
    const osDiskImage = (source: JsonObject) => ({
      ...west,
      properties: { storageProfile: { osDiskImage: { source } } },
    })
    expect(
      await refused(`${versions}/9.0.0`, osDiskImage({ uri, storageAccountId: account })),
    ).toMatchObject({ status: 404, code: 'NotFound' })
    expect(
      await refused(`${versions}/9.0.0`, osDiskImage({ uri: osUrl(), storageAccountId: account })),
    ).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(
      await refused(`${versions}/9.0.0`, osDiskImage({ uri, id: arm.idOf('disks/d') })),
    ).toMatchObject({ message: expect.stringMatching(/^The gallery artifact version source/) })
    expect(
      await refused('images/bad', {
        ...west,
        properties: {
          storageProfile: {
            osDisk: {
              osType: 'Linux',
              osState: 'Generalized',
              blobUri: osUrl(),
              managedDisk: { id: arm.idOf('disks/d') },
            },
          },
        },
      }),
    ).toMatchObject({ message: expect.stringContaining('has one source') })
  })
})
