import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accepted,
  compute,
  type Desk,
  definition,
  diskVersion,
  gallery,
  imageVersion,
  osDisk,
  stockedDesk,
} from '../../test/support/desk.ts'
import { invariant } from '../base/assert.ts'
import { limits } from '../domain/limits.ts'
import {
  computeApiVersions,
  diskApiVersions,
  galleryApiVersions,
  resourcesApiVersions,
} from './api-versions.ts'
import { planPut } from './evolve.ts'
import { resourceTypes } from './types.ts'

const text = fc.constantFrom('a', 'https://example.com/x', '')
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const record = (members: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(members, { requiredKeys: [] })
const tags = optional(fc.dictionary(fc.constantFrom('a', 'b', 'c'), text))

const galleryBody = fc.record({
  location: fc.constantFrom('westeurope', 'West Europe'),
  tags,
  identity: optional(record({ type: fc.constantFrom('systemassigned', 'None') })),
  properties: record({
    description: text,
    identifier: fc.constant({}),
    softDeletePolicy: record({ isSoftDeleteEnabled: fc.boolean() }),
    sharingProfile: fc.oneof(
      record({ permissions: fc.constantFrom('Private', 'groups') }),
      fc.record({
        permissions: fc.constant('COMMUNITY'),
        communityGalleryInfo: fc.record({
          publisherUri: fc.constant('u'),
          publisherContact: fc.constant('c@d'),
          publicNamePrefix: fc.constant('p'),
          eula: fc.constantFrom('e', 'f'),
        }),
      }),
    ),
  }),
})

const range = record({ min: fc.constantFrom(1, '2'), max: fc.constantFrom(3, '4') })
const definitionBodies = fc.record({
  location: fc.constant('westeurope'),
  tags,
  properties: fc.record(
    {
      osType: fc.constantFrom('linux', 'Windows'),
      osState: fc.constantFrom('Generalized', 'specialized'),
      identifier: fc.constant({ publisher: 'p', offer: 'o', sku: 's' }),
      hyperVGeneration: fc.constant('v2'),
      architecture: fc.constantFrom('arm64', 'x64'),
      description: text,
      eula: text,
      privacyStatementUri: text,
      releaseNoteUri: text,
      endOfLifeDate: fc.constantFrom('2030-01-01', '2030-01-01T12:59:59.000Z'),
      recommended: record({ vCPUs: range, memory: range }),
      disallowed: record({ diskTypes: fc.subarray(['Standard_LRS', 'Premium_LRS']) }),
      purchasePlan: record({ name: text, publisher: text, product: text }),
      features: fc.subarray([
        { name: 'securitytype', value: 'Standard' },
        { name: 'IsHibernateSupported', value: 'true', startsAtVersion: '1.0.0' },
      ]),
      allowUpdateImage: fc.boolean(),
    },
    { requiredKeys: ['osType', 'osState', 'identifier'] },
  ),
})

const region = (name: string) =>
  fc.record(
    {
      name: fc.constant(name),
      regionalReplicaCount: fc.constantFrom(1, '2', 10),
      storageAccountType: fc.constantFrom('standard_lrs', 'Premium_LRS', 'Standard_ZRS'),
      excludeFromLatest: fc.boolean(),
    },
    { requiredKeys: ['name'] },
  )
const storageProfiles = fc.constantFrom(
  { osDiskImage: { source: { id: osDisk } } },
  {
    osDiskImage: { hostCaching: 'none', source: { id: osDisk } },
    dataDiskImages: [{ lun: 2, hostCaching: 'readwrite', source: { id: `${compute}/disks/data` } }],
  },
  { source: { id: `${compute}/images/image` } },
  { source: { id: `${definition}/versions/0.0.1` } },
  { source: { id: `${compute}/images/image` }, osDiskImage: { hostCaching: 'None' } },
)
const versionBodies = fc.record({
  location: fc.constant('westeurope'),
  tags,
  properties: fc.record(
    {
      storageProfile: storageProfiles,
      publishingProfile: record({
        targetRegions: fc.tuple(region('westeurope'), region('East US 2')),
        replicaCount: fc.constantFrom(1, '3'),
        excludeFromLatest: fc.boolean(),
        endOfLifeDate: fc.constantFrom('2030-01-01', '2030-05-05T01:02:03.4567Z'),
        replicationMode: fc.constantFrom('full'),
      }),
      safetyProfile: record({
        allowDeletionOfReplicatedLocations: fc.boolean(),
        blockDeletionBeforeEndOfLife: fc.boolean(),
      }),
      securityProfile: fc.constant({
        uefiSettings: { signatureTemplateNames: ['NoSignatureTemplate'] },
      }),
    },
    { requiredKeys: ['storageProfile'] },
  ),
})

/** What every kind of version source needs: data disk, managed image, a finished version. */
function fullDesk(): Desk {
  const desk = stockedDesk()
  const creationData = { createOption: 'Upload', uploadSizeBytes: 2048 }
  const data = `${compute}/disks/data`
  accepted(desk.put(data, { location: 'westeurope', properties: { creationData } }, diskVersion))
  desk.fill(data, 1024 ** 3, 'b')
  const osDiskOf = { osType: 'Linux', osState: 'Generalized', managedDisk: { id: osDisk } }
  const storageProfile = { osDisk: osDiskOf, dataDisks: [{ lun: 5, managedDisk: { id: data } }] }
  const image = { location: 'westeurope', properties: { storageProfile } }
  accepted(desk.put(`${compute}/images/image`, image, imageVersion))
  const source = { storageProfile: { source: { id: `${compute}/images/image` } } }
  const first = `${definition}/versions/0.0.1`
  accepted(desk.put(first, { location: 'westeurope', properties: source }))
  desk.finish(first, 'westeurope')
  return desk
}

/** PUT at `between` of what GET there returned changes nothing that any api-version sees. */
function changesNothing(
  desk: Desk,
  path: string,
  apiVersions: readonly string[],
  between: string,
): void {
  const all = '$expand=ReplicationStatus,UefiSettings'
  const seen = () => apiVersions.map((version) => desk.get(path, version, all))
  const before = seen()
  const stored = desk.rowAt(path)
  const sent = JSON.parse(JSON.stringify(desk.get(path, between)))
  accepted(desk.put(path, sent, between))
  expect(seen()).toEqual(before)
  expect(desk.rowAt(path)).toEqual(stored)
  accepted(desk.patch(path, {}, between))
  expect(desk.rowAt(path)).toEqual(stored)
}

const anyVersion = fc.constantFrom(...galleryApiVersions)

describe('api-versions', () => {
  it('a PUT of what GET returned changes nothing: galleries', () => {
    fc.assert(
      fc.property(galleryBody, anyVersion, anyVersion, (body, created, between) => {
        // They know permissions, but not what a community is to be told.
        fc.pre(created < '2020-09-30' || created >= '2021-10-01')
        const desk = stockedDesk()
        const path = `${gallery}2`
        accepted(desk.put(path, body, created))
        changesNothing(desk, path, galleryApiVersions, between)
      }),
    )
  })

  it('a PUT of what GET returned changes nothing: image definitions', () => {
    fc.assert(
      fc.property(definitionBodies, anyVersion, anyVersion, (body, created, between) => {
        const desk = stockedDesk()
        const path = `${gallery}/images/other`
        const { properties } = body
        const generation = { hyperVGeneration: 'V2', ...properties }
        const sent = properties.features?.length ? { ...body, properties: generation } : body
        accepted(desk.put(path, sent, created))
        changesNothing(desk, path, galleryApiVersions, between)
      }),
    )
  })

  it('a PUT of what GET returned changes nothing: image versions', () => {
    const versions = galleryApiVersions.filter((version) => version >= '2019-07-01')
    const created = fc.constantFrom(...versions)
    fc.assert(
      fc.property(versionBodies, created, anyVersion, (body, at, between) => {
        const desk = fullDesk()
        const path = `${definition}/versions/1.0.0`
        accepted(desk.put(path, body, at))
        desk.finish(path, 'westeurope')
        changesNothing(desk, path, galleryApiVersions, between)
      }),
      { numRuns: 200 },
    )
  })

  it('a PUT of what GET returned changes nothing: disks, managed images, groups', () => {
    for (const between of diskApiVersions) {
      changesNothing(fullDesk(), osDisk, diskApiVersions, between)
    }
    for (const between of computeApiVersions) {
      changesNothing(fullDesk(), `${compute}/images/image`, computeApiVersions, between)
    }
    const group = compute.replace(/\/providers.*/, '')
    for (const between of resourcesApiVersions) {
      const desk = fullDesk()
      accepted(desk.put(group, { location: 'westeurope', tags: { a: 'b' } }, between))
      changesNothing(desk, group, resourcesApiVersions, between)
    }
  })

  it('an edit at an old version loses nothing that it cannot say', () => {
    const desk = fullDesk()
    const path = `${definition}/versions/1.0.0`
    const regions = [
      { name: 'westeurope', storageAccountType: 'Premium_LRS', excludeFromLatest: true },
      { name: 'eastus2', regionalReplicaCount: 2, storageAccountType: 'Standard_ZRS' },
    ]
    const properties = {
      storageProfile: { source: { id: `${compute}/images/image` } },
      publishingProfile: { targetRegions: regions, replicationMode: 'Full' },
      safetyProfile: { blockDeletionBeforeEndOfLife: true },
    }
    accepted(desk.put(path, { location: 'westeurope', properties }))
    const shown = desk.get(path, '2018-06-01')
    const { publishingProfile } = shown.properties as { publishingProfile: object }
    const targetRegions = [
      { name: 'East US 2' },
      { name: 'West Europe' },
      { name: 'southcentralus' },
    ]
    const edited = { ...publishingProfile, targetRegions, replicaCount: 3 }
    const body = { location: 'westeurope', properties: { publishingProfile: edited } }
    accepted(desk.put(path, body, '2018-06-01'))
    expect(desk.get(path).properties).toMatchObject({
      publishingProfile: {
        replicationMode: 'Full',
        storageAccountStrategy: 'PreferStandard_ZRS',
        targetRegions: [
          { name: 'East US 2', regionalReplicaCount: 3, storageAccountType: 'Standard_ZRS' },
          { name: 'West Europe', storageAccountType: 'Premium_LRS', excludeFromLatest: true },
          { name: 'South Central US', storageAccountType: 'Standard_ZRS' },
        ],
      },
      safetyProfile: { blockDeletionBeforeEndOfLife: true },
    })
  })

  it.each([
    ['2018-06-01', ['hyperVGeneration', 'features', 'architecture']],
    ['2019-07-01', ['features', 'architecture']],
    ['2020-09-30', ['architecture']],
  ])('a definition at %s has no %j', (apiVersion, names) => {
    const desk = stockedDesk()
    for (const name of names) {
      expect(desk.get(definition, apiVersion).properties).not.toHaveProperty(name)
    }
    expect(desk.get(definition, '2021-10-01').properties).toMatchObject({ architecture: 'x64' })
  })

  it.each(['2018-06-01', '2019-12-01'])('a version at %s has no safetyProfile', (apiVersion) => {
    const desk = fullDesk()
    const path = `${definition}/versions/0.0.1`
    expect(desk.get(path, apiVersion).properties).not.toHaveProperty('safetyProfile')
    expect(desk.get(path, '2022-03-03').properties).toHaveProperty('safetyProfile')
  })

  it('every type lists its api-versions in order, and every path it names is known from one of them', () => {
    for (const type of resourceTypes) {
      expect(type.apiVersions.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(type.apiVersions)
      for (const since of Object.values(type.evolution.since)) {
        expect(type.apiVersions).toContain(since)
      }
    }
  })
})

it('a document has a bound, below which every tag that Azure takes fits', () => {
  const galleryType = resourceTypes.find(({ type }) => type === 'Microsoft.Compute/galleries')
  invariant(galleryType, 'galleries are served')
  const apiVersion = '2024-03-03'
  const put = (body: unknown) => planPut(galleryType, { body, stored: undefined, apiVersion })
  const tags = Array.from({ length: 50 }, (_, index) => [
    `${index}`.padEnd(512, 'k'),
    'v'.repeat(256),
  ])
  expect(put({ location: 'westeurope', tags: Object.fromEntries(tags) })).toHaveProperty('doc')
  const description = 'x'.repeat(limits.documentCharsMax)
  const refused = put({ location: 'westeurope', properties: { description } })
  expect(refused).toMatchObject({ problems: [{ code: 'InvalidRequestContent' }] })
})
