import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { definition, gallery, group } from '../support/main-job.ts'
import {
  consumers,
  openSharingWorld,
  owners,
  type SharingWorld,
  uniqueName,
} from '../support/sharing-world.ts'

const of = ['-g', group, '--gallery-name', gallery]
const inConsumers = ['--subscription', consumers]
const there = [...inConsumers, '-l', 'westeurope']

describe('the Azure CLI, unmodified, shares galleries', () => {
  let world: SharingWorld
  let home: string
  let az: AzureCli['az']

  beforeAll(async () => {
    world = await openSharingWorld()
    home = await mkdtemp(join(tmpdir(), 'vitrine-az-'))
    ;({ az } = await openAzureCli(world.vitrine, home))
    await az('account', 'set', '-s', owners)
  })
  afterAll(async () => {
    await world.close()
    await rm(home, { recursive: true, force: true })
  })

  it('R88 with az sig share, and finds them with az sig list-shared', async () => {
    const one = '30000000-0000-4000-8000-000000000009'
    await az('sig', 'share', 'add', ...of, '--subscription-ids', consumers, one)
    await az('sig', 'share', 'add', ...of, '--tenant-ids', world.vitrine.config.tenantId)
    expect(await az('sig', 'show', ...of, '--sharing-groups')).toMatchObject({
      sharingProfile: {
        permissions: 'Groups',
        groups: [
          { type: 'Subscriptions', ids: [consumers, one] },
          { type: 'AADTenants', ids: [world.vitrine.config.tenantId] },
        ],
      },
    })
    await az('sig', 'share', 'remove', ...of, '--subscription-ids', one)
    expect(await az('sig', 'show', ...of, '--select', 'Permissions')).toMatchObject({
      sharingProfile: { groups: [{ ids: [consumers] }, { type: 'AADTenants' }] },
    })
    for (const to of [[], ['--shared-to', 'tenant']]) {
      const listed = await az('sig', 'list-shared', ...there, ...to)
      expect(listed).toMatchObject([
        { name: uniqueName, uniqueId: `/SharedGalleries/${uniqueName}` },
      ])
    }
    const named = [...there, '--gallery-unique-name', uniqueName]
    expect(await az('sig', 'show-shared', ...named)).toMatchObject({ name: uniqueName })
    expect(await az('sig', 'image-definition', 'list-shared', ...named)).toMatchObject([
      { name: definition, osType: 'Linux', osState: 'Generalized' },
    ])
    const image = [...named, '--gallery-image-definition', definition]
    expect(await az('sig', 'image-definition', 'show-shared', ...image)).toMatchObject({
      identifier: { publisher: 'Contoso', offer: 'Finance', sku: 'Backend' },
    })
    expect(await az('sig', 'image-version', 'list-shared', ...image)).toMatchObject([
      { name: '1.0.0' },
      { name: '1.1.0' },
    ])
    const version = [...image, '--gallery-image-version', '1.0.0']
    expect(await az('sig', 'image-version', 'show-shared', ...version)).toMatchObject({
      name: '1.0.0',
    })
  })

  it('R90 makes a disk of a shared image', async () => {
    await az('group', 'create', ...inConsumers, '-n', 'theirs', '-l', 'westeurope')
    const reference = `/SharedGalleries/${uniqueName}/Images/${definition}/Versions/1.0.0`
    const disk = ['-g', 'theirs', '-n', 'fromShared', '--gallery-image-reference', reference]
    const made = await az('disk', 'create', ...inConsumers, ...disk)
    expect(made).toMatchObject({
      provisioningState: 'Succeeded',
      creationData: { galleryImageReference: { sharedGalleryImageId: reference } },
    })
  })

  it('with everybody, and finds that with az sig list-community', async () => {
    const everybody = ['-g', group, '--gallery-name', 'azEverybody']
    const info = [
      ['--publisher-uri', 'https://contoso.example'],
      ['--publisher-email', 'images@contoso.example'],
      ['--eula', 'https://contoso.example/eula'],
      ['--public-name-prefix', 'azcontoso'],
    ].flat()
    await az(
      'sig',
      'create',
      ...everybody,
      '-l',
      'westeurope',
      '--permissions',
      'Community',
      ...info,
    )
    await az('sig', 'share', 'enable-community', ...everybody)
    const shown = await az('sig', 'show', ...everybody)
    expect(shown).toMatchObject({
      sharingProfile: {
        permissions: 'Community',
        communityGalleryInfo: {
          communityGalleryEnabled: true,
          publicNames: [expect.stringMatching(/^azcontoso-/)],
        },
      },
    })
    const listed = await az('sig', 'list-community', '-l', 'westeurope')
    expect(listed).toMatchObject([
      {
        name: expect.stringMatching(/^azcontoso-/),
        location: 'westeurope',
        communityMetadata: { publisherContact: 'images@contoso.example' },
        uniqueId: expect.stringMatching(/^\/CommunityGalleries\/azcontoso-/),
      },
    ])
    const [{ name: publicName }] = listed as [{ name: string }]
    const named = [...there, '--public-gallery-name', publicName]
    expect(await az('sig', 'show-community', ...named)).toMatchObject({ name: publicName })
    expect(await az('sig', 'image-definition', 'list-community', ...named)).toEqual([])
    await az('sig', 'share', 'reset', ...everybody)
    expect(await az('sig', 'list-community')).toEqual([])
    await az('sig', 'delete', ...everybody)
    await az('sig', 'share', 'reset', ...of)
    expect(await az('sig', 'list-shared', ...there)).toEqual([])
  })
})
