import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/domain/rows.ts'
import {
  computeApiVersions,
  diskApiVersions,
  galleryApiVersions,
  resourcesApiVersions,
} from '../../src/resources/api-versions.ts'
import { isObject, valueAt } from '../../src/resources/paths.ts'
import { type Arm, dataBytes, openArm } from '../support/arm.ts'
import { openTestInstallation, type TestInstallation } from '../support/test-installation.ts'

const west = { location: 'westeurope' }
const storage = 'properties.storageProfile'
const publishing = 'properties.publishingProfile'

/** Path → the first api-version that shows it, as Azure's specifications have it. */
const versionShapes: Readonly<Record<string, string>> = {
  [`${publishing}.storageAccountType`]: '2019-03-01',
  [`${storage}.source`]: '2019-07-01',
  [`${publishing}.replicationMode`]: '2021-07-01',
  'properties.safetyProfile': '2022-03-03',
}
const definitionShapes: Readonly<Record<string, string>> = {
  'properties.hyperVGeneration': '2019-07-01',
  'properties.features': '2020-09-30',
  'properties.architecture': '2021-10-01',
}
const galleryShapes: Readonly<Record<string, string>> = {
  'properties.sharingProfile': '2020-09-30',
  'properties.softDeletePolicy': '2021-07-01',
  identity: '2024-03-03',
}

