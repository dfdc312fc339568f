import type { Json } from '../domain/rows.ts'
import { unknown } from './context.ts'
import type { Expanded, Instance } from './expand.ts'
import { isArray } from './json.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { interleaved } from './resource-names.ts'
import { evaluateNow } from './tree.ts'

/** Finds the resources of a template by any of the names that others may call them by. */
export type ResourceIndex = {
  /** By id, `type/name`, symbolic name, name of the loop, or name; the ones that are meant: none of an empty loop. */
  readonly find: (reference: string) => readonly Instance[] | undefined
}

/** The names are compared in any case. */
export function indexResources({ instances, emptyLoops }: Expanded): ResourceIndex {
  const empty = new Set(emptyLoops.map((name) => name.toLowerCase()))
  const byRank = namesOf.map((names) => {
    const index = new Map<string, Instance[]>()
    for (const instance of instances)
      for (const name of new Set(names(instance))) {
        const found = index.get(name.toLowerCase())
        if (found === undefined) index.set(name.toLowerCase(), [instance])
        else found.push(instance)
      }
    return index
  })
  return {
    find(reference) {
      const key = normal(reference)
      for (const index of byRank) {
        const found = index.get(key)
        if (found !== undefined) return found
      }
      return empty.has(key) ? [] : undefined
    },
  }
}

/** The names of a resource, the surest kind first. */
const namesOf: readonly ((instance: Instance) => readonly string[])[] = [
  ({ id }) => [id],
  ({ type, name }) => [`${type}/${name}`, interleaved(type, name.split('/')) ?? ''],
  ({ symbolicName, loop }) =>
    symbolicName === undefined
      ? []
      : [symbolicName, ...(loop === undefined ? [] : [`${symbolicName}[${loop.index}]`])],
  ({ loop }) => (loop === undefined ? [] : [loop.name]),
  ({ name }) => [name],
]

/** Without slashes at the ends, and with groups under their subscription, as their ids are. */
function normal(reference: string): string {
  let end = reference.length
  while (end > 1 && reference[end - 1] === '/') end -= 1
  return reference
    .slice(0, end)
    .toLowerCase()
    .replace(/\/providers\/microsoft\.resources\/resourcegroups\/([^/]+)$/, '/resourcegroups/$1')
}

/** The keys of what a resource says it depends on; without what is not deployed after all. */
export function declaredDependencies(instance: Instance, index: ResourceIndex): readonly string[] {
  const { source, path, context, name: ownName } = instance
  const at = [...path, 'dependsOn']
  const value = evaluateNow(source.dependsOn ?? [], { ...context, section: 'name' }, at)
  if (value === unknown || !isArray(value) || !value.every(isText))
    throw new TemplateProblem(
      `Deployment template validation failed: 'The dependsOn of the template resource '${ownName}'{at} must be an array of strings.'.`,
      at,
    )
  return value.flatMap((reference, place) => {
    const found = index.find(reference)
    if (found === undefined)
      throw new TemplateProblem(
        `Deployment template validation failed: 'The resource '${reference}' is not defined in the template{at}. Please see https://aka.ms/arm-syntax for usage details.'.`,
        [...at, place],
      )
    if (found.includes(instance)) throw circleOf([instance, instance], [...at, place])
    const isLoop = found.every(({ loop }) => loop !== undefined)
    const types = new Set(found.map(({ type }) => type.toLowerCase()))
    if (types.size > 1 && !isLoop)
      throw new TemplateProblem(
        `Deployment template validation failed: 'The resource reference '${reference}'{at} is ambiguous: it names resources of the types ${[...types].join(', ')}. Use its resourceId().'.`,
        [...at, place],
      )
    return found.filter(({ isWanted }) => isWanted).map(({ key }) => key)
  })
}

function isText(value: Json): value is string {
  return typeof value === 'string'
}

/** Of a loop in serial mode: each batch waits for the one before it. */
export function batchDependencies(
  { loop, path }: Instance,
  instances: readonly Instance[],
): readonly string[] {
  if (loop?.batchSize === undefined) return []
  const { batchSize } = loop
  const batch = Math.floor(loop.index / batchSize)
  return instances
    .filter(
      (other) =>
        other.isWanted &&
        other.loop !== undefined &&
        other.path === path &&
        Math.floor(other.loop.index / batchSize) === batch - 1,
    )
    .map(({ key }) => key)
}

type Node = { readonly key: string; readonly id: string; readonly dependsOn: readonly string[] }

/** Throws TemplateProblem, which names them, when resources wait for each other in a circle. */
export function refuseCircles(
  nodes: readonly (Node & { readonly path: readonly (string | number)[] })[],
): void {
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  const waiting = new Map(nodes.map(({ key, dependsOn }) => [key, dependsOn.length]))
  const dependents = new Map<string, string[]>()
  for (const { key, dependsOn } of nodes)
    for (const other of dependsOn) {
      const known = dependents.get(other)
      if (known === undefined) dependents.set(other, [key])
      else known.push(key)
    }
  const ready = nodes.filter(({ dependsOn }) => dependsOn.length === 0).map(({ key }) => key)
  for (let key = ready.pop(); key !== undefined; key = ready.pop()) {
    waiting.delete(key)
    for (const dependent of dependents.get(key) ?? []) {
      const left = (waiting.get(dependent) ?? 0) - 1
      waiting.set(dependent, left)
      if (left === 0) ready.push(dependent)
    }
  }
  const [start] = waiting.keys()
  if (start === undefined) return
  const circle = circleFrom(start, byKey, waiting)
  const [first] = circle
  throw circleOf(first === undefined ? circle : [...circle, first], first?.path ?? [])
}

function circleOf(circle: readonly { readonly id: string }[], at: TemplatePath): TemplateProblem {
  return new TemplateProblem(
    `Deployment template validation failed: 'Circular dependency detected on resource: '${circle[0]?.id}'. The resources wait for each other: ${circle.map(({ id }) => id).join(' -> ')}. Please see https://aka.ms/arm-syntax-resources for usage details.'.`,
    at,
  )
}

/** Among those that are left each waits for another that is left: following them leads into a circle. */
function circleFrom<Each extends Node>(
  start: string,
  byKey: ReadonlyMap<string, Each>,
  left: ReadonlyMap<string, number>,
): readonly Each[] {
  const walked: Each[] = []
  const seen = new Map<string, number>()
  let node = byKey.get(start)
  while (node !== undefined && !seen.has(node.key)) {
    seen.set(node.key, walked.length)
    walked.push(node)
    const next: string | undefined = node.dependsOn.find((key) => left.has(key))
    node = next === undefined ? undefined : byKey.get(next)
  }
  return node === undefined ? walked : walked.slice(seen.get(node.key))
}
