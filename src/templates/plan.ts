import type { JsonObject } from '../domain/rows.ts'
import { bodyOf } from './body.ts'
import { type Context, freshWatch, type OwnResource, unknown } from './context.ts'
import {
  batchDependencies,
  declaredDependencies,
  indexResources,
  type ResourceIndex,
  refuseCircles,
} from './dependencies.ts'
import { expandResources, type Instance } from './expand.ts'
import { isObject, textOf } from './json.ts'
import { type Meter, openMeter } from './meter.ts'
import { planOutputs } from './outputs.ts'
import { openParameters, type Parameter } from './parameters.ts'
import type { DeploymentPlace } from './place.ts'
import type { NestedDeployment, Plan, PlanInput, PlannedResource } from './planned.ts'
import { type TemplatePath, TemplateProblem } from './problem.ts'
import { readTemplate } from './read-template.ts'
import { deploymentTarget, deploymentType } from './resource-identity.ts'
import { dependenciesOf, providersOf, templateHash } from './shown-plan.ts'
import { openContext, variableNames } from './template-context.ts'
import { positioned, wrapped } from './told-problem.ts'

/** Deployments in deployments; Azure's own bound is alike. */
const nestedMax = 5
/** Azure's bound of a template with all that its loops, variables and parameters make of it. */
const planCharsMax = 4 * 1024 * 1024
/** What planning a template and a resource costs beside their expressions, as the meter counts. */
const templateCost = 20_000
const resourceCost = 2_000

/**
 * Works out what a deployment will do, without doing it: pure, bounded, and the same for the same input. Throws
 * TemplateProblem, in Azure's words, with the line where `positionOf` knows it.
 */
export function planDeployment(input: PlanInput): Plan {
  try {
    return planWithin(input, openMeter())
  } catch (error) {
    throw error instanceof TemplateProblem ? positioned(error, input.positionOf) : error
  }
}

function planWithin(input: PlanInput, meter: Meter): Plan {
  try {
    return planTemplate(input, meter)
  } catch (error) {
    throw error instanceof TemplateProblem ? wrapped(error, input.template) : error
  }
}

function planTemplate(input: PlanInput, meter: Meter): Plan {
  const nestedIn = input.nestedIn ?? 0
  if (nestedIn > nestedMax)
    throw new TemplateProblem(
      `Deployment template validation failed: 'Deployments are nested more than '${nestedMax}' deep.'.`,
    )
  meter.spend(meter.sizeOf(input.template) + meter.sizeOf(input.parameters) + templateCost)
  const scope = input.place.group === undefined ? 'subscription' : 'group'
  const template = readTemplate(input.template, nestedIn > 0 ? 'any' : scope)
  const parameters = openParameters(template, input.parameters)
  const hash = templateHash(input.template)
  let index: ResourceIndex = { find: () => undefined }
  const context = openContext({
    input,
    template,
    parameters,
    meter,
    deployment: () => deploymentOf(input, hash, parameters.shownAsGiven),
    ownResource: (reference) => onlyOf(index.find(reference)),
    ownLoop: (symbolicName) => loopOf(index.find(symbolicName)),
  })
  const values = parameters.all(context)
  for (const name of variableNames(template)) context.template.variable(name, context)
  const expanded = expandResources(template, context)
  const { instances } = expanded
  index = indexResources(expanded)
  const resources = planResources({ input, meter, instances, index, context })
  const outputs = planOutputs(template, { ...context, section: 'output' })
  return {
    resources,
    outputs,
    parametersShown: shownParameters(values),
    parameterValues: Object.fromEntries(values.map(({ name, value }) => [name, { value }])),
    secretValues: values.flatMap(({ secrets }) => secrets),
    templateHash: hash,
    providers: providersOf(resources),
    dependencies: dependenciesOf(resources),
  }
}

function shownParameters(values: readonly Parameter[]): JsonObject {
  return Object.fromEntries(
    values.map(({ name, type, isSecure, value }) => [name, isSecure ? { type } : { type, value }]),
  )
}

/** What `deployment()` answers. */
function deploymentOf(input: PlanInput, hash: string, parameters: JsonObject): JsonObject {
  return {
    name: input.deploymentName,
    ...(input.place.location === undefined ? {} : { location: input.place.location }),
    properties: {
      template: input.template,
      templateHash: hash,
      parameters,
      mode: input.mode,
      provisioningState: 'Accepted',
    },
  }
}

function onlyOf(found: readonly Instance[] | undefined): OwnResource | undefined {
  return found?.length === 1 ? found[0] : undefined
}

function loopOf(found: readonly Instance[] | undefined): readonly OwnResource[] | undefined {
  return found?.every(({ loop }) => loop !== undefined)
    ? found.filter(({ isWanted }) => isWanted)
    : undefined
}

