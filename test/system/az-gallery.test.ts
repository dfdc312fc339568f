import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arm, openArm } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { makeAccount } from '../support/blob-account.ts'
import { noise } from '../support/noise.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'
import { vhdFixed } from '../support/vhd-files.ts'

const mib = 1024 * 1024
const osBytes = noise(21, 2 * mib)
const dataBytes = noise(22, 2 * mib)

describe('az sig, unmodified', () => {
  let vitrine: TestInstallation
  let home: string
  let cli: AzureCli
  let arm: Arm
  let below: string
  beforeAll(async () => {
    vitrine = await openTestInstallation()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    cli = await openAzureCli(vitrine, home)
    await cli.say('group create -n sigRG -l westeurope')
    arm = openArm(vitrine, 'sigRG')
    below = `/subscriptions/${vitrine.subscription}/resourceGroups/sigRG/providers/Microsoft.Compute`
    await arm.upload('os', osBytes, { osType: 'Linux', hyperVGeneration: 'V1' })
    await arm.upload('data', dataBytes)
    const snapshot = (of: string) =>
      arm.make(`snapshots/${of}Snap`, {
        location: 'westeurope',
        properties: {
          creationData: { createOption: 'Copy', sourceResourceId: `${below}/disks/${of}` },
        },
      })
    await Promise.all([snapshot('os'), snapshot('data')])
    await arm.make('images/managed', {
      location: 'westeurope',
      properties: {
        storageProfile: {
          osDisk: {
            osType: 'Linux',
            osState: 'Generalized',
            managedDisk: { id: `${below}/disks/os` },
          },
        },
      },
    })
  })
  afterAll(async () => {
    await vitrine.close()
    await rm(home, { recursive: true, force: true })
  })

  const inGallery = ['-g', 'sigRG', '--gallery-name', 'corp']
  const on = (line: string, ...more: readonly string[]) =>
    cli.say(`sig ${line}`, ...more, ...inGallery)
  const no = (line: string, ...more: readonly string[]) =>
    cli.refused(`sig ${line}`, ...more, ...inGallery)
  const definition = (name: string) => ` --gallery-image-definition ${name}`
  const version = (verb: string, name: string) =>
    `image-version ${verb} --gallery-image-definition linux --gallery-image-version ${name}`

  it('R1 R2 makes, shows, changes, lists and deletes galleries', async () => {
    expect(await on('create --tags a=b --description', 'the images of Contoso')).toMatchObject({
      description: 'the images of Contoso',
      id: `${below}/galleries/corp`,
      identifier: { uniqueName: `${vitrine.subscription}-CORP` },
      location: 'westeurope',
      name: 'corp',
      provisioningState: 'Succeeded',
      resourceGroup: 'sigRG',
      tags: { a: 'b' },
      type: 'Microsoft.Compute/galleries',
    })
    expect(await on('update --set tags.c=d description=ours')).toMatchObject({
      description: 'ours',
      tags: { a: 'b', c: 'd' },
    })
    await cli.say('sig create -g sigRG --gallery-name second -l eastus')
    const told = await Promise.all([
      on('show --query description'),
      cli.say('sig list --query', '[].name'),
      cli.say('sig list -g sigRG --query', "[?location=='eastus'].name"),
    ])
    expect(told).toEqual(['ours', ['corp', 'second'], ['second']])
    await cli.say('sig delete -g sigRG --gallery-name second')
    const refused = await Promise.all([
      cli.refused('sig show -g sigRG --gallery-name second'),
      cli.refused('sig create -g sigRG --gallery-name no-dashes'),
      cli.refused('sig create -g nowhere --gallery-name third'),
      cli.refused('sig create -g sigRG -l atlantis --gallery-name third'),
      cli.refused('sig create -g sigRG -l eastus --gallery-name corp'),
    ])
    expect(refused).toEqual([
      expect.stringMatching(
        /^3 \(ResourceNotFound\) The Resource 'Microsoft.Compute\/galleries\/second' under resource group 'sigRG' was not found./,
      ),
      expect.stringMatching(/^1 \(InvalidParameter\) Gallery name is invalid./),
      expect.stringMatching(
        /^3 \(ResourceGroupNotFound\) Resource group 'nowhere' could not be found./,
      ),
      expect.stringMatching(/^1 \(LocationNotAvailableForResourceType\)/),
      expect.stringMatching(/^1 \(InvalidResourceLocation\)/),
    ])
  })

  it('R8 R102 makes, shows, changes and lists image definitions with all that az can say', async () => {
    const line = [
      'image-definition create --publisher Contoso --offer Finance --os-type linux --os-state generalized',
      '--hyper-v-generation V2 --minimum-cpu-core 1 --maximum-cpu-core 8 --minimum-memory 2',
      '--maximum-memory 32 --end-of-life-date 2099-01-01 --eula https://contoso.example/eula',
      '--plan-name plan --plan-publisher Contoso --plan-product product',
      '--disallowed-disk-types Standard_LRS --features SecurityType=TrustedLaunch --architecture x64',
      '--sku Full',
    ]
    const made = await Promise.all([
      on(`${line.join(' ')}${definition('full')}`),
      on(
        `image-definition create --publisher Contoso --offer Finance --sku Plain --os-type Linux${definition('linux')}`,
      ),
    ])
    expect(made).toMatchObject([
      {
        architecture: 'x64',
        disallowed: { diskTypes: ['Standard_LRS'] },
        endOfLifeDate: '2099-01-01T12:59:59+00:00',
        eula: 'https://contoso.example/eula',
        features: [{ name: 'SecurityType', value: 'TrustedLaunch' }],
        hyperVGeneration: 'V2',
        id: `${below}/galleries/corp/images/full`,
        identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Full' },
        osState: 'Generalized',
        osType: 'Linux',
        provisioningState: 'Succeeded',
        purchasePlan: { name: 'plan', publisher: 'Contoso', product: 'product' },
        recommended: { memory: { min: 2, max: 32 }, vCpUs: { min: 1, max: 8 } },
        type: 'Microsoft.Compute/galleries/images',
      },
      { hyperVGeneration: 'V1', osState: 'Generalized', name: 'linux' },
    ])
    const changed = await on(
      `image-definition update${definition('full')} --set description=d releaseNoteUri=https://n.example privacyStatementUri=https://p.example --query`,
      '[description, releaseNoteUri, privacyStatementUri]',
    )
    expect(changed).toEqual(['d', 'https://n.example', 'https://p.example'])
    const told = await Promise.all([
      on(`image-definition show${definition('FULL')} --query identifier.sku`),
      on('image-definition list --query', '[].name'),
      no(`image-definition show${definition('none')}`),
      no(`image-definition update --set osType=Windows${definition('full')}`),
      no(
        `image-definition create --publisher contoso --offer finance --sku full --os-type Linux${definition('twin')}`,
      ),
      no(
        `image-definition create --publisher P --offer O --sku S --os-type Plan9${definition('x')}`,
      ),
      cli.refused(
        `sig image-definition create -g sigRG -r none --publisher P --offer O --sku S --os-type Linux${definition('x')}`,
      ),
      no('delete'),
    ])
    expect(told).toEqual([
      'Full',
      ['full', 'linux'],
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(
        /^1 \(PropertyChangeNotAllowed\) Changing property 'galleryImage.properties.osType' is not allowed./,
      ),
      expect.stringMatching(/^1 \(Conflict\) Gallery image: full identified by/),
      expect.stringMatching(/^2 .*--os-type/s),
      expect.stringMatching(/^3 \(ParentResourceNotFound\)/),
      expect.stringMatching(/^1 \(CannotDeleteResource\)/),
    ])
    await on(`image-definition delete${definition('full')}`)
  })

  it('R37 R40 R41 R43 R48 makes versions of snapshots, disks, managed images, versions and VHDs', async () => {
    const account = await makeAccount(vitrine, arm, 'sigvhds')
    const vhd = vhdFixed(osBytes)
    const blob = (await account.container('vhds')).getPageBlobClient('os.vhd')
    await blob.create(vhd.length)
    await blob.uploadPages(vhd, 0, vhd.length)
    const uri = `${account.endpoint}/vhds/os.vhd`
    const snapshots = ['--data-snapshots', 'dataSnap', '--data-snapshot-luns', '3']
    const made = await Promise.all([
      on(
        `${version('create', '1.0.0')} --os-snapshot osSnap --target-regions westeurope=1=standard_zrs eastus=2`,
        ...snapshots,
      ),
      on(
        `${version('create', '1.1.0')} --os-snapshot ${below}/disks/os --exclude-from-latest true --end-of-life-date 2099-01-01 --storage-account-type Premium_LRS --replica-count 2`,
      ),
      on(`${version('create', '1.2.0')} --managed-image managed --tags a=b`),
      on(
        `${version('create', '1.3.0')} --os-vhd-uri ${uri} --os-vhd-storage-account ${account.id}`,
      ),
    ])
    expect(made).toMatchObject([
      {
        id: `${below}/galleries/corp/images/linux/versions/1.0.0`,
        name: '1.0.0',
        provisioningState: 'Succeeded',
        publishingProfile: {
          excludeFromLatest: false,
          replicaCount: 1,
          targetRegions: [
            { name: 'West Europe', regionalReplicaCount: 1, storageAccountType: 'Standard_ZRS' },
            { name: 'East US', regionalReplicaCount: 2, storageAccountType: 'Standard_LRS' },
          ],
        },
        storageProfile: {
          osDiskImage: { source: { id: `${below}/snapshots/osSnap` } },
          dataDiskImages: [{ lun: 3, source: { id: `${below}/snapshots/dataSnap` } }],
        },
        type: 'Microsoft.Compute/galleries/images/versions',
      },
      {
        publishingProfile: {
          excludeFromLatest: true,
          endOfLifeDate: '2099-01-01T12:59:59+00:00',
          storageAccountType: 'Premium_LRS',
          replicaCount: 2,
        },
        storageProfile: { osDiskImage: { source: { id: `${below}/disks/os` } } },
      },
      { storageProfile: { source: { id: `${below}/images/managed` } }, tags: { a: 'b' } },
      { storageProfile: { osDiskImage: { source: { uri } } } },
    ])
    const source = `${below}/galleries/corp/images/linux/versions/1.0.0`
    await on(`${version('create', '2.0.0')} --no-wait --image-version ${source}`)
    await on(`${version('wait', '2.0.0')} --created --interval 1`)
    const read = await arm.bytesOf('galleries/corp/images/linux/versions/2.0.0', 'westeurope', 3)
    expect(Buffer.compare(read, dataBytes)).toBe(0)
  })

  it('R63 R67 R74 R123 changes, shows, lists and deletes versions, and says what is wrong', async () => {
    const names = ['--query', 'publishingProfile.targetRegions[].name']
    const added = '--add publishingProfile.targetRegions name=northeurope regionalReplicaCount=1'
    expect(await on(`${version('update', '1.0.0')} ${added}`, ...names)).toEqual([
      'West Europe',
      'East US',
      'North Europe',
    ])
    const removed = '--remove publishingProfile.targetRegions 1'
    expect(await on(`${version('update', '1.0.0')} ${removed}`, ...names)).toEqual([
      'West Europe',
      'North Europe',
    ])
    const changed = await Promise.all([
      on(`${version('update', '1.2.0')} --target-regions westeurope=2 westus=1=premium_lrs`),
      on(`${version('update', '1.3.0')} --set publishingProfile.excludeFromLatest=true tags.x=y`),
    ])
    expect(changed).toMatchObject([
      {
        publishingProfile: {
          targetRegions: [
            { name: 'West Europe', regionalReplicaCount: 2 },
            { name: 'West US', storageAccountType: 'Premium_LRS' },
          ],
        },
      },
      { publishingProfile: { excludeFromLatest: true }, tags: { x: 'y' } },
    ])
    const told = await Promise.all([
      on(`${version('show', '1.2.0')} --expand ReplicationStatus --query replicationStatus`),
      on(`image-version list${definition('linux')} --query`, '[].name'),
    ])
    expect(told).toEqual([
      {
        aggregatedState: 'Completed',
        summary: ['West Europe', 'West US'].map((region) => ({
          region,
          state: 'Completed',
          progress: 100,
          details: '',
        })),
      },
      ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '2.0.0'],
    ])
    await on(version('delete', '1.1.0'))
    await on(`${version('wait', '1.1.0')} --deleted --interval 1`)
    const refused = await Promise.all([
      no(version('show', '1.1.0')),
      no(`${version('create', '1.0')} --os-snapshot osSnap`),
      no(`${version('create', '3.0.0')} --os-snapshot osSnap --target-regions eastus`),
      no(
        `${version('create', '3.0.0')} --os-snapshot osSnap --target-regions westeurope westeurope=2`,
      ),
      no(`${version('create', '3.0.0')} --os-snapshot osSnap --replica-count 1000`),
      no(`${version('create', '3.0.0')} --os-snapshot ${below}/snapshots/none`),
      no(`${version('create', '1.0.0')} --os-snapshot dataSnap`),
      no(version('create', '3.0.0')),
      no(`image-definition delete${definition('linux')}`),
    ])
    expect(refused).toEqual([
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^1 \(InvalidParameter\) The image version name is invalid./),
      expect.stringMatching(
        /^1 \(InvalidParameter\) Gallery image version publishing profile regions 'East US' must contain the location of image version 'westeurope'./,
      ),
      expect.stringMatching(/^1 \(InvalidParameter\) Duplicate regions are not allowed/),
      expect.stringMatching(/^1 \(InvalidParameter\) The value 1000 of parameter .* out of range/),
      expect.stringMatching(/^3 \(NotFound\)/),
      expect.stringMatching(/^1 \(PropertyChangeNotAllowed\)/),
      expect.stringMatching(/^[12] /),
      expect.stringMatching(/^1 \(CannotDeleteResource\)/),
    ])
  })

  it('makes gallery applications and their versions of packages, and the gallery goes when all is gone', async () => {
    const account = await makeAccount(vitrine, arm, 'sigpackages')
    const packages = await account.container('apps')
    await packages.getBlockBlobClient('app.zip').uploadData(osBytes)
    const app = '--application-name tool'
    const made = await on(`gallery-application create ${app} --os-type Linux --tags a=b`)
    expect(made).toMatchObject({
      id: `${below}/galleries/corp/applications/tool`,
      supportedOsType: 'Linux',
      tags: { a: 'b' },
      type: 'Microsoft.Compute/galleries/applications',
    })
    const version = [
      `gallery-application version create ${app} --version-name 1.0.0 -l westeurope`,
      `--package-file-link ${account.endpoint}/apps/app.zip --exclude-from true`,
    ]
    const commands = ['--install-command', 'sh install.sh', '--remove-command', 'sh remove.sh']
    const regions = ['--target-regions', '[{"name":"westeurope"},{"name":"eastus"}]']
    expect(await on(version.join(' '), ...commands, ...regions)).toMatchObject({
      id: `${below}/galleries/corp/applications/tool/versions/1.0.0`,
      provisioningState: 'Succeeded',
      publishingProfile: {
        excludeFromLatest: true,
        manageActions: { install: 'sh install.sh', remove: 'sh remove.sh' },
        source: { mediaLink: `${account.endpoint}/apps/app.zip` },
        targetRegions: [{ name: 'West Europe' }, { name: 'East US' }],
      },
      type: 'Microsoft.Compute/galleries/applications/versions',
    })
    const update = [
      `gallery-application version update ${app} --version-name 1.0.0 -l westeurope --no-wait`,
      `--package-file-link ${account.endpoint}/apps/app.zip --tags c=d --target-regions`,
    ]
    // az 2.45 takes one region there, and makes the list of it itself.
    await on(update.join(' '), '{"name":"westeurope"}')
    await on(`gallery-application version wait ${app} --version-name 1.0.0 --updated --interval 1`)
    await on(`gallery-application wait ${app} --exists --interval 1`)
    const told = await Promise.all([
      on(`gallery-application update ${app} --description x --query description`),
      on('gallery-application list --query', '[].name'),
      on(`gallery-application version list ${app} --query`, '[].name'),
      on(
        `gallery-application version show ${app} --version-name 1.0.0 --query`,
        '[tags.c, publishingProfile.targetRegions[].name, publishingProfile.manageActions.install]',
      ),
      on(`gallery-application show ${app} --query tags.a`),
      no('gallery-application show --application-name none'),
      no(`gallery-application delete ${app} --yes`),
    ])
    expect(told).toEqual([
      'x',
      ['tool'],
      ['1.0.0'],
      ['d', ['West Europe'], 'sh install.sh'],
      'b',
      expect.stringMatching(/^3 \(ResourceNotFound\)/),
      expect.stringMatching(/^1 \(CannotDeleteResource\)/),
    ])
    await on(`gallery-application version delete ${app} --version-name 1.0.0 --yes`)
    await on(`gallery-application delete ${app} --yes`)
    for (const name of ['1.0.0', '1.2.0', '1.3.0', '2.0.0']) {
      await arm.remove(`galleries/corp/images/linux/versions/${name}`)
    }
    await on(`image-definition delete${definition('linux')}`)
    await on('delete')
    expect(await cli.say('sig list')).toEqual([])
  })
})
