import type { Json, JsonObject } from '../domain/rows.ts'
import type { Context } from './context.ts'
import { unknown } from './context.ts'
import { isArray, isObject } from './json.ts'
import { openMeter } from './meter.ts'
import { type Parameter, readParameters } from './parameters.ts'
import type { Plan, PlanInput, PlannedResource } from './planned.ts'
import { TemplateProblem } from './problem.ts'
import { templateContext } from './template-context.ts'
import { evaluateNow, evaluateTree } from './tree.ts'

/**
 * Works out what a deployment will do, without doing it: pure, bounded, and the same for the same input. Throws
 * TemplateProblem, in Azure's words.
 */
export function planDeployment(input: PlanInput): Plan {
  const meter = openMeter()
  let parameters: ReadonlyMap<string, Parameter> = new Map()
  const context = templateContext(input, meter, () => parameters)
  parameters = readParameters(objectOf(input.template.parameters), input.parameters, (known) => {
    parameters = known
    return { ...context, section: 'default' }
  })
  const resources = isArray(input.template.resources) ? input.template.resources : []
  const planned = resources.map((each, at) => plannedOf(objectOf(each), at, context))
  return {
    resources: planned.map((each, at) => ({
      ...each,
      dependsOn: dependenciesOf(objectOf(resources[at]), planned, context),
    })),
    outputs: evaluateTree(objectOf(input.template.outputs), { ...context, section: 'output' }, [
      'outputs',
    ]),
    parametersShown: Object.fromEntries(
      [...parameters.values()].map(({ name, type, isSecure, value }) => [
        name,
        isSecure ? { type } : { type, value },
      ]),
    ),
    parameterValues: Object.fromEntries(
      [...parameters.values()].map(({ name, value }) => [name, { value }]),
    ),
    secureParameters: [...parameters.values()]
      .filter(({ isSecure }) => isSecure)
      .map(({ name }) => name),
    templateHash: '0',
    providers: [],
    dependencies: [],
  }
}

function plannedOf(source: JsonObject, at: number, context: Context): PlannedResource {
  const path = ['resources', at]
  const type = textOf(source, 'type', path, context)
  const name = textOf(source, 'name', path, context)
  const apiVersion = textOf(source, 'apiVersion', path, context)
  const { place } = context.template
  const scope = place.group?.id ?? `/subscriptions/${place.subscription.id}`
  const id =
    type.toLowerCase() === 'microsoft.resources/resourcegroups'
      ? `${scope}/resourceGroups/${name}`
      : `${scope}/providers/${interleaved(type, name, path)}`
  const { type: _type, name: _name, apiVersion: _version, dependsOn: _depends, ...rest } = source
  return {
    key: id.toLowerCase(),
    id,
    type,
    name,
    apiVersion,
    scope,
    symbolicName: undefined,
    isExisting: false,
    dependsOn: [],
    path,
    body: evaluateTree(rest, context, path),
    nested: undefined,
  }
}

function textOf(
  source: JsonObject,
  field: string,
  path: readonly (string | number)[],
  context: Context,
): string {
  const value: Json = source[field] ?? null
  const text = evaluateNow(value, context, [...path, field])
  if (typeof text === 'string' && text !== '') return text
  throw new TemplateProblem(
    `Deployment template validation failed: 'The template resource '${String(path.at(-1))}' has no '${field}'.'.`,
    path,
  )
}

function interleaved(type: string, name: string, path: readonly (string | number)[]): string {
  const [namespace = '', ...types] = type.split('/')
  const names = name.split('/')
  if (types.length !== names.length)
    throw new TemplateProblem(
      `Deployment template validation failed: 'The template resource '${name}' for type '${type}' has incorrect segment lengths.'.`,
      path,
    )
  return [namespace, ...types.flatMap((each, at) => [each, names[at] ?? ''])].join('/')
}

function dependenciesOf(
  source: JsonObject,
  planned: readonly PlannedResource[],
  context: Context,
): string[] {
  const texts = isArray(source.dependsOn) ? source.dependsOn : []
  return texts.flatMap((each) => {
    const text = evaluateNow(each, context, ['resources'])
    if (text === unknown || typeof text !== 'string') return []
    const key = text.toLowerCase().replace(/\/$/, '')
    const found = planned.find((other) => other.key === key || other.name.toLowerCase() === key)
    return found === undefined ? [] : [found.key]
  })
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}
