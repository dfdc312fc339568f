import type { Json, JsonObject } from '../domain/rows.ts'
import type { Context } from './context.ts'
import type { Instance } from './expand.ts'
import { isObject, textOf } from './json.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { deploymentType } from './resource-identity.ts'
import { evaluateTree, type PendingTree } from './tree.ts'

/** What a template says of a resource to Resource Manager alone. */
const instructions = new Set([
  'type',
  'name',
  'apiVersion',
  'dependsOn',
  'condition',
  'copy',
  'scope',
  'resources',
  'comments',
  'existing',
])

/** What is PUT of a resource; of a nested deployment with the template that it deploys, which stands alone. */
export function bodyOf(instance: Instance, context: Context): PendingTree {
  const { source, path } = instance
  const isDeployment = instance.type.toLowerCase() === deploymentType
  const kept = (name: string) =>
    !(
      instructions.has(name) ||
      (isDeployment && ['subscriptionId', 'resourceGroup'].includes(name))
    )
  const own = Object.fromEntries(Object.entries(source).filter(([name]) => kept(name)))
  return isDeployment
    ? deploymentBody(own, { context, path, name: instance.name })
    : evaluateTree(own, context, path)
}

type Spot = { readonly context: Context; readonly path: TemplatePath; readonly name: string }

function deploymentBody(own: JsonObject, { context, path, name }: Spot): PendingTree {
  const given = isObject(own.properties) ? own.properties : {}
  const { template, expressionEvaluationOptions, ...properties } = given
  for (const link of ['templateLink', 'parametersLink'])
    if (properties[link] !== undefined)
      throw new TemplateProblem(
        `Deployment template validation failed: 'The nested deployment '${name}'{at} has a ${link}. Linked files and template specs are not fetched here: put what it links to into the deployment itself, as template or parameters.'.`,
        [...path, 'properties', link],
        { code: 'InvalidContentLink' },
      )
  if (!isObject(template))
    throw new TemplateProblem(
      `Deployment template validation failed: 'The nested deployment '${name}'{at} has no template.'.`,
      [...path, 'properties'],
    )
  const tree = evaluateTree({ ...own, properties }, context, path)
  const at: TemplatePath = ['properties', 'template']
  const inner = isInner(expressionEvaluationOptions, { context, path, name })
    ? { known: template, holes: [], secretPaths: [] }
    : evaluateTree(template, { ...context, rewrites: true }, [...path, ...at])
  const known = isObject(tree.known.properties) ? tree.known.properties : {}
  return {
    known: { ...tree.known, properties: { ...known, template: inner.known } },
    holes: [
      ...tree.holes,
      ...inner.holes.map((hole) => ({ ...hole, path: [...at, ...hole.path] })),
    ],
    secretPaths: [...tree.secretPaths, ...inner.secretPaths.map((each) => [...at, ...each])],
  }
}

/** Where the expressions of a nested template are evaluated; outside is Azure's default. */
function isInner(options: Json | undefined, { path, name }: Spot): boolean {
  const scope = isObject(options) ? textOf(options.scope ?? 'outer').toLowerCase() : 'outer'
  if (scope === 'inner') return true
  if (scope === 'outer' || scope === 'notspecified') return false
  throw new TemplateProblem(
    `Deployment template validation failed: 'The expressionEvaluationOptions of the nested deployment '${name}'{at} are not valid: their scope is inner or outer.'.`,
    [...path, 'properties', 'expressionEvaluationOptions'],
  )
}