type Ground = {
  readonly input: PlanInput
  readonly meter: Meter
  readonly instances: readonly Instance[]
  readonly index: ResourceIndex
  readonly context: Context
}

function planResources(ground: Ground): readonly PlannedResource[] {
  ground.meter.spend(ground.instances.length * resourceCost)
  const wanted = wantedByKey(ground.instances)
  const wantedKeys = new Set(wanted.keys())
  const resources = [...wanted.values()].map((instance) =>
    planResource(instance, ground, wantedKeys),
  )
  const chars = resources.reduce((sum, { body }) => sum + ground.meter.sizeOf(body.known), 0)
  if (chars > planCharsMax)
    throw new TemplateProblem(
      `Deployment template validation failed: 'The template with all that it makes has '${chars}' characters, and the most is '${planCharsMax}'.'.`,
      ['resources'],
    )
  refuseCircles(resources)
  return resources
}

/** What is deployed and, under another symbolic name, said to exist is one resource: the one that is deployed. */
function wantedByKey(instances: readonly Instance[]): ReadonlyMap<string, Instance> {
  const wanted = new Map<string, Instance>()
  for (const instance of instances)
    if (instance.isWanted && !(instance.isExisting && wanted.has(instance.key)))
      wanted.set(instance.key, instance)
  return wanted
}

function planResource(
  instance: Instance,
  ground: Ground,
  wantedKeys: ReadonlySet<string>,
): PlannedResource {
  const { key, id, type, name, apiVersion, scope, symbolicName, path, isExisting } = instance
  const asked = new Set<string>()
  const context: Context = {
    ...instance.context,
    section: 'body',
    watch: freshWatch(),
    lookup: {
      walksBothBranches: true,
      find(need) {
        asked.add(need.id.toLowerCase())
        return unknown
      },
    },
  }
  const body = isExisting ? { known: {}, holes: [], secretPaths: [] } : bodyOf(instance, context)
  const dependsOn = new Set([
    ...declaredDependencies(instance, ground.index),
    ...batchDependencies(instance, ground.instances),
    ...(instance.parentKey === undefined ? [] : [instance.parentKey]),
    ...asked,
  ])
  dependsOn.delete(key)
  return {
    ...{ key, id, type, name, apiVersion, scope, symbolicName, isExisting, path, body },
    dependsOn: [...dependsOn].filter((each) => wantedKeys.has(each)),
    nested:
      type.toLowerCase() === deploymentType && !isExisting
        ? nestedOf(instance, body, ground)
        : undefined,
  }
}

function nestedOf(
  instance: Instance,
  body: PlannedResource['body'],
  { input, meter }: Ground,
): NestedDeployment {
  const target = deploymentTarget(instance.source, instance)
  const properties = isObject(body.known.properties) ? body.known.properties : {}
  const mode =
    textOf(properties.mode ?? '').toLowerCase() === 'complete' ? 'Complete' : 'Incremental'
  const place = placeOf(target, input, body.known.location)
  const { template, parameters } = properties
  if (place === undefined || body.holes.length > 0 || !isObject(template))
    return { ...target, mode, plan: undefined }
  try {
    const plan = planWithin(
      {
        ...input,
        template,
        parameters: isObject(parameters) ? parameters : {},
        place,
        deploymentName: instance.name,
        mode,
        nestedIn: (input.nestedIn ?? 0) + 1,
      },
      meter,
    )
    return { ...target, mode, plan: movedBelow([...instance.path, 'properties', 'template'], plan) }
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
    const path = [...instance.path, 'properties', 'template', ...error.path]
    throw new TemplateProblem(error.message, path, error)
  }
}

/** A nested plan tells its places from the root of the whole template. */
function movedBelow(above: TemplatePath, plan: Plan): Plan {
  const moved = (path: TemplatePath): TemplatePath => [...above, ...path]
  return {
    ...plan,
    resources: plan.resources.map((each) => ({
      ...each,
      path: moved(each.path),
      nested: each.nested && {
        ...each.nested,
        plan: each.nested.plan && movedBelow(above, each.nested.plan),
      },
    })),
  }
}

function placeOf(
  { subscription, group }: { readonly subscription: string; readonly group: string | undefined },
  { place, groupOf }: PlanInput,
  location: unknown,
): DeploymentPlace | undefined {
  const isHere = subscription.toLowerCase() === place.subscription.id.toLowerCase()
  const inSubscription = {
    subscription: isHere ? place.subscription : { id: subscription, displayName: subscription },
    tenantId: place.tenantId,
  }
  if (group === undefined)
    return {
      ...inSubscription,
      group: undefined,
      location: typeof location === 'string' ? location : undefined,
    }
  const isOwn = isHere && group.toLowerCase() === place.group?.name.toLowerCase()
  const facts = isOwn ? place.group : groupOf(subscription, group)
  return facts === undefined ? undefined : { ...inSubscription, group: facts, location: undefined }
}
