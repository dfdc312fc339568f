import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dataBytes, openArm } from '../support/arm.ts'
import { type AzureCli, openAzureCli } from '../support/azure-cli.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const file = (name: string) => `test/golden/templates/${name}.json`

let vitrine: TestInstallation
let home: string
let az: AzureCli['az']
beforeAll(async () => {
  vitrine = await openTestInstallation()
  home = await mkdtemp(join(tmpdir(), 'vitrine-az-templates-'))
  ;({ az } = await openAzureCli(vitrine, home, 'mended'))
  await az('group', 'create', '-n', 'templates', '-l', 'westeurope')
  const arm = openArm(vitrine, 'templates')
  await arm.upload('source', dataBytes(1), { hyperVGeneration: 'V2' })
  await arm.make('images/golden', {
    location: 'westeurope',
    properties: {
      hyperVGeneration: 'V2',
      storageProfile: {
        osDisk: {
          osType: 'Linux',
          osState: 'Generalized',
          managedDisk: { id: arm.idOf('disks/source') },
        },
      },
    },
  })
})
afterAll(async () => {
  await vitrine.close()
  await rm(home, { recursive: true, force: true })
})

it('R119 templates deploy through az as they are, comments, loops and several lines included', async () => {
  const create = (name: string, ...parameters: readonly string[]) =>
    az(
      'deployment',
      'group',
      'create',
      '-g',
      'templates',
      '-n',
      name,
      '-f',
      file(name),
      '-p',
      ...parameters,
    )
  const all = await create('all-at-once', 'galleryName=ours', 'imageName=golden')
  expect(all).toMatchObject({
    properties: {
      provisioningState: 'Succeeded',
      outputs: {
        definitionIds: {
          type: 'Array',
          value: [expect.stringContaining('linux-small'), expect.stringContaining('linux-large')],
        },
        uniqueName: { value: expect.stringMatching(/-OURS$/) },
      },
    },
  })
  const version = await create(
    'image-version',
    'galleryName=ours',
    'imageDefinitionName=base',
    'versionName=2.0.0',
    'sourceType=disks',
    'sourceName=source',
  )
  expect(version).toMatchObject({ properties: { outputs: { state: { value: 'Succeeded' } } } })
  const versions = await az(
    'sig',
    'image-version',
    'list',
    '-g',
    'templates',
    '-r',
    'ours',
    '-i',
    'base',
  )
  expect(versions).toHaveLength(2)
  await expect(create('gallery', 'galleryName=')).rejects.toThrow("greater than or equal to '1'")
}, 300_000)

it('R119 a template of a subscription makes a group and what is in it', async () => {
  const made = await az(
    'deployment',
    'sub',
    'create',
    '-l',
    'westeurope',
    '-n',
    'whole',
    '-f',
    file('subscription'),
    '-p',
    'groupName=fresh',
    'galleryName=inside',
  )
  expect(made).toMatchObject({
    properties: {
      outputs: { galleryId: { value: expect.stringMatching(/\/fresh\/.*\/inside$/) } },
    },
  })
  expect(await az('sig', 'show', '-g', 'fresh', '-r', 'inside')).toMatchObject({
    location: 'westeurope',
  })
}, 300_000)
