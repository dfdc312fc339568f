import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  accepted,
  definition,
  definitionBody,
  gallery,
  osDisk,
  stockedDesk,
} from '../../test/support/desk.ts'
import { type SpecName, specFaults } from '../../test/support/spec.ts'
import type { JsonObject } from '../domain/rows.ts'
import { withoutPath } from './paths.ts'
import { sharedGallery, sharedImage, sharedVersion } from './shared-shapes.ts'

const image = `${gallery}/images/myGalleryImageName`
const version = `${image}/versions/1.0.0`
const url = 'https://test-uri.com'
const vias = ['shared', 'community'] as const
type Via = (typeof vias)[number]

/** The resources of Azure's examples, as their owner has them. */
function exampleDesk(tag: string, eula: string) {
  const tags = { [`ShareTag-${tag}`]: tag, 'cost-center': '7' }
  const desk = stockedDesk({ now: '2018-03-20T09:12:28Z' })
  const communityGalleryInfo = {
    publisherUri: url,
    publisherContact: 'sameple@email.com',
    eula: url,
    publicNamePrefix: 'prefix',
  }
  const sharingProfile = { permissions: 'Community', communityGalleryInfo }
  const properties = { description: 'internal', sharingProfile }
  accepted(desk.put(gallery, { location: 'westeurope', tags, properties }))
  desk.edit(gallery, { status: { publicName: 'prefix-xxxxx' } })
  const identifier = { publisher: 'myPublisherName', offer: 'myOfferName', sku: 'mySkuName' }
  const terms = { eula, privacyStatementUri: url, releaseNoteUri: url, description: 'internal' }
  const os = { osType: 'Windows', hyperVGeneration: 'V1' }
  accepted(desk.put(image, { ...definitionBody({ ...os, ...terms, identifier }), tags }))
  const { doc } = desk.rowAt(osDisk)
  desk.edit(osDisk, { doc: withoutPath(doc, 'properties.osType') })
  desk.fill(osDisk, 29 * 1024 ** 3)
  accepted(
    desk.put(version, {
      location: 'westeurope',
      tags,
      properties: {
        publishingProfile: { endOfLifeDate: '2022-03-20T09:12:28Z' },
        storageProfile: { osDiskImage: { source: { id: osDisk }, hostCaching: 'None' } },
      },
    }),
  )
  desk.finish(version, 'westeurope')
  return desk
}

function shapes(via: Via, apiVersion: string): Record<string, JsonObject> {
  const isShared = via === 'shared'
  const desk = exampleDesk(
    isShared ? 'Official1PGallery' : 'CommunityGallery',
    isShared ? 'https://www.microsoft.com/en-us/' : url,
  )
  const name = isShared ? 'galleryUniqueName' : 'publicGalleryName'
  const shape = { via, apiVersion, gallery: name, location: 'myLocation' }
  const of = { ...shape, image: 'myGalleryImageName', settings: desk.settings }
  const kind = isShared ? 'SharedGallery' : 'CommunityGallery'
  return {
    [kind]: sharedGallery(desk.rowAt(gallery), shape),
    [`${kind}Image`]: sharedImage(desk.rowAt(image), shape),
    [`${kind}ImageVersion`]: sharedVersion(desk.rowAt(version), of),
  }
}

/** What Azure's examples have that nobody can say here. */
const unsayable = [
  'properties.disclaimer',
  'properties.communityMetadata.privacyStatementUri',
] as const

describe('R88 what is shared is shown', () => {
  const file = new URL('../../test/golden/spec/shared-examples-2022-08-03.json', import.meta.url)
  const examples: Record<string, JsonObject> = JSON.parse(readFileSync(file, 'utf8'))

  it.each(vias)('as Azure’s examples of 2022-08-03 have it: %s', (via) => {
    for (const [name, told] of Object.entries(shapes(via, '2022-08-03'))) {
      const example = unsayable.reduce(withoutPath, examples[name] ?? {})
      const text = JSON.stringify(told)
        .replaceAll('1.0.0', 'myGalleryImageVersionName')
        .replaceAll('+00:00', 'Z')
      const { architecture, recommended, privacyStatementUri, ...properties } =
        JSON.parse(text).properties
      const more = name === 'CommunityGalleryImage' ? { privacyStatementUri } : {}
      expect({ ...JSON.parse(text), properties: { ...properties, ...more } }, name).toEqual(example)
      // Told besides, as Azure's definitions have them.
      if (name.endsWith('Image'))
        expect({ architecture, recommended }).toEqual({ architecture: 'x64', recommended: {} })
    }
  })

  it.each(
    [
      '2020-09-30',
      '2021-07-01',
      '2022-01-03',
      '2022-03-03',
      '2022-08-03',
      '2023-07-03',
      '2024-03-03',
    ].flatMap((apiVersion) => vias.map((via) => [via, apiVersion] as const)),
  )('%s at %s with nothing that Azure’s definitions do not know', (via, apiVersion) => {
    if (via === 'community' && apiVersion < '2021-07-01') return
    for (const [name, told] of Object.entries(shapes(via, apiVersion))) {
      const faults = specFaults(`shared-${apiVersion}`, name as SpecName, told)
      // The service has answered both before its definition said so.
      const known =
        apiVersion < '2022-08-03'
          ? /^\w+\.(properties|communityMetadata) is unknown$|properties.identifier.\w+ is missing$/
          : /^$/
      expect(faults.filter((fault) => !known.test(fault))).toEqual([])
    }
  })

  it.each(vias)('and nothing that is its owner’s own: %s', (via) => {
    const text = JSON.stringify(shapes(via, '2025-12-03'))
    expect(text).not.toMatch(
      /cost-center|internal|resourceGroups|releaseNote|source|publicNamePrefix/,
    )
    expect(text).not.toContain(definition)
  })
})
