import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, unknown } from './context.ts'
import { isObject, textOf } from './json.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { readResources, type Template, type TemplateResource } from './read-template.ts'
import { type Identity, identityOf } from './resource-identity.ts'
import { countOf, evaluateNow, inRound } from './tree.ts'

/** One resource that a template deploys: a round of its loop, or itself. */
export type Instance = Identity & {
  readonly source: JsonObject
  readonly path: TemplatePath
  readonly context: Context
  readonly symbolicName: string | undefined
  readonly loop: Round | undefined
  /** The key of the resource in whose `resources` it stands. */
  readonly parentKey: string | undefined
  /** False where its condition says so: known by name, but neither written nor waited for. */
  readonly isWanted: boolean
  readonly isExisting: boolean
}

type Round = {
  readonly name: string
  readonly index: number
  readonly batchSize: number | undefined
}

/** Azure's own bound, loops and nested resources counted. */
const resourcesMax = 800

export type Expanded = {
  readonly instances: readonly Instance[]
  /** The names of loops without a round, and the symbolic names of their resources. */
  readonly emptyLoops: readonly string[]
}

/** All resources of a template with their names and ids, those within others too. Throws TemplateProblem. */
export function expandResources(template: Template, context: Context): Expanded {
  const instances: Instance[] = []
  const emptyLoops: string[] = []
  const gather = (resources: readonly TemplateResource[], outer: Context, parent?: Instance) => {
    for (const resource of resources) {
      const loop = loopOf(resource, outer)
      if (loop?.count === 0) emptyLoops.push(loop.name, resource.symbolicName ?? loop.name)
      for (const instance of instancesOf(resource, outer, { parent, loop })) {
        instances.push(instance)
        if (instances.length > resourcesMax) throw tooMany(instances.length, resource.path)
        const children = resource.source.resources
        if (children === undefined || children === null) continue
        const path = [...resource.path, 'resources']
        gather(readResources(children, template.isSymbolic, path), instance.context, instance)
      }
    }
  }
  gather(template.resources, { ...context, section: 'name' })
  refuseTwins(instances)
  return { instances, emptyLoops }
}

type Loop = Omit<Round, 'index'> & { readonly count: number }

function instancesOf(
  resource: TemplateResource,
  context: Context,
  { parent, loop }: { readonly parent: Instance | undefined; readonly loop: Loop | undefined },
): readonly Instance[] {
  if (loop === undefined) return [instanceOf(resource, context, { parent })]
  const { name, count, batchSize } = loop
  return Array.from({ length: count }, (_, index) =>
    instanceOf(resource, inRound(context, { name, index, of: 'resource' }), {
      parent,
      loop: { name, index, batchSize },
    }),
  )
}

function loopOf(resource: TemplateResource, context: Context): Loop | undefined {
  const loop = resource.source.copy
  if (loop === undefined || loop === null) return undefined
  const path = [...resource.path, 'copy']
  const name = isObject(loop) ? evaluateNow(loop.name ?? null, context, path) : null
  if (!isObject(loop) || typeof name !== 'string' || name === '')
    throw new TemplateProblem(
      "Deployment template validation failed: 'The template copy definition{at} must have a name and a count. Please see https://aka.ms/arm-resource-loops for usage details.'.",
      path,
    )
  const count = countOf(loop, context, path)
  return {
    name,
    count: count === unknown ? 0 : count,
    batchSize: batchSizeOf(loop, context, path),
  }
}

/** How many rounds run at once in serial mode; undefined when all do. */
function batchSizeOf(loop: JsonObject, context: Context, path: TemplatePath): number | undefined {
  const mode = textOf(loop.mode ?? 'parallel').toLowerCase()
  const batchSize = evaluateNow(loop.batchSize ?? 1, context, [...path, 'batchSize'])
  if (mode === 'parallel') return undefined
  if (mode === 'serial' && typeof batchSize === 'number' && batchSize >= 1) return batchSize
  throw new TemplateProblem(
    "Deployment template validation failed: 'The template copy definition{at} is not valid: its mode is parallel or serial, and the batchSize of a serial one is 1 or more.'.",
    path,
  )
}

function instanceOf(
  { source, symbolicName, path }: TemplateResource,
  context: Context,
  within: { readonly parent?: Instance | undefined; readonly loop?: Round },
): Instance {
  return {
    ...identityOf(source, path, { context, parent: within.parent }),
    source,
    path,
    context,
    symbolicName,
    loop: within.loop,
    parentKey: within.parent?.key,
    isWanted: conditionOf(source, context, path),
    isExisting: source.existing === true,
  }
}

function conditionOf(source: JsonObject, context: Context, path: TemplatePath): boolean {
  const condition: Json = source.condition ?? true
  const value = evaluateNow(condition, context, [...path, 'condition'])
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return /^t/i.test(value)
  throw new TemplateProblem(
    "Deployment template validation failed: 'The condition of the template resource{at} must be a boolean. Please see https://aka.ms/arm-template/#resources for usage details.'.",
    [...path, 'condition'],
  )
}

function refuseTwins(instances: readonly Instance[]): void {
  const seen = new Set<string>()
  for (const { key, type, name, path, isWanted, isExisting } of instances) {
    if (!isWanted || isExisting) continue
    if (seen.has(key))
      throw new TemplateProblem(
        `Deployment template validation failed: 'The resource '${type}/${name}'{at} is defined multiple times in a template. Please see https://aka.ms/arm-template/#resources for usage details.'.`,
        path,
      )
    seen.add(key)
  }
}

function tooMany(count: number, path: TemplatePath): TemplateProblem {
  return new TemplateProblem(
    `Deployment template validation failed: 'The number of template resources limit exceeded. Limit: '${resourcesMax}' and actual: '${count}' or more. Please see https://aka.ms/arm-template/#resources for usage details.'.`,
    path,
  )
}
