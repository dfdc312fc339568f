import type { Json, JsonObject } from '../domain/rows.ts'
import { type Context, freshWatch, type OwnResource, unknown, type Value } from './context.ts'
import { type Expression, parseExpression } from './expression.ts'
import { isArray, isObject, member, textOf } from './json.ts'
import type { Meter } from './meter.ts'
import { openNamedValues } from './named-values.ts'
import type { Parameters } from './parameters.ts'
import type { PlanInput } from './planned.ts'
import type { Template } from './read-template.ts'
import { evaluateNow } from './tree.ts'
import { userFunctions } from './user-functions.ts'

/** What is known of a template when its expressions are evaluated. */
export type Ground = {
  readonly input: PlanInput
  readonly template: Template
  readonly parameters: Parameters
  readonly meter: Meter
  readonly deployment: () => JsonObject
  readonly ownResource: (reference: string) => OwnResource | undefined
  readonly ownLoop: (symbolicName: string) => readonly OwnResource[] | undefined
}

/** A context in which the expressions of one template are evaluated; nothing is looked up yet. */
export function openContext(ground: Ground): Context {
  const { input, template, parameters, meter } = ground
  const parsed = new Map<string, Expression>()
  const functions = userFunctions(template.functions)
  const root: Context = {
    template: {
      place: input.place,
      nowMs: input.nowMs,
      newGuid: input.newGuid,
      environment: input.environment,
      deployer: input.deployer,
      regions: input.regions,
      deployment: ground.deployment,
      typeOf: input.typeOf,
      meter,
      parse(text) {
        const before = parsed.get(text)
        if (before !== undefined) return before
        const expression = parseExpression(text)
        parsed.set(text, expression)
        return expression
      },
      parameter: parameters.find,
      variable: openNamedValues('variable', (name, context) => variableOf(template, name, context)),
      userFunction: (name) => functions.get(name.toLowerCase()),
      ownResource: ground.ownResource,
      ownLoop: ground.ownLoop,
    },
    section: 'body',
    copies: [],
    lambdas: new Map(),
    callParameters: undefined,
    lookup: { walksBothBranches: true, find: () => unknown },
    watch: freshWatch(),
    deep: 0,
    rewrites: false,
  }
  return root
}

/** A variable, or a loop of the section's own `copy`. */
function variableOf({ variables }: Template, name: string, context: Context): Value | undefined {
  const inner: Context = {
    ...context,
    section: 'variable',
    copies: [],
    lambdas: new Map(),
    callParameters: undefined,
    rewrites: false,
  }
  const loops: readonly Json[] = isArray(variables.copy) ? variables.copy : []
  const at = loops.findIndex(
    (loop) => isObject(loop) && textOf(loop.name).toLowerCase() === name.toLowerCase(),
  )
  const loop = loops[at]
  if (loop !== undefined) {
    const value = evaluateNow({ copy: [loop] }, inner, ['variables'])
    return value !== unknown && isObject(value) ? member(value, name) : unknown
  }
  const source =
    isArray(variables.copy) && name.toLowerCase() === 'copy' ? undefined : member(variables, name)
  if (source === undefined) return undefined
  const path = [
    'variables',
    Object.keys(variables).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name,
  ]
  return evaluateNow(source, inner, path)
}

/** The names of all variables, those of loops too. */
export function variableNames({ variables }: Template): readonly string[] {
  const loops: readonly Json[] = isArray(variables.copy) ? variables.copy : []
  const looped = loops.flatMap((loop) => (isObject(loop) ? [textOf(loop.name)] : []))
  return [
    ...Object.keys(variables).filter((name) => name !== 'copy' || loops.length === 0),
    ...looped,
  ]
}
