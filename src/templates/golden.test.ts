import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { group, inputOf, subscription } from '../../test/support/template-input.ts'
import type { JsonObject } from '../domain/rows.ts'
import { planDeployment } from './plan.ts'
import type { Plan, PlanInput } from './planned.ts'
import { readTemplateBody } from './read-body.ts'
import { factsNeeded, resolve } from './runtime.ts'

function planned(name: string, values: JsonObject, over: Partial<PlanInput> = {}): Plan {
  const text = readFileSync(`test/golden/templates/${name}.json`, 'utf8')
  const parameters = Object.fromEntries(
    Object.entries(values).map(([each, value]) => [each, { value }]),
  )
  return planDeployment({
    ...inputOf({}),
    template: readTemplateBody(text).body,
    parameters,
    ...over,
  })
}

/** What waits for what, without what all ids have in common. */
function order({ resources }: Plan): Readonly<Record<string, readonly string[]>> {
  const short = (id: string) => id.replace(/^.*?\/providers\/microsoft\.(compute|resources)\//i, '')
  return Object.fromEntries(
    resources.map(({ id, dependsOn }) => [short(id), dependsOn.map(short).sort()]),
  )
}

const images = `${group}/providers/Microsoft.Compute`

describe('R119 a template in the shape of the quickstarts', () => {
  it('plans a gallery', () => {
    const plan = planned('gallery', { galleryName: 'ours' })
    expect(order(plan)).toEqual({ 'galleries/ours': [] })
    expect(plan.resources[0]?.body.known).toEqual({
      location: 'westeurope',
      properties: { description: 'My Private Gallery' },
    })
    expect(resolve(plan.outputs, new Map())).toEqual({
      galleryId: { type: 'String', value: `${images}/galleries/ours` },
    })
    expect(plan.providers).toEqual([
      {
        namespace: 'Microsoft.Compute',
        resourceTypes: [{ resourceType: 'galleries', locations: ['westeurope'] }],
      },
    ])
  })

  it('plans a definition nested in its gallery', () => {
    const plan = planned('image-definition', { galleryName: 'ours', imageDefinitionName: 'linux' })
    expect(order(plan)).toEqual({
      'galleries/ours': [],
      'galleries/ours/images/linux': ['galleries/ours'],
    })
    expect(plan.resources[1]).toMatchObject({
      type: 'Microsoft.Compute/galleries/images',
      name: 'ours/linux',
      body: { known: { properties: { identifier: { sku: 'myLinux' } } } },
    })
    expect(plan.dependencies).toMatchObject([
      {
        resourceName: 'ours/linux',
        resourceType: 'Microsoft.Compute/galleries/images',
        dependsOn: [{ resourceName: 'ours', id: `${images}/galleries/ours` }],
      },
    ])
  })

  for (const [sourceType, profile] of [
    ['images', { source: { id: `${images}/images/s` } }],
    ['disks', { osDiskImage: { source: { id: `${images}/disks/s` } } }],
  ] as const)
    it(`plans a version from ${sourceType}`, () => {
      const plan = planned('image-version', {
        ...{ galleryName: 'ours', imageDefinitionName: 'linux', sourceName: 's', sourceType },
        replicaRegions: ['westeurope', 'northeurope'],
      })
      const [version] = plan.resources
      expect(version?.body.known.properties).toEqual({
        publishingProfile: {
          targetRegions: [
            { name: 'westeurope', regionalReplicaCount: 1 },
            { name: 'northeurope', regionalReplicaCount: 1 },
          ],
          replicaCount: 1,
          excludeFromLatest: false,
          endOfLifeDate: '2030-01-01',
        },
        storageProfile: profile,
      })
      const [need] = factsNeeded(plan.outputs, new Map())
      expect(need).toMatchObject({ is: 'reference', id: version?.id, apiVersion: '2023-07-03' })
      const facts = new Map([[need?.key ?? '', { properties: { provisioningState: 'Done' } }]])
      expect(resolve(plan.outputs, facts).state).toEqual({ type: 'String', value: 'Done' })
    })

  it('plans nested children, joined names and loops in their order', () => {
    const plan = planned('all-at-once', { galleryName: 'ours', imageName: 'golden' })
    expect(order(plan)).toEqual({
      'galleries/ours': [],
      'galleries/ours/images/base': ['galleries/ours'],
      'galleries/ours/images/base/versions/1.0.0': ['galleries/ours/images/base'],
      'galleries/ours/images/linux-small': ['galleries/ours'],
      'galleries/ours/images/linux-large': ['galleries/ours'],
      'galleries/ours/images/linux-small/versions/1.0.1': [
        'galleries/ours/images/base/versions/1.0.0',
        'galleries/ours/images/linux-large',
        'galleries/ours/images/linux-small',
      ],
      'galleries/ours/images/linux-large/versions/1.0.2': [
        'galleries/ours/images/base/versions/1.0.0',
        'galleries/ours/images/linux-large',
        'galleries/ours/images/linux-small',
        'galleries/ours/images/linux-small/versions/1.0.1',
      ],
    })
    expect(plan.outputs.known.definitionIds).toEqual({
      type: 'Array',
      value: [
        `${images}/galleries/ours/images/linux-small`,
        `${images}/galleries/ours/images/linux-large`,
      ],
    })
  })

  it('plans a group and, once it is there, what is deployed into it', () => {
    const place = { ...inputOf({}).place, group: undefined, location: 'northeurope' }
    const values = { groupName: 'new', galleryName: 'ours' }
    const before = planned('subscription', values, { place })
    expect(order(before)).toEqual({
      [`/subscriptions/${subscription}/resourceGroups/new`]: [],
      'deployments/gallery-in-group': [`/subscriptions/${subscription}/resourcegroups/new`],
    })
    expect(before.resources[1]?.nested).toMatchObject({ group: 'new', plan: undefined })
    const made = {
      id: `/subscriptions/${subscription}/resourceGroups/new`,
      ...{ name: 'new', location: 'northeurope', tags: {} },
    }
    const after = planned('subscription', values, { place, groupOf: () => made })
    expect(after.resources[1]?.nested?.plan?.resources[0]).toMatchObject({
      id: `${made.id}/providers/Microsoft.Compute/galleries/ours`,
      body: { known: { location: 'northeurope' } },
      path: ['resources', 1, 'properties', 'template', 'resources', 0],
    })
  })
})
