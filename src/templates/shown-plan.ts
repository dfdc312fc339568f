import type { JsonObject } from '../domain/rows.ts'
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

/** Ids are made of the names that were sent: of a dense template they would be many times its size, in its row and in each answer. */
const shownCharsMax = 1024 * 1024

/** What waits for what, as a deployment shows it: as many as there is room for, each whole. */
export function dependenciesOf(resources: readonly PlannedResource[]): readonly JsonObject[] {
  const byKey = new Map(resources.map((each) => [each.key, each]))
  const told: JsonObject[] = []
  let left = shownCharsMax
  for (const resource of resources) {
    if (resource.dependsOn.length === 0) continue
    const others = resource.dependsOn.flatMap((key) => byKey.get(key) ?? [])
    for (const { id, type, name } of [resource, ...others]) {
      left -= id.length + type.length + name.length
    }
    if (left < 0) break
    told.push({ dependsOn: others.map(shown), ...shown(resource) })
  }
  return told
}

function shown({ id, type, name }: PlannedResource): JsonObject {
  return { id, resourceType: type, resourceName: name }
}
