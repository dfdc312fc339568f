import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024
const bytes = noise(11, 2 * mib)
const Granted = z.object({ accessSas: z.string() })

describe('the Azure CLI, with Debian’s package mended: disks, snapshots and managed images', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  let below: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    cli = await openAzureCli(vitrine, home, 'mended')
    await cli.say('group create -n computeRG -l westeurope')
    below = `/subscriptions/${vitrine.subscription}/resourceGroups/computeRG/providers/Microsoft.Compute`
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  const inGroup = ['-g', 'computeRG']
  const on = (line: string, ...more: readonly string[]) => cli.say(line, ...more, ...inGroup)
  const no = (line: string, ...more: readonly string[]) => cli.refused(line, ...more, ...inGroup)

  it('az disk grant-access gives an address that takes and gives bytes over plain HTTP', async () => {
    const file = vhdFixed(Buffer.from(bytes))
    const size = ['--upload-type', 'Upload', '--upload-size-bytes', String(file.length)]
    const made = await on('disk create -n up', ...size, '--os-type', 'Linux', '--tags', 'a=b')
    expect(made).toMatchObject({
      id: `${below}/disks/up`,
      name: 'up',
      resourceGroup: 'computeRG',
      type: 'Microsoft.Compute/disks',
      location: 'westeurope',
      creationData: { createOption: 'Upload', uploadSizeBytes: file.length },
      diskState: 'ReadyToUpload',
      provisioningState: 'Succeeded',
      osType: 'Linux',
      sku: { name: 'Premium_LRS', tier: 'Premium' },
      tags: { a: 'b' },
    })
    const grant = 'disk grant-access --duration-in-seconds 3600 -n'
    const { accessSas } = Granted.parse(await on(`${grant} up --access-level Write`))
    for (let at = 0; at < file.length; at += 4 * mib) {
      const page = file.subarray(at, at + 4 * mib)
      const answer = await fetch(`${accessSas}&comp=page`, {
        method: 'PUT',
        headers: {
          'x-ms-page-write': 'update',
          'x-ms-version': '2021-08-06',
          'x-ms-range': `bytes=${at}-${at + page.length - 1}`,
        },
        body: page,
      })
      expect(answer.status).toBe(201)
    }
    expect(await on('disk show -n up --query diskState')).toBe('ActiveUpload')
    await on('disk revoke-access -n up')
    expect((await fetch(accessSas)).status).toBe(403)
    const read = Granted.parse(await on(`${grant} up`))
    const answer = await fetch(read.accessSas)
    expect(answer.status).toBe(200)
    const got = Buffer.from(await answer.arrayBuffer())
    expect(Buffer.compare(got.subarray(0, bytes.length), bytes)).toBe(0)
    await on('disk revoke-access -n up')
    expect((await fetch(read.accessSas)).status).toBe(403)
    expect(await on('disk show -n up --query', '[diskState, diskSizeBytes]')).toEqual([
      'Unattached',
      bytes.length,
    ])
  })

  it('az disk and az snapshot create, copy, change, list and wait', async () => {
    const [empty, snapshot] = await Promise.all([
      on('disk create -n empty --size-gb 1 --sku Standard_LRS --zone 1'),
      on('snapshot create -n snap --source up --incremental true'),
    ])
    expect(empty).toMatchObject({ diskSizeGb: 1, diskState: 'Unattached', zones: ['1'] })
    expect(snapshot).toMatchObject({
      id: `${below}/snapshots/snap`,
      type: 'Microsoft.Compute/snapshots',
      creationData: { createOption: 'Copy', sourceResourceId: `${below}/disks/up` },
      incremental: true,
      sku: { name: 'Standard_LRS' },
      diskState: 'Unattached',
      provisioningState: 'Succeeded',
    })
    const made = await Promise.all([
      on('disk create -n fromSnap --source snap --query creationData.sourceResourceId'),
      on('snapshot create -n snap2 --source snap --query creationData.createOption'),
      on('disk update -n empty --set tags.c=d --query tags'),
      on('snapshot update -n snap --set tags.e=f --query tags'),
    ])
    expect(made).toEqual([`${below}/snapshots/snap`, 'Copy', { c: 'd' }, { e: 'f' }])
    const told = await Promise.all([
      on('disk list --query', '[].name'),
      on('snapshot list --query', '[].name'),
      cli.say('disk list --query', '[].name'),
      on('snapshot show -n snap --query tags.e'),
      on('disk wait -n fromSnap --created'),
      on('snapshot wait -n snap2 --created'),
      on('snapshot grant-access -n snap --duration-in-seconds 600 --query accessSas'),
    ])
    expect(told).toEqual([
      ['empty', 'fromSnap', 'up'],
      ['snap', 'snap2'],
      ['empty', 'fromSnap', 'up'],
      'f',
      undefined,
      undefined,
      expect.stringContaining('sig='),
    ])
    await on('snapshot revoke-access -n snap')
    await Promise.all([on('snapshot delete -n snap2'), on('disk delete -n empty --yes')])
    await on('disk wait -n empty --deleted --interval 1')
  })

  it('az disk and az snapshot say Azure’s code, and exit as for Azure, when refused', async () => {
    expect(
      await Promise.all([
        no('disk show -n none'),
        no('snapshot show -n none'),
        no('disk create --size-gb 1 -n', 'bad name'),
        no('disk create -n big --size-gb 99999'),
        no('disk create -n far --size-gb 1 -l atlantis'),
        no(`disk create -n lost --source ${below}/snapshots/none`),
        no('snapshot create -n lost --source nothing'),
        no('disk create -n odd --size-gb 1 --sku Floppy_LRS'),
        no('disk grant-access -n none --duration-in-seconds 60'),
        no('disk update -n up --size-gb 9'),
        no('snapshot grant-access -n none --duration-in-seconds 60'),
        no('snapshot update -n none --set tags.a=b'),
      ]),
    ).toEqual([
      expect.stringMatching(
        /^3 \(ResourceNotFound\) The Resource 'Microsoft.Compute\/disks\/none'/,
      ),
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^1 \(InvalidParameter\)/),
      expect.stringMatching(/^1 \(InvalidParameter\) The value 99999 of parameter diskSizeGB/),
      expect.stringMatching(/^1 \(LocationNotAvailableForResourceType\)/),
      expect.stringMatching(/^3 \(NotFound\)/),
      expect.stringMatching(/^1 usage error: --source/),
      expect.stringMatching(/^2 .*--sku/s),
      // Asked by a check of az's own, before the grant.
      expect.stringMatching(/^2 \(ResourceNotFound\)/),
      expect.stringMatching(/^1 \(PropertyChangeNotAllowed\)/),
      expect.stringMatching(/^[23] \(ResourceNotFound\)/),
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
    ])
    const policy = 'disk update -n up --query networkAccessPolicy --network-access-policy'
    expect(await on(`${policy} DenyAll`)).toBe('DenyAll')
    expect(await no('disk grant-access -n up --duration-in-seconds 60')).toMatch(
      /^1 \(OperationNotAllowed\)/,
    )
    expect(await on(`${policy} AllowAll`)).toBe('AllowAll')
  })

  it('R35 R48 az image makes managed images of disks, snapshots and blobs', async () => {
    await on('storage account create -n azimages -l westeurope')
    const told = await on('storage account show-connection-string -n azimages')
    const connection = [
      '--connection-string',
      String(Reflect.get(Object(told), 'connectionString')),
    ]
    await cli.say('storage container create -n vhds', ...connection)
    const path = join(home, 'os.vhd')
    await writeFile(path, vhdFixed(bytes))
    await cli.say('storage blob upload -c vhds -n os.vhd --type page -f', path, ...connection)
    const grant = await on('snapshot grant-access -n snap --duration-in-seconds 600')
    const to = 'storage blob copy start --destination-container vhds --destination-blob snap.vhd'
    const exporting = ['--source-uri', Granted.parse(grant).accessSas, ...connection]
    expect(await cli.say(to, ...exporting)).toMatchObject({ copy_status: 'success' })
    await on('snapshot revoke-access -n snap')
    expect(await cli.refused(to, ...exporting)).toMatch(/^1 .*CannotVerifyCopySource/s)
    const size = 'storage blob show -c vhds -n snap.vhd --query properties.contentLength'
    expect(await cli.say(size, ...connection)).toBe(bytes.length + 512)
    const made = await Promise.all([
      on('image create -n ofDisk --source up --os-type Linux --tags a=b'),
      on('image create -n ofSnap --source snap --os-type Linux --data-disk-sources fromSnap'),
      on(
        'image create -n ofBlob --os-type Linux --hyper-v-generation V2 --source',
        `${vitrine.url}/azimages/vhds/os.vhd`,
      ),
    ])
    expect(made).toMatchObject([
      {
        id: `${below}/images/ofDisk`,
        type: 'Microsoft.Compute/images',
        hyperVGeneration: 'V1',
        provisioningState: 'Succeeded',
        storageProfile: {
          osDisk: { managedDisk: { id: `${below}/disks/up` }, osState: 'Generalized' },
        },
        tags: { a: 'b' },
      },
      {
        storageProfile: {
          osDisk: { snapshot: { id: `${below}/snapshots/snap` } },
          dataDisks: [{ lun: 0, managedDisk: { id: `${below}/disks/fromSnap` } }],
        },
      },
      { hyperVGeneration: 'V2', storageProfile: { osDisk: { blobUri: expect.any(String) } } },
    ])
    expect(await on('image update -n ofDisk --tags k=v --query tags')).toEqual({ k: 'v' })
    const seen = await Promise.all([
      on('image list --query', '[].name'),
      on('image show -n ofSnap --query storageProfile.osDisk.osType'),
      no('image show -n none'),
      no('image create -n lost --os-type Linux --source', `${below}/disks/none`),
      no('image create -n odd --source up --os-type Plan9'),
    ])
    expect(seen).toEqual([
      ['ofBlob', 'ofDisk', 'ofSnap'],
      'Linux',
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^3 \(NotFound\)/),
      expect.stringMatching(/^2 /),
    ])
    await Promise.all([on('image delete -n ofSnap'), on('image delete -n ofBlob')])
    expect(await on('image list --query', '[].name')).toEqual(['ofDisk'])
  })
})
