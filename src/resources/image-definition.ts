import type { ResourceId } from '../domain/resource-id.ts'
import { galleryApiVersions } from './api-versions.ts'
import type { Claim, ResourceType, Write } from './declaration.ts'
import { galleryCount } from './gallery.ts'
import { assetNameProblems, definitionProblems } from './image-definition-rules.ts'
import { ImageDefinition, securityTypes } from './image-definition-schema.ts'
import { sameValue } from './merge.ts'
import { jsonOf } from './paths.ts'

export const imageDefinitionType = 'Microsoft.Compute/galleries/images'

/** Requirements 7-22: the plan of an image: why, which OS, how to use it. */
export const imageDefinitions: ResourceType<ImageDefinition> = {
  type: imageDefinitionType,
  apiVersions: galleryApiVersions,
  parent: 'Microsoft.Compute/galleries',
  target: 'galleryImage',
  lists: ['parent'],
  tracked: true,
  nameProblems: (name) => assetNameProblems('galleryImageName', name),
  schema: ImageDefinition,
  evolution: {
    since: {
      'properties.hyperVGeneration': '2019-07-01',
      'properties.features': '2020-09-30',
      'properties.architecture': '2021-10-01',
      'properties.allowUpdateImage': '2024-03-03',
      'properties.features[].startsAtVersion': '2024-03-03',
    },
    defaults: [
      { path: 'properties.hyperVGeneration', value: 'V1', until: '2025-03-03' },
      { path: 'properties.hyperVGeneration', value: 'V2', from: '2025-03-03' },
      { path: 'properties.architecture', value: 'x64' },
    ],
    moves: [],
  },
  readOnly: ['properties.provisioningState'],
  // Defaults of their own at each api-version: left out, they stay as they were created.
  keep: ['properties.hyperVGeneration', 'properties.architecture', 'properties.features'],
  by: { 'properties.features': 'name' },
  immutable: [
    'properties.osType',
    'properties.osState',
    'properties.hyperVGeneration',
    'properties.architecture',
    'properties.identifier',
    'properties.eula',
    'properties.disallowed',
    'properties.purchasePlan',
  ],
  operations: {
    flavour: 'caps',
    create: { status: 201, headers: ['Azure-AsyncOperation'] },
    update: { status: 200, headers: ['Azure-AsyncOperation'] },
    delete: { status: 202, headers: ['Azure-AsyncOperation', 'Location'] },
    shows: { create: 'Creating', update: undefined },
  },
  complete: completeDefinition,
  needs: ({ id, next }) => ({ identifier: { claim: identifierClaim(id, next) } }),
  problems: definitionProblems,
  claims: definitionClaims,
  counts: (id, doc, settings) => [
    galleryCount(id, doc.location, {
      name: 'GalleryImage',
      says: 'Gallery Image',
      limit: settings.quotas.definitionsPerRegion,
    }),
  ],
}

const trustedLaunchSince = '2025-03-03'

/** From 2025-03-03 on a new definition of generation 2 says TrustedLaunchSupported unless it names a SecurityType. */
function completeDefinition({ next, before, apiVersion }: Write<ImageDefinition>): ImageDefinition {
  const { features = [], hyperVGeneration } = next.properties
  const canonical = features.map((feature) => ({ ...feature, value: featureValue(feature.value) }))
  const secured = features.some((feature) => feature.name === 'SecurityType')
  const adds =
    !before && apiVersion >= trustedLaunchSince && hyperVGeneration === 'V2' && !secured
      ? [{ name: 'SecurityType' as const, value: 'TrustedLaunchSupported' }]
      : []
  const all = [...canonical, ...adds]
  const { allowUpdateImage, features: _, ...properties } = next.properties
  const listed = all.length > 0 ? { features: all } : {}
  const changes = before && !sameFeatures(before.doc.properties.features, all)
  // The flag speaks of this request only and is not stored: what remains is a change that it does not allow.
  const forbidden = changes && !allowUpdateImage ? { allowUpdateImage: false } : {}
  return { ...next, properties: { ...properties, ...listed, ...forbidden } }
}

function sameFeatures(
  stored: ImageDefinition['properties']['features'] = [],
  next: ImageDefinition['properties']['features'] = [],
): boolean {
  return sameValue(jsonOf({ features: stored }), jsonOf({ features: next }), {
    path: '',
    by: { '.features': 'name' },
  })
}

function featureValue(value: string): string {
  const words = ['True', 'False', ...securityTypes]
  return words.find((known) => known.toLowerCase() === value.toLowerCase()) ?? value
}

/** Requirement 9: definitions of a gallery may share one or two of the three, never all. */
function identifierClaim(id: ResourceId, doc: ImageDefinition): string {
  const gallery = id.key.slice(0, id.key.lastIndexOf('/images/'))
  const { publisher, offer, sku } = doc.properties.identifier
  return ['gallery-identifier', gallery, publisher, offer, sku].join('|').toLowerCase()
}

function definitionClaims(id: ResourceId, doc: ImageDefinition): readonly Claim[] {
  const { publisher, offer, sku } = doc.properties.identifier
  return [
    {
      name: identifierClaim(id, doc),
      refusal: {
        code: 'Conflict',
        message: `A gallery image identified by (publisher:${publisher}, offer:${offer}, sku:${sku}) already exists. Choose a different publisher, offer, sku combination.`,
        target: 'galleryImage.properties.identifier',
      },
    },
  ]
}
