import { openRegions, regionName } from '../../src/domain/regions.ts'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { isObject } from '../../src/templates/json.ts'
import { planDeployment } from '../../src/templates/plan.ts'
import type { Plan, PlanInput, PlannedResource } from '../../src/templates/planned.ts'
import { resolve } from '../../src/templates/runtime.ts'

export const subscription = '11111111-1111-1111-1111-111111111111'
export const group = `/subscriptions/${subscription}/resourceGroups/images`

/** A template with a schema and version, and no resources but those given. */
export function templateOf(parts: JsonObject): JsonObject {
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    resources: [],
    ...parts,
  }
}

/** What a deployment of a template to the group `images` is planned of. */
export function inputOf(parts: JsonObject, over: Partial<PlanInput> = {}): PlanInput {
  return {
    template: templateOf(parts),
    parameters: {},
    place: {
      subscription: { id: subscription, displayName: 'Development' },
      tenantId: '22222222-2222-2222-2222-222222222222',
      group: { id: group, name: 'images', location: 'westeurope', tags: { team: 'os' } },
      location: undefined,
    },
    deploymentName: 'first',
    mode: 'Incremental',
    nowMs: Date.UTC(2026, 10, 21, 9, 5, 7),
    newGuid: () => '33333333-3333-3333-3333-333333333333',
    deployer: { objectId: '44444444-4444-4444-4444-444444444444' },
    regions: openRegions([
      { name: regionName('westeurope'), displayName: 'West Europe', zones: ['1', '2', '3'] },
      { name: regionName('westus'), displayName: 'West US', zones: [] },
    ]),
    environment: { name: 'Vitrine', resourceManager: 'https://vitrine.test/' },
    typeOf: (type) =>
      type.toLowerCase() === 'microsoft.compute/galleries'
        ? {
            resourceType: 'Microsoft.Compute/galleries',
            apiVersions: ['2025-03-03', '2023-07-03'],
            locations: ['westeurope'],
          }
        : undefined,
    groupOf: () => undefined,
    ...over,
  }
}

export function planOf(parts: JsonObject, over: Partial<PlanInput> = {}): Plan {
  return planDeployment(inputOf(parts, over))
}

/** What an expression, or any value with expressions in it, is as an output. */
export function valueOfExpression(value: Json, parts: JsonObject = {}): Json | undefined {
  const { outputs } = planOf({ ...parts, outputs: { value: { type: 'object', value: { value } } } })
  const output = resolve(outputs, new Map()).value
  return isObject(output) && isObject(output.value) ? output.value.value : undefined
}

/** A gallery, as a template has it. */
export function gallery(name: string, over: JsonObject = {}): JsonObject {
  return { type: 'Microsoft.Compute/galleries', apiVersion: '2023-07-03', name, ...over }
}

export function galleryId(name: string): string {
  return `${group}/providers/Microsoft.Compute/galleries/${name}`
}

export function named(plan: Plan, name: string): PlannedResource {
  const found = plan.resources.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** The names of what a resource waits for. */
export function waitsFor(plan: Plan, name: string): readonly string[] {
  const { dependsOn } = named(plan, name)
  return plan.resources.filter(({ key }) => dependsOn.includes(key)).map((each) => each.name)
}
