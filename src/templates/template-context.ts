import type { JsonObject } from '../domain/rows.ts'
import { type Context, unknown, type Value } from './context.ts'
import { type Expression, parseExpression } from './expression.ts'
import { member } from './json.ts'
import type { Meter } from './meter.ts'
import type { Parameter } from './parameters.ts'
import type { PlanInput } from './planned.ts'
import { located } from './problem.ts'
import { evaluateNow } from './tree.ts'

/** A context in which the expressions of one template are evaluated; nothing is looked up yet. */
export function templateContext(
  input: PlanInput,
  meter: Meter,
  parameters: () => ReadonlyMap<string, Parameter>,
): Context {
  const parsed = new Map<string, Expression>()
  const root: Context = {
    template: {
      place: input.place,
      nowMs: input.nowMs,
      newGuid: input.newGuid,
      environment: input.environment,
      deployment: { name: input.deploymentName },
      typeOf: input.typeOf,
      meter,
      parse(text) {
        const before = parsed.get(text)
        if (before !== undefined) return before
        const expression = parseExpression(text)
        parsed.set(text, expression)
        return expression
      },
      parameter(name, watch) {
        const found = parameters().get(name.toLowerCase())
        if (found?.isSecure) watch.secret = true
        return found?.value
      },
      variable: variablesOf(input.template, () => root),
      userFunction: () => undefined,
      ownResource: () => undefined,
    },
    section: 'body',
    copies: [],
    lambdas: new Map(),
    callParameters: undefined,
    lookup: { walksBothBranches: true, find: () => unknown },
    watch: { secret: false },
    deep: 0,
  }
  return root
}

function variablesOf(template: JsonObject, root: () => Context) {
  const variables = (template.variables ?? {}) as JsonObject
  const done = new Map<string, { readonly value: Value; readonly secret: boolean }>()
  return (name: string, context: Context): Value | undefined => {
    const key = name.toLowerCase()
    let found = done.get(key)
    if (found === undefined) {
      const source = member(variables, name)
      if (source === undefined) return undefined
      const watch = { secret: false }
      const inner = { ...root(), watch, deep: context.deep }
      const value = located(['variables', name], () =>
        evaluateNow(source, inner, ['variables', name]),
      )
      found = { value, secret: watch.secret }
      done.set(key, found)
    }
    if (found.secret) context.watch.secret = true
    return found.value
  }
}
