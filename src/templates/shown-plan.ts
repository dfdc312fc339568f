import type { Json, JsonObject } from '../domain/rows.ts'
import { murmurHash64 } from './functions/hash.ts'
import type { PlannedResource } from './planned.ts'

/** A decimal number that neither comments nor white space change: Azure hashes the compact JSON in upper case. */
export function templateHash(template: JsonObject): string {
  return murmurHash64(JSON.stringify(template).toUpperCase()).toString()
}

/** The namespaces, types and locations that a plan uses, as a deployment shows them. */
export function providersOf(resources: readonly PlannedResource[]): readonly JsonObject[] {
  const namespaces = new Map<string, Map<string, Set<string>>>()
  for (const { type, body, isExisting } of resources) {
    if (isExisting) continue
    const [namespace = '', ...rest] = type.split('/')
    const types = namespaces.get(namespace) ?? new Map<string, Set<string>>()
    const locations = types.get(rest.join('/')) ?? new Set<string>()
    const unshown = [...body.holes.map(({ path }) => path), ...body.secretPaths]
    const isShown = unshown.every(([member]) => member !== 'location')
    if (isShown && typeof body.known.location === 'string') locations.add(body.known.location)
    namespaces.set(namespace, types.set(rest.join('/'), locations))
  }
  return [...namespaces].map(([namespace, types]) => ({
    namespace,
    resourceTypes: [...types].map(([resourceType, locations]) => ({
      resourceType,
      locations: locations.size > 0 ? [...locations] : [null],
    })),
  }))
}

/** What waits for what, as a deployment shows it. */
export function dependenciesOf(resources: readonly PlannedResource[]): readonly JsonObject[] {
  const byKey = new Map(resources.map((each) => [each.key, each]))
  return resources
    .filter(({ dependsOn }) => dependsOn.length > 0)
    .map((resource) => ({
      dependsOn: resource.dependsOn.flatMap((key): Json[] => {
        const other = byKey.get(key)
        return other === undefined ? [] : [shown(other)]
      }),
      ...shown(resource),
    }))
}

function shown({ id, type, name }: PlannedResource): JsonObject {
  return { id, resourceType: type, resourceName: name }
}