/** One gallery, definition and version with all they can say, seen and sent back through every api-version. */
describe('api-versions', () => {
  let vitrine: TestInstallation
  let arm: Arm
  const newest = galleryApiVersions.at(-1) ?? ''
  const gallery = 'galleries/rich'
  const definition = `${gallery}/images/rich`
  const version = `${definition}/versions/1.0.0`
  const image = 'images/source'

  beforeAll(async () => {
    vitrine = await openTestInstallation()
    arm = openArm(vitrine)
    await arm.put(arm.groupPath, west)
    const id = await arm.upload('os', dataBytes(1))
    await arm.make('snapshots/os', {
      ...west,
      properties: {
        incremental: true,
        creationData: { createOption: 'Copy', sourceResourceId: id },
      },
    })
    await arm.make(image, {
      ...west,
      properties: {
        storageProfile: {
          osDisk: { osType: 'Linux', osState: 'Generalized', managedDisk: { id } },
        },
      },
    })
    await arm.make(
      gallery,
      {
        ...west,
        tags: { a: 'b' },
        identity: { type: 'SystemAssigned' },
        properties: {
          description: 'd',
          sharingProfile: { permissions: 'Groups' },
          softDeletePolicy: { isSoftDeleteEnabled: false },
        },
      },
      newest,
    )
    await arm.make(
      definition,
      {
        ...west,
        properties: {
          osType: 'Linux',
          osState: 'Generalized',
          hyperVGeneration: 'V1',
          architecture: 'x64',
          description: 'd',
          identifier: { publisher: 'p', offer: 'o', sku: 's' },
          features: [{ name: 'IsAcceleratedNetworkSupported', value: 'True' }],
          recommended: { vCPUs: { min: 1, max: 2 } },
          endOfLifeDate: '2090-01-01',
        },
      },
      newest,
    )
    await arm.make(
      version,
      {
        ...west,
        tags: {},
        properties: {
          publishingProfile: {
            targetRegions: [
              { name: 'westeurope', storageAccountType: 'Premium_LRS', excludeFromLatest: true },
              { name: 'eastus', regionalReplicaCount: 2 },
            ],
            storageAccountType: 'Standard_LRS',
            replicationMode: 'Full',
            endOfLifeDate: '2091-01-01',
          },
          storageProfile: { source: { id: arm.idOf(image) } },
          safetyProfile: {
            allowDeletionOfReplicatedLocations: true,
            blockDeletionBeforeEndOfLife: false,
          },
        },
      },
      newest,
    )
  })
  afterAll(() => vitrine.close())

  describe.each(galleryApiVersions)('%s', (api) => {
    it.each([
      ['gallery', gallery],
      ['definition', definition],
      ['version', version],
    ])(
      'a PUT of what GET returned changes nothing of the %s, and asks for no work',
      async (_, path) => {
        const full = await arm.get(path, newest)
        const seen = await arm.get(path, api)
        const again = await arm.put(path, seen.body, api)
        expect([again.status, again.body.error]).toEqual([200, undefined])
        expect(again.headers.get('etag')).toBe(full.headers.get('etag'))
        expect((await arm.get(path, newest)).body).toEqual(full.body)
        const { read } = vitrine.installation.store
        expect(await read.work.unfinishedOf(arm.idOf(path).toLowerCase())).toEqual([])
      },
    )

    it('answers in its own shape, alone and in lists', async () => {
      for (const [path, list, shapes] of [
        [gallery, 'galleries', galleryShapes],
        [definition, `${gallery}/images`, definitionShapes],
        [version, `${definition}/versions`, versionShapes],
      ] as const) {
        const { body } = await arm.get(path, api)
        for (const [at, since] of Object.entries(shapes)) {
          expect([at, valueAt(body, at) !== undefined]).toEqual([at, api >= since])
        }
        const { value } = (await arm.get(list, api)).body
        expect(value).toEqual([body])
      }
      const { body } = await arm.get(version, api)
      const old = valueAt(body, `${publishing}.source.managedImage.id`)
      expect(old).toBe(api < '2019-07-01' ? arm.idOf(image) : undefined)
      const [first] = listOf(valueAt(body, `${publishing}.targetRegions`))
      expect(first?.excludeFromLatest).toBe(api < '2022-03-03' ? undefined : true)
    })

    it('makes a gallery, a definition and a version with what it knows, and deletes them', async () => {
      const name = `v${api.replaceAll('-', '')}`
      await arm.make(`galleries/${name}`, { ...west, properties: { description: 'x' } }, api)
      const at = `galleries/${name}/images/d`
      await arm.make(
        at,
        {
          ...west,
          properties: {
            osType: 'Linux',
            osState: 'Generalized',
            hyperVGeneration: 'V1',
            identifier: { publisher: 'p', offer: 'o', sku: 's' },
          },
        },
        api,
      )
      const id = arm.idOf(image)
      const properties =
        api < '2019-07-01'
          ? { publishingProfile: { source: { managedImage: { id } } } }
          : { storageProfile: { source: { id } } }
      const made = await arm.make(`${at}/versions/1.0.0`, { ...west, properties }, api)
      expect(valueAt(made, 'properties.provisioningState')).toBe('Succeeded')
      const stored = (await arm.get(`${at}/versions/1.0.0`, newest)).body
      expect(listOf(valueAt(stored, `${publishing}.targetRegions`))).toEqual([
        {
          name: 'West Europe',
          regionalReplicaCount: 1,
          // From 2025-03-03 on a version prefers Standard_ZRS where zones exist.
          storageAccountType: api < '2025-03-03' ? 'Standard_LRS' : 'Standard_ZRS',
        },
      ])
      await arm.remove(`${at}/versions/1.0.0`)
      await arm.remove(at)
      await arm.remove(`galleries/${name}`)
    })
  })

  it('what an old client edits leaves alone what it cannot say', async () => {
    const { body } = await arm.get(version, '2018-06-01')
    const answer = await arm.put(version, { ...body, tags: { edited: '2018' } }, '2018-06-01')
    expect(await arm.ended(answer)).toMatchObject({ status: 'Succeeded' })
    const full = (await arm.get(version, newest)).body
    expect(full).toMatchObject({
      tags: { edited: '2018' },
      properties: {
        publishingProfile: { replicationMode: 'Full', storageAccountType: 'Standard_LRS' },
        safetyProfile: { allowDeletionOfReplicatedLocations: true },
      },
    })
    expect(listOf(valueAt(full, `${publishing}.targetRegions`))).toEqual([
      {
        name: 'West Europe',
        regionalReplicaCount: 1,
        storageAccountType: 'Premium_LRS',
        excludeFromLatest: true,
      },
      { name: 'East US', regionalReplicaCount: 2, storageAccountType: 'Standard_LRS' },
    ])
  })

  it.each([
    ['disks', 'disks/os', diskApiVersions],
    ['snapshots', 'snapshots/os', diskApiVersions],
    ['managed images', image, computeApiVersions],
    ['resource groups', '', resourcesApiVersions],
  ] as const)(
    'a PUT of what GET returned changes nothing of %s, at every api-version',
    async (_, name, versions) => {
      const path = name === '' ? arm.groupPath : name
      const last = versions.at(-1) ?? ''
      for (const api of versions) {
        const full = await arm.get(path, last)
        const seen = await arm.get(path, api)
        const again = await arm.put(path, seen.body, api)
        expect([api, again.status < 300, again.body.error]).toEqual([api, true, undefined])
        expect([api, again.headers.get('etag')]).toEqual([api, full.headers.get('etag')])
        expect((await arm.get(path, last)).body).toEqual(full.body)
      }
    },
  )

  it.each(['2018-06-01', '2021-07-01', '2023-07-03', '2025-12-03'])(
    'what %s wrote, every other api-version may send back unchanged',
    async (writer) => {
      const path = `galleries/by${writer.replaceAll('-', '')}`
      await arm.make(path, { ...west, properties: { description: 'x' } }, writer)
      const { headers } = await arm.get(path)
      for (const api of galleryApiVersions) {
        const again = await arm.put(path, (await arm.get(path, api)).body, api)
        expect([api, again.headers.get('etag')]).toEqual([api, headers.get('etag')])
      }
    },
  )
})

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
